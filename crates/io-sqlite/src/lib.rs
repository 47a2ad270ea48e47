//! SQLite behind the traits: the embedded run store, artifacts and the embedded data plane
