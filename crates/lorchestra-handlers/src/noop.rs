//! The handler that does nothing, for tests and for measuring what is around a step.

use async_trait::async_trait;
use lorchestra_core::handler::{Completion, Handler, StepContext, StepError};
use lorchestra_core::manifest::StepManifest;
use serde_json::json;

/// Completes every step with `{"noop": true}`, so that no output of it is taken for a real one.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoOpHandler;

#[async_trait]
impl Handler for NoOpHandler {
    async fn execute(&self, _cx: &StepContext, _manifest: &StepManifest) -> Result<Completion, StepError> {
        Ok(json!({"noop": true}).into())
    }
}
