//! The three handlers, and the usual registry of them.

use std::sync::Arc;

use async_trait::async_trait;
use compute_client::ComputeClient;
use lorchestra_core::handler::{Completion, Handler, HandlerRegistry, RegistryError, StepContext, StepError};
use lorchestra_core::manifest::StepManifest;
use lorchestra_core::op::Backend;
use storacle_client::StoracleClient;

use crate::ops;

/// A registry with a handler for each backend.
///
/// # Errors
/// None in practice: a fresh registry has no handler yet.
pub fn registry(
    storacle: Arc<dyn StoracleClient>,
    compute: Arc<dyn ComputeClient>,
) -> Result<HandlerRegistry, RegistryError> {
    let mut registry = HandlerRegistry::default();
    registry.register(Backend::DataPlane, Arc::new(DataPlaneHandler::new(storacle)))?;
    registry.register(Backend::Compute, Arc::new(ComputeHandler::new(compute)))?;
    registry.register(Backend::Orchestration, Arc::new(OrchestrationHandler))?;
    Ok(registry)
}

fn unknown(manifest: &StepManifest) -> StepError {
    StepError::permanent(
        "handler_not_found",
        format!("backend '{}' does not perform op '{}'", manifest.backend, manifest.op),
    )
}

/// Performs `storacle.* write.* assert.*`.
pub struct DataPlaneHandler {
    client: Arc<dyn StoracleClient>,
}

impl DataPlaneHandler {
    /// A handler that asks `client`.
    #[must_use]
    pub fn new(client: Arc<dyn StoracleClient>) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Handler for DataPlaneHandler {
    async fn execute(&self, cx: &StepContext, manifest: &StepManifest) -> Result<Completion, StepError> {
        let client = self.client.as_ref();
        match manifest.op.as_str() {
            ops::storacle_query::NAME => ops::storacle_query::execute(client, cx, manifest).await,
            ops::write_upsert::NAME => ops::write_upsert::execute(client, cx, manifest).await,
            ops::assert_rows::NAME => ops::assert_rows::execute(client, cx, manifest).await,
            ops::assert_unique::NAME => ops::assert_unique::execute(client, cx, manifest).await,
            ops::assert_schema::NAME => ops::assert_schema::execute(client, cx, manifest).await,
            _ => Err(unknown(manifest)),
        }
    }
}

/// Performs `compute.*`.
pub struct ComputeHandler {
    client: Arc<dyn ComputeClient>,
}

impl ComputeHandler {
    /// A handler that asks `client`.
    #[must_use]
    pub fn new(client: Arc<dyn ComputeClient>) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Handler for ComputeHandler {
    async fn execute(&self, cx: &StepContext, manifest: &StepManifest) -> Result<Completion, StepError> {
        let client = self.client.as_ref();
        match manifest.op.as_str() {
            ops::compute_transform::NAME => ops::compute_transform::execute(client, cx, manifest).await,
            ops::compute_render::NAME => ops::compute_render::execute(client, cx, manifest).await,
            _ => Err(unknown(manifest)),
        }
    }
}

/// Performs what needs neither plane: `log.dump`.
#[derive(Debug, Clone, Copy, Default)]
pub struct OrchestrationHandler;

#[async_trait]
impl Handler for OrchestrationHandler {
    async fn execute(&self, cx: &StepContext, manifest: &StepManifest) -> Result<Completion, StepError> {
        match manifest.op.as_str() {
            ops::log_dump::NAME => ops::log_dump::execute(cx, manifest).await,
            _ => Err(unknown(manifest)),
        }
    }
}
