//! The engine over stores in memory and scripted handlers, on paused time.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

mod runs;
