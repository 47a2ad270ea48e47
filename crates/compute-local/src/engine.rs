//! The library as a client: transforms and renders on threads of this process.
//!
//! It trusts the project's files as far as running them in process does: see the crate's documentation.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use compute_client::{
    CallMeta, ComputeError, LocalCompute, RenderRequest, Rendered, RowStream, Stop, TransformRequest,
    TransformStream,
};

use crate::{Limits, template, transform};

/// [`LocalCompute`] in this process.
#[derive(Debug, Clone, Default)]
pub struct LocalComputeEngine {
    limits: Limits,
}

impl LocalComputeEngine {
    /// An engine within `limits`.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits }
    }
}

#[async_trait]
impl LocalCompute for LocalComputeEngine {
    async fn transform(
        &self,
        meta: &CallMeta,
        request: TransformRequest,
        input: RowStream,
        stop: Stop,
    ) -> Result<TransformStream, ComputeError> {
        transform::transform(request, &self.limits, deadline(meta), input, stop)
    }

    async fn render(&self, _meta: &CallMeta, request: RenderRequest) -> Result<Rendered, ComputeError> {
        let broke = |message: String, retryable| ComputeError::Internal { message, retryable };
        let (sender, receiver) = transform::channel();
        let (name, limits) = (request.name.clone(), self.limits.clone());
        let work = move || {
            if let Ok(result) = catch_unwind(AssertUnwindSafe(|| template::render(&request, &limits))) {
                // the caller may have gone
                drop(sender.send(result));
            }
        };
        transform::spawn(work).map_err(|error| {
            broke(format!("a thread for template {name} could not be started: {error}"), true)
        })?;
        let result = std::future::poll_fn(|context| receiver.poll_next(context)).await;
        result.unwrap_or_else(|| Err(broke(format!("the template engine broke on template {name}"), false)))
    }
}

/// The wall-clock deadline on the clock that never jumps.
fn deadline(meta: &CallMeta) -> Option<Instant> {
    let at = Duration::from_millis(meta.deadline_ms?);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Instant::now().checked_add(at.saturating_sub(now))
}
