//! How a try ends badly. Retryable or not is said in one place, here.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A failed try, as it is recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct StepError {
    /// Which kind: `timeout`, `assertion_failed`, `handler_panic`, …
    #[serde(rename = "type")]
    pub error_type: String,
    /// What, where, why.
    pub message: String,
    /// Whether another try may go better.
    pub retryable: bool,
    /// What caused it, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cause: Vec<String>,
    /// How long the other side asks to wait, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// More, for machines (a panic's `traceback`).
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

impl StepError {
    /// An error that another try cannot mend.
    pub fn permanent(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            error_type: error_type.into(),
            message: message.into(),
            retryable: false,
            cause: Vec::new(),
            retry_after_ms: None,
            metadata: Map::new(),
        }
    }

    /// An error that another try may mend.
    pub fn retryable(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self { retryable: true, ..Self::permanent(error_type, message) }
    }

    /// The same, with the chain of sources of `error` as its cause.
    #[must_use]
    pub fn caused_by(mut self, error: &dyn std::error::Error) -> Self {
        let mut next = error.source();
        while let Some(source) = next {
            self.cause.push(source.to_string());
            next = source.source();
        }
        self
    }
}
