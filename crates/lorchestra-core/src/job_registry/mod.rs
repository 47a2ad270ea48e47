//! Which jobs there are, by id: an index of what the caller read. Walking folders and opening files is not done here.
//!
//! Folders do not matter to identity. A file that cannot be used blocks only its own id, and is told when somebody asks
//! for it.

mod builder;
mod lookup;

pub use builder::{JobRegistryBuilder, RegisteredTwice};
pub use lookup::{JobFile, JobRegistry, LookupError};
