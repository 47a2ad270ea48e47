//! Performs one try: the handler's call, wrapped in time limit, panic guard, cancellation in order, secrets and size
//! check. It records nothing: the driver's one path does.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use lorchestra_core::clock::Timestamp;
use lorchestra_core::handler::{Cancel, Completion, RunMode, StepContext, StepError};
use lorchestra_core::manifest::StepManifest;
use lorchestra_core::run::TryResult;

use crate::engine::EngineParts;
use crate::panics;
use crate::redact::{RedactingArtifacts, TrySecrets};
use crate::spill::spill;

/// One try to perform.
#[derive(Debug, Clone)]
pub struct Try {
    /// What is dispatched.
    pub manifest: Arc<StepManifest>,
    /// The job.
    pub job_id: String,
    /// Its time limit.
    pub timeout: Duration,
    /// 0 on the first try.
    pub retry_count: u32,
    /// Tries in all.
    pub max_retries: u32,
    /// When the run was created.
    pub run_started_at: Timestamp,
    /// What the run may do.
    pub mode: RunMode,
    /// Tells the try to stop.
    pub cancel: Cancel,
}

/// Calls handlers.
#[derive(Clone)]
pub struct StepExecutionSubscriber {
    parts: Arc<EngineParts>,
}

impl std::fmt::Debug for StepExecutionSubscriber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StepExecutionSubscriber")
    }
}

impl StepExecutionSubscriber {
    pub(crate) fn new(parts: Arc<EngineParts>) -> Self {
        Self { parts }
    }

    /// Performs `work`. It always comes back: by the handler's answer, its panic, the time limit or the stop, at the
    /// latest a grace after the last two.
    pub async fn execute(&self, work: Try) -> TryResult {
        let secrets = TrySecrets::new(Arc::clone(&self.parts.secrets));
        let artifacts = Arc::new(RedactingArtifacts {
            inner: Arc::clone(&self.parts.artifacts),
            secrets: secrets.clone(),
        });
        let now = self.parts.clock.now();
        let manifest = Arc::clone(&work.manifest);
        let cx = StepContext {
            run_id: manifest.run_id.clone(),
            job_id: work.job_id,
            step_id: manifest.step_id.clone(),
            index: manifest.index,
            correlation_id: manifest.run_id.clone(),
            retry_count: work.retry_count,
            max_retries: work.max_retries,
            run_started_at: work.run_started_at,
            deadline: now.plus_millis(u64::try_from(work.timeout.as_millis()).unwrap_or(u64::MAX)),
            mode: work.mode,
            cancel: work.cancel.clone(),
            artifacts: artifacts.clone(),
            secrets: Arc::new(secrets.clone()),
            clock: Arc::clone(&self.parts.clock),
        };
        let call = AssertUnwindSafe(self.parts.handlers.dispatch(&cx, &manifest)).catch_unwind();
        let result = within(call, work.timeout, self.parts.config.cancel_grace, &work.cancel).await;
        let mut result = match result {
            Ok(Completion::Output(mut success)) => {
                secrets.redact(&mut success.output.value);
                match self.check_size(&success.output.value) {
                    Some(error) => Err(error),
                    None => match spill(success.output, artifacts.as_ref()).await {
                        Ok(output) => {
                            success.output = output;
                            Ok(Completion::Output(success))
                        }
                        Err(error) => {
                            Err(StepError::retryable("artifact_store", error.to_string()).caused_by(&error))
                        }
                    },
                }
            }
            other => other,
        };
        if let Err(error) = &mut result {
            secrets.redact_error(error);
        }
        result
    }

    fn check_size(&self, value: &serde_json::Value) -> Option<StepError> {
        let limit = self.parts.config.max_output_bytes;
        let size = value.to_string().len();
        (size > limit).then(|| {
            StepError::permanent(
                "invalid_result",
                format!("the output has {size} bytes of JSON; a step may give {limit}"),
            )
        })
    }
}

/// Awaits `call`. On the time limit or a stop: cancel, then a grace, then the future is dropped. A call that ends well
/// within the grace has ended well.
async fn within<F>(call: F, timeout: Duration, grace: Duration, cancel: &Cancel) -> TryResult
where
    F: Future<Output = Result<TryResult, Box<dyn std::any::Any + Send>>>,
{
    let mut call = std::pin::pin!(call);
    let over_time = tokio::select! {
        biased;
        ended = &mut call => return unwound(ended),
        () = cancel.cancelled() => false,
        () = tokio::time::sleep(timeout) => true,
    };
    cancel.cancel();
    let ended = tokio::time::timeout(grace, &mut call).await.map(unwound);
    match (ended, over_time) {
        (Ok(Ok(completion)), _) => Ok(completion),
        (Ok(Err(error)), true) if error.error_type == "cancelled" => Err(timed_out(timeout)),
        (Ok(Err(error)), _) => Err(error),
        (Err(_), true) => Err(timed_out(timeout)),
        (Err(_), false) => {
            Err(StepError::permanent("cancelled", "stopped, and dropped when its grace was over"))
        }
    }
}

fn timed_out(timeout: Duration) -> StepError {
    StepError::retryable("timeout", format!("it took longer than its limit of {} s", timeout.as_secs_f64()))
}

fn unwound(ended: Result<TryResult, Box<dyn std::any::Any + Send>>) -> TryResult {
    ended.unwrap_or_else(|payload| {
        let mut error = StepError::permanent(
            "handler_panic",
            format!("the handler panicked: {}", panics::message(&*payload)),
        );
        if let Some(trace) = panics::take_backtrace() {
            error.metadata.insert("traceback".into(), trace.into());
        }
        Err(error)
    })
}
