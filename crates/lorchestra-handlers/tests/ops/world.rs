//! A step's surroundings: artifacts, a clock that stands still, and manifests made by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use compute_local::LocalComputeEngine;
use lorchestra_core::artifact::{ArtifactAt, ArtifactKind, ArtifactStore, Handle};
use lorchestra_core::catalog::ResourceKind;
use lorchestra_core::clock::Timestamp;
use lorchestra_core::handler::{
    Cancel, Completion, HandlerRegistry, NoSecrets, RunMode, SecretSource, StepContext, StepError,
    StepSuccess,
};
use lorchestra_core::manifest::{MANIFEST_VERSION, StepManifest};
use lorchestra_json::Sha256;
use serde_json::Value;
use testkit::{FixedClock, MemoryArtifacts, bytes_of, read_all};

use crate::fake_storacle::FakeStoracle;

pub(crate) struct World {
    pub(crate) artifacts: Arc<MemoryArtifacts>,
    pub(crate) storacle: Arc<FakeStoracle>,
    pub(crate) cancel: Cancel,
    pub(crate) mode: RunMode,
    pub(crate) secrets: Arc<dyn SecretSource>,
    handlers: HandlerRegistry,
}

impl World {
    pub(crate) fn new() -> Self {
        let storacle = Arc::new(FakeStoracle::default());
        let handlers =
            lorchestra_handlers::registry(storacle.clone(), Arc::new(LocalComputeEngine::default())).unwrap();
        Self { storacle, ..Self::with(handlers) }
    }

    /// With handlers that do not ask the data plane of `storacle`.
    pub(crate) fn with(handlers: HandlerRegistry) -> Self {
        Self {
            artifacts: Arc::default(),
            storacle: Arc::default(),
            cancel: Cancel::default(),
            mode: RunMode::Normal,
            secrets: Arc::new(NoSecrets),
            handlers,
        }
    }

    pub(crate) async fn perform(&self, manifest: &StepManifest) -> Result<StepSuccess, StepError> {
        let cx = StepContext {
            run_id: "run-1".into(),
            job_id: "job".into(),
            step_id: manifest.step_id.clone(),
            index: None,
            correlation_id: "correlation-1".into(),
            retry_count: 0,
            max_retries: 3,
            run_started_at: Timestamp::from_micros(1_000_000),
            deadline: Timestamp::from_micros(i64::MAX),
            mode: self.mode,
            cancel: self.cancel.clone(),
            artifacts: self.artifacts.clone(),
            secrets: Arc::clone(&self.secrets),
            clock: Arc::new(FixedClock::default()),
        };
        match self.handlers.dispatch(&cx, manifest).await? {
            Completion::Output(success) => Ok(success),
            other => panic!("no op of these asks the engine for more: {other:?}"),
        }
    }

    /// Stores `text` and gives its handle.
    pub(crate) async fn store(&self, text: impl Into<Vec<u8>>, kind: ArtifactKind) -> Handle {
        let stored = self.artifacts.put(bytes_of(text.into())).await.unwrap();
        let count = (kind == ArtifactKind::Rows).then_some(stored.newlines);
        Handle { sha256: stored.sha256, kind, bytes: stored.bytes, count, fields: None }
    }

    pub(crate) async fn read(&self, sha256: Sha256) -> String {
        String::from_utf8(read_all(self.artifacts.open(sha256).await.unwrap()).await.unwrap()).unwrap()
    }

    /// The rows that `success` gives at `pointer`, wherever they stand.
    pub(crate) async fn rows_at(&self, success: &StepSuccess, pointer: &str) -> Vec<Value> {
        match success.output.artifact(pointer) {
            Some(handle) => self
                .read(handle.sha256)
                .await
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect(),
            None => success.output.value.pointer(pointer).unwrap().as_array().unwrap().clone(),
        }
    }
}

/// A manifest of `op`, as dispatch would make it.
pub(crate) fn manifest(op: &str, params: Value) -> StepManifest {
    let spec = lorchestra_handlers::ops().into_iter().find(|spec| spec.name == op).unwrap();
    StepManifest {
        manifest_version: MANIFEST_VERSION.into(),
        run_id: "run-1".into(),
        step_id: "step".into(),
        index: None,
        backend: spec.backend,
        op: op.into(),
        resolved_params: params,
        secrets: Vec::new(),
        artifacts: Vec::new(),
        resources: BTreeMap::new(),
        idempotency_key: "run-1:step".into(),
        manifest_sha256: Sha256::of(b""),
    }
    .sealed()
}

pub(crate) trait With: Sized {
    fn with_artifact(self, at: &str, handle: Handle) -> Self;
    fn with_resource(self, kind: ResourceKind, name: &str, sha256: Sha256) -> Self;
}

impl With for StepManifest {
    fn with_artifact(mut self, at: &str, handle: Handle) -> Self {
        self.artifacts.push(ArtifactAt { at: at.into(), handle });
        self.sealed()
    }

    fn with_resource(mut self, kind: ResourceKind, name: &str, sha256: Sha256) -> Self {
        self.resources.insert(kind.key(name), sha256);
        self.sealed()
    }
}
