//! Compiled jobs by hand, for tests of what runs them. Nothing here compiles a job file.

use lorchestra_core::clock::Timestamp;
use lorchestra_core::instance::{
    INSTANCE_FORMAT, Idempotency, JobInstance, LateValue, OnFailure, RetryPolicy, StepInstance,
};
use lorchestra_core::op::{Backend, Effect};
use lorchestra_json::Sha256;
use serde_json::{Map, Value};

/// A job of these steps, with the defaults of a job file.
#[must_use]
pub fn job_of(steps: impl IntoIterator<Item = StepInstance>) -> JobInstance {
    sealed(JobInstance {
        format: INSTANCE_FORMAT,
        job_id: "test_job".into(),
        job_version: "1".into(),
        job_def_sha256: Sha256::of(b"test_job"),
        instance_sha256: Sha256::of(b""),
        compiled_at: Timestamp::from_micros(1_767_225_600_000_000),
        payload: Map::new(),
        ctx: Map::new(),
        self_: Map::new(),
        resources: Default::default(),
        max_parallel: 64,
        timeout_s: None,
        on_failure: OnFailure::Finish,
        output: None,
        steps: steps.into_iter().collect(),
    })
}

/// `instance` with its digest set anew: after it was changed.
#[must_use]
pub fn sealed(mut instance: JobInstance) -> JobInstance {
    instance.instance_sha256 = instance.digest();
    instance
}

/// A step that needs `needs`: op `test.<step_id>`, default retry without jitter, no params.
#[must_use]
pub fn step_of(step_id: &str, needs: &[&str]) -> StepInstance {
    StepInstance {
        step_id: step_id.into(),
        op: format!("test.{step_id}"),
        backend: Backend::Orchestration,
        effect: Effect::Pure,
        params: Value::Object(Map::new()),
        late: Vec::new(),
        secrets: Vec::new(),
        needs: needs.iter().map(|need| (*need).to_owned()).collect(),
        when: None,
        compiled_skip: None,
        retry: RetryPolicy { jitter: false, ..RetryPolicy::default() },
        timeout_s: 300.0,
        continue_on_error: false,
        idempotency: Idempotency::default(),
        phase_id: None,
        resources: Default::default(),
    }
}

/// `step` with the param `name` resolved from `text` when it is dispatched.
#[must_use]
pub fn with_late(mut step: StepInstance, name: &str, text: &str) -> StepInstance {
    if let Some(params) = step.params.as_object_mut() {
        params.insert(name.into(), Value::Null);
    }
    step.late.push(LateValue { at: format!("/{name}"), text: text.into() });
    step
}
