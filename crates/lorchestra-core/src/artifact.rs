//! Artifacts: content-addressed bytes that stand beside the JSON which names them (engine.md §3).
//!
//! Here are the handle, the output of a step that may hold handles, and the store trait. Storing is the edges' work.

use std::fmt;
use std::pin::Pin;
use std::str::FromStr;

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use lorchestra_json::Sha256;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// JSON up to this many bytes stands inline; anything larger is an artifact.
pub const INLINE_LIMIT_BYTES: usize = 64 * 1024;
/// A handler that wants a list gets one of up to this many items.
pub const LIST_LIMIT_ITEMS: u64 = 100_000;
/// A handler that wants a list gets one of up to this many bytes.
pub const LIST_LIMIT_BYTES: u64 = 64 << 20;

/// What an artifact's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ArtifactKind {
    /// One JSON value.
    Json,
    /// A row set: newline-delimited JSON.
    Rows,
    /// The text of a transform or template.
    Resource,
}

/// The name of stored bytes and what is known of them without reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handle {
    /// Digest of the uncompressed bytes.
    pub sha256: Sha256,
    /// What the bytes are.
    pub kind: ArtifactKind,
    /// How many, uncompressed.
    pub bytes: u64,
    /// Of rows: how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The names of the top-level members (of rows: of the first row), at most 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
}

/// A handle and where it belongs: the JSON beside it has null there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactAt {
    /// JSON pointer ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)).
    pub at: String,
    /// What stands there.
    #[serde(flatten)]
    pub handle: Handle,
}

/// What a step gives: JSON, and the artifacts that stand beside it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StepOutput {
    /// The JSON, with null where an artifact belongs.
    pub value: Value,
    /// The artifacts, by pointer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<ArtifactAt>,
}

impl From<Value> for StepOutput {
    fn from(value: Value) -> Self {
        Self { value, artifacts: Vec::new() }
    }
}

impl StepOutput {
    /// The handle that stands exactly at `pointer`.
    #[must_use]
    pub fn artifact(&self, pointer: &str) -> Option<&Handle> {
        self.artifacts.iter().find(|artifact| artifact.at == pointer).map(|artifact| &artifact.handle)
    }
}

/// A reference to stored bytes as records print it: `sha256:<64 hex>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArtifactRef(pub Sha256);

impl fmt::Display for ArtifactRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}

impl FromStr for ArtifactRef {
    type Err = lorchestra_json::Sha256ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix("sha256:").ok_or(lorchestra_json::Sha256ParseError)?.parse().map(Self)
    }
}

/// Why bytes could not be stored or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// Nothing is stored under this digest.
    #[error("artifact sha256:{0} is not in the store")]
    NotFound(Sha256),
    /// The stored bytes do not hash to their name.
    #[error("artifact sha256:{0} is damaged: its bytes do not hash to its name")]
    Damaged(Sha256),
    /// The bytes that were to be stored broke off.
    #[error("the bytes to store broke off")]
    Source(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store itself failed.
    #[error("the artifact store failed: {message}")]
    Store {
        /// What failed, with the path.
        message: String,
        /// Whether trying again may help.
        retryable: bool,
    },
}

/// Bytes on their way to or from a store.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, ArtifactError>> + Send>>;

/// What a store says of the bytes it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Their digest.
    pub sha256: Sha256,
    /// How many there were.
    pub bytes: u64,
    /// How many newlines, which of a row set is its count.
    pub newlines: u64,
}

/// Content-addressed storage.
#[async_trait]
pub trait ArtifactStore: Send + Sync {
    /// Stores all of `bytes` under their digest, computed as they stream.
    ///
    /// When it returned, the bytes survive a power cut. A crash before that leaves at most a temporary file that
    /// nothing names. Storing what is stored already renews its time, so that a collection under way keeps it.
    async fn put(&self, bytes: ByteStream) -> Result<Stored, ArtifactError>;

    /// The bytes stored under `sha256`. Damage shows as an error at the end of the stream at the latest.
    async fn open(&self, sha256: Sha256) -> Result<ByteStream, ArtifactError>;

    /// Deletes what is stored under `sha256`; `false` when nothing was. Callers make sure that nothing names it.
    async fn delete(&self, sha256: Sha256) -> Result<bool, ArtifactError>;
}
