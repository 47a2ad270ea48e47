//! The run machine, played by scripted outcomes on a virtual clock.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]
#![expect(unreachable_pub, reason = "modules of one test binary")]

mod conditions;
mod crashes;
mod endings;
mod journal;
mod order;
mod play;
mod properties;
mod requests;
mod tries;
