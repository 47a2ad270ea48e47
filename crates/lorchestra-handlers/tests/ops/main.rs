//! Ops performed end to end over a data plane in memory, the real transforms and templates, and artifacts in memory.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails by panicking")]

mod assertions;
mod checks;
mod compute;
mod fake_storacle;
mod log;
mod noop;
mod queries;
mod upserts;
mod values;
mod world;
