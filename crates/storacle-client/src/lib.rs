#![doc = include_str!("../README.md")]

pub mod builder;
mod client;
mod error;
mod noop;
pub mod passthrough;
pub mod query;
pub mod standard_tables;
pub mod table;
mod types;

pub use client::StoracleClient;
pub use error::StoracleError;
pub use noop::NoOpStoracleClient;
pub use query::QuerySpec;
pub use types::{
    AssertRowsSpec, AssertSchemaSpec, AssertUniqueSpec, CallMeta, ExpectedColumn, OnStop, RowStream,
    RowsAssertion, SchemaAssertion, SchemaMismatch, SqlQuery, StopFlag, UniqueAssertion, UpsertCounts,
    UpsertSpec,
};
