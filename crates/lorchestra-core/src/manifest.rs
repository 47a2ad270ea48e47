//! The step manifest: so specific that executing it leaves nothing to choose (jobs.md §3). Immutable and hashed.
//!
//! Secrets and artifacts stand out of band, by pointer: `resolved_params` is plain JSON and nothing ever scans it.

use std::collections::BTreeMap;

use lorchestra_json::{Sha256, canonical};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::artifact::ArtifactAt;
use crate::op::Backend;

/// The version this code writes.
pub const MANIFEST_VERSION: &str = "1";

/// Where a secret belongs and what it is called; never what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretAt {
    /// JSON pointer into `resolved_params`, which has null there.
    pub at: String,
    /// The secret's name at its source.
    pub name: String,
}

/// What is dispatched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepManifest {
    /// `MANIFEST_VERSION` of the version that made it.
    pub manifest_version: String,
    /// The run. Not hashed.
    pub run_id: String,
    /// The step.
    pub step_id: String,
    /// Of one element of a loop: its position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// Who performs it.
    pub backend: Backend,
    /// The op.
    pub op: String,
    /// The params, with null where a secret or an artifact belongs.
    pub resolved_params: Value,
    /// The secrets to fill in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretAt>,
    /// The artifacts that stand in the params.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<ArtifactAt>,
    /// The digest of every resource the params name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<String, Sha256>,
    /// Reaches the sink with every write. Not hashed.
    pub idempotency_key: String,
    /// Digest over all but `run_id`, `idempotency_key` and itself: equal work has an equal digest in every run.
    pub manifest_sha256: Sha256,
}

impl StepManifest {
    /// The digest as `manifest_sha256` defines it.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        let hashed = serde_json::json!({
            "manifest_version": self.manifest_version,
            "step_id": self.step_id,
            "index": self.index,
            "backend": self.backend,
            "op": self.op,
            "resolved_params": self.resolved_params,
            "secrets": self.secrets,
            "artifacts": self.artifacts,
            "resources": self.resources,
        });
        canonical::digest(&hashed)
    }

    /// The same manifest with its digest set; the last act of building one.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.manifest_sha256 = self.digest();
        self
    }

    /// The artifact that stands exactly at `pointer` of the params.
    #[must_use]
    pub fn artifact(&self, pointer: &str) -> Option<&crate::artifact::Handle> {
        self.artifacts.iter().find(|artifact| artifact.at == pointer).map(|artifact| &artifact.handle)
    }
}
