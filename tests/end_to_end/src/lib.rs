//! What the tests stand on: the built binary, and copies of the example to use it in. It asserts nothing about the
//! product; the tests do.

mod binary;
mod sandbox;

pub use binary::binary;
pub use sandbox::{Answer, JOBS, Sandbox};
