//! The spec of one op.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Param, ParamProblem};

/// Who performs an op.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// Tables: `query.* write.* assert.* storacle.* plan.build`.
    DataPlane,
    /// Computation and calls: `compute.* call api.request`.
    Compute,
    /// The engine itself: `job.run decide log.dump wait.*`.
    Orchestration,
}

impl Backend {
    /// The name as it stands in a manifest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DataPlane => "data_plane",
            Self::Compute => "compute",
            Self::Orchestration => "orchestration",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a repeat of an op does, hence what happens after a crash in the middle of it (engine.md §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Effect {
    /// Computes from its params alone.
    Pure,
    /// Reads the outside world and leaves it as it is.
    Reading,
    /// Writes, and stores key and response in the transaction of the write: a repeat gets the first response.
    Transactional,
    /// Writes under a key the other side remembers.
    Keyed,
    /// Writes, and a repeat writes again.
    Unkeyed,
}

impl Effect {
    /// Whether a dry run may perform it.
    #[must_use]
    pub const fn is_harmless(self) -> bool {
        matches!(self, Self::Pure | Self::Reading)
    }
}

/// A top-level field of an op's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputField {
    /// Its name.
    pub name: &'static str,
    /// Another name that refs may use for it (`rows` for `items`).
    pub alias: Option<&'static str>,
    /// Whether paths may go below it; a scalar has nothing below.
    pub open: bool,
}

impl OutputField {
    /// A field that refs may look into.
    #[must_use]
    pub const fn open(name: &'static str) -> Self {
        Self { name, alias: None, open: true }
    }

    /// A number, text or bool: nothing stands below it.
    #[must_use]
    pub const fn scalar(name: &'static str) -> Self {
        Self { name, alias: None, open: false }
    }

    /// The same field, reachable by another name too.
    #[must_use]
    pub const fn or(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }
}

/// What refs may find in an op's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Exactly these top-level fields.
    Fields(Vec<OutputField>),
    /// Unknown before the run.
    Open,
}

/// A rule across params: given `params` and the pointers of values that become known only at dispatch.
pub type ParamCheck = fn(&serde_json::Value, &[String]) -> Vec<ParamProblem>;

/// Everything compiling must know of an op.
#[derive(Clone)]
pub struct OpSpec {
    /// `write.upsert`.
    pub name: String,
    /// Who performs it.
    pub backend: Backend,
    /// What a repeat does.
    pub effect: Effect,
    /// One line on what it does.
    pub summary: &'static str,
    /// What it takes.
    pub params: Vec<Param>,
    /// What it gives.
    pub output: Output,
    /// Rules that go across params; called at compile with what is known then. Values that become known only when
    /// the step is dispatched are null in it, and their pointers are listed.
    pub check: Option<ParamCheck>,
}

impl fmt::Debug for OpSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpSpec")
            .field("name", &self.name)
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}

impl OpSpec {
    /// The param called `name`.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|param| param.name == name)
    }
}
