//! What can go wrong in the data plane, typed by what the caller does next; with the backend's own words.

/// A failed call to the data plane.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoracleError {
    /// The backend cannot be reached, or is busy.
    #[error("the data plane is not available: {message}")]
    Unavailable {
        /// The backend's words.
        message: String,
    },
    /// It took too long.
    #[error("the data plane took too long: {message}")]
    Timeout {
        /// The backend's words.
        message: String,
    },
    /// It asks to come back later.
    #[error("the data plane limits the rate: {message}")]
    RateLimited {
        /// The backend's words.
        message: String,
        /// How long it asks to wait, in milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// The query is wrong.
    #[error("{message}")]
    InvalidQuery {
        /// What is wrong and what is allowed.
        message: String,
        /// Where in the SQL, line and column from 1, when the backend says.
        position: Option<(u64, u64)>,
    },
    /// A table or column does not exist.
    #[error("{message}")]
    NotFound {
        /// What does not exist, and what does.
        message: String,
    },
    /// Not permitted.
    #[error("{message}")]
    PermissionDenied {
        /// The backend's words.
        message: String,
    },
    /// A value or a column does not fit the table.
    #[error("{message}")]
    SchemaMismatch {
        /// Row, column and value.
        message: String,
    },
    /// The idempotency key was used for other work, or a key occurs twice in one write.
    #[error("{message}")]
    Conflict {
        /// Which, and by whom.
        message: String,
    },
    /// The write failed; nothing of it is there.
    #[error("write failed: {message}")]
    WriteFailed {
        /// The backend's words.
        message: String,
        /// Whether trying again may help.
        retryable: bool,
    },
    /// The caller asked to stop, and it stopped. Nothing was written.
    #[error("cancelled")]
    Cancelled,
    /// The rows to write broke off.
    #[error("the rows to write broke off")]
    Input(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoracleError {
    /// Whether another try may go better.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Timeout { .. } | Self::RateLimited { .. } => true,
            Self::WriteFailed { retryable, .. } => *retryable,
            _ => false,
        }
    }
}
