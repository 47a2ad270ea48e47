//! The embedded data plane through its trait, each test on its own file.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod asserts;
mod concurrency;
mod ledger;
mod opening;
mod passthrough;
mod query;
mod round_trip;
mod stamps;
mod support;
mod tables;
mod upsert;
