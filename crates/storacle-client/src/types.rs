//! The requests and answers of the data plane. Rows travel as batches; counts are truthful.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use futures_core::Stream;
use lorchestra_json::{RowBatch, Sha256};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::StoracleError;

/// Rows on their way.
pub type RowStream = Pin<Box<dyn Stream<Item = Result<RowBatch, StoracleError>> + Send>>;

/// Takes what is to be done at the moment of stopping.
pub type OnStop = Arc<dyn Fn(Box<dyn FnOnce() + Send>) + Send + Sync>;

/// How a backend learns that it should stop: asked between pieces of work, and told once by a hook.
#[derive(Clone)]
pub struct StopFlag {
    /// Whether to stop now.
    pub is_stopped: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Registers what to do at the moment of stopping (interrupt a running statement).
    pub on_stop: OnStop,
}

impl Default for StopFlag {
    /// A flag that is never raised.
    fn default() -> Self {
        Self { is_stopped: Arc::new(|| false), on_stop: Arc::new(|_| {}) }
    }
}

impl fmt::Debug for StopFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StopFlag")
    }
}

/// Who calls, for which work, and how long it may take.
#[derive(Debug, Clone, Default)]
pub struct CallMeta {
    /// The run.
    pub run_id: String,
    /// The step.
    pub step_id: String,
    /// The job.
    pub job_id: String,
    /// Follows a piece of work through systems.
    pub correlation_id: String,
    /// Under which key a write is remembered. Without one it is not remembered.
    pub idempotency_key: Option<String>,
    /// Digest of the work the key stands for: the same key with another digest is a conflict.
    pub manifest_sha256: Option<Sha256>,
    /// When the call is over time, in microseconds since 1970 (UTC).
    pub deadline_us: Option<i64>,
    /// When the run was created, in microseconds since 1970 (UTC): the run's clock, for columns stamped `always`.
    pub run_started_at_us: Option<i64>,
    /// When to stop.
    pub stop: StopFlag,
}

/// Passthrough SQL: one read-only statement with `@name` parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SqlQuery {
    /// The statement.
    pub sql: String,
    /// A value for each `@name` in it.
    #[serde(default)]
    pub params: BTreeMap<String, Value>,
}

/// Rows to insert, or to update where the key exists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UpsertSpec {
    /// `dataset.table`.
    pub table: String,
    /// The column that identifies a row.
    pub idem_key_field: String,
    /// Columns that an existing row keeps.
    #[serde(default)]
    pub skip_update_columns: Vec<String>,
    /// When a key occurs twice in one write: the last one wins instead of an error.
    #[serde(default)]
    pub last_duplicate_wins: bool,
}

/// What an upsert did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UpsertCounts {
    /// Rows that were not there.
    pub inserted: u64,
    /// Rows that were there and changed.
    pub updated: u64,
    /// Rows that were there and were equal.
    pub unchanged: u64,
    /// All rows given.
    pub total: u64,
    /// This is the answer of an earlier call with the same key; nothing was written now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeated: bool,
}

/// How many rows there should be.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AssertRowsSpec {
    /// `dataset.table`.
    pub table: String,
    /// Which rows; see the query DSL's filters.
    #[serde(default)]
    pub filters: Value,
    /// Exactly so many.
    pub expected_count: Option<u64>,
    /// At least so many.
    pub min_count: Option<u64>,
    /// At most so many.
    pub max_count: Option<u64>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsAssertion {
    /// Whether it holds.
    pub passed: bool,
    /// How many rows there are.
    pub actual_count: u64,
    /// In words.
    pub message: String,
}

/// A column there should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedColumn {
    /// Its name.
    pub name: String,
    /// Its type: STRING, INT64, FLOAT64, BOOL, TIMESTAMP, DATE or JSON.
    #[serde(rename = "type")]
    pub column_type: String,
    /// Whether it takes NULL; not judged when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nullable: Option<bool>,
}

/// Which columns there should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssertSchemaSpec {
    /// `dataset.table`.
    pub table: String,
    /// The columns.
    pub expected_columns: Vec<ExpectedColumn>,
    /// Whether others may be there too.
    #[serde(default)]
    pub allow_extra: bool,
}

/// A column that is there and is different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaMismatch {
    /// Its name.
    pub name: String,
    /// What was expected.
    pub expected: String,
    /// What is there.
    pub actual: String,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaAssertion {
    /// Whether it holds.
    pub passed: bool,
    /// Columns that are not there.
    pub missing: Vec<String>,
    /// Columns nobody expected.
    pub extra: Vec<String>,
    /// Columns of another type.
    pub mismatched: Vec<SchemaMismatch>,
}

/// Which columns should identify a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssertUniqueSpec {
    /// `dataset.table`.
    pub table: String,
    /// The columns.
    pub columns: Vec<String>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UniqueAssertion {
    /// Whether it holds.
    pub passed: bool,
    /// How many combinations occur more than once.
    pub duplicate_count: u64,
    /// Up to ten of them, with their `count`.
    pub samples: Vec<Value>,
}
