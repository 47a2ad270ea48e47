//! What clients are told of the call: who, for which work, until when, and how to stop.

use std::sync::Arc;

use lorchestra_core::handler::StepContext;
use lorchestra_core::manifest::StepManifest;

pub(crate) fn storacle(cx: &StepContext, manifest: &StepManifest) -> storacle_client::CallMeta {
    let asked = cx.cancel.clone();
    let told = cx.cancel.clone();
    storacle_client::CallMeta {
        run_id: cx.run_id.clone(),
        step_id: cx.step_id.clone(),
        job_id: cx.job_id.clone(),
        correlation_id: cx.correlation_id.clone(),
        idempotency_key: Some(manifest.idempotency_key.clone()),
        manifest_sha256: Some(manifest.manifest_sha256),
        deadline_us: Some(cx.deadline.as_micros()),
        run_started_at_us: Some(cx.run_started_at.as_micros()),
        stop: storacle_client::StopFlag {
            is_stopped: Arc::new(move || asked.is_cancelled()),
            on_stop: Arc::new(move |hook| told.on_cancel(hook)),
        },
    }
}

pub(crate) fn compute(cx: &StepContext, manifest: &StepManifest) -> compute_client::CallMeta {
    compute_client::CallMeta {
        run_id: cx.run_id.clone(),
        step_id: cx.step_id.clone(),
        job_id: cx.job_id.clone(),
        correlation_id: cx.correlation_id.clone(),
        idempotency_key: manifest.idempotency_key.clone(),
        deadline_ms: u64::try_from(cx.deadline.as_micros() / 1000).ok(),
        run_started_at_us: Some(cx.run_started_at.as_micros()),
    }
}

pub(crate) fn stop(cx: &StepContext) -> compute_client::Stop {
    let cancel = cx.cancel.clone();
    compute_client::Stop::when(move || cancel.is_cancelled())
}
