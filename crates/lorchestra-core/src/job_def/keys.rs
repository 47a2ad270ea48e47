//! Which keys a job and a step take, and which of them are not supported yet. A key stands in exactly one list.

/// Keys of the top level.
pub(super) const TOP_LEVEL: &[&str] = &[
    "job_id",
    "version",
    "description",
    "params",
    "parameters_schema",
    "max_parallel",
    "timeout_s",
    "on_failure",
    "output",
    "steps",
];

/// Keys of the top level that are refused until their feature is there.
pub(super) const TOP_LEVEL_LATER: &[&str] = &[
    "stages",
    "pipeline_id",
    "budget",
    "dedupe",
    "schedule",
    "every",
    "concurrency",
    "labels",
    "priority",
    "retention",
    "event_log",
    "tags",
    "env",
    "secrets",
];

/// Keys of a step.
pub(super) const STEP: &[&str] = &[
    "step_id",
    "op",
    "params",
    "needs",
    "if",
    "when",
    "retry",
    "timeout_s",
    "continue_on_error",
    "idempotency",
    "phase_id",
    "role",
];

/// Keys of a step that are refused until their feature is there.
pub(super) const STEP_LATER: &[&str] =
    &["foreach", "max_parallel", "batch", "distribute", "on_ambiguous", "idempotent", "rate"];

/// Roles of a step beside `step`, refused until their feature is there.
pub(super) const ROLES_LATER: &[&str] = &["decision", "branch", "batch", "batch_worker", "convergence"];

pub(super) const RETRY: &[&str] = &["max_attempts", "backoff", "initial_ms", "max_ms", "jitter"];

pub(super) const IDEMPOTENCY: &[&str] = &["scope", "semantic_key_ref", "include_payload_hash"];

/// All keys that the top level knows, supported or not.
pub(super) fn known_top_level() -> impl Iterator<Item = &'static str> {
    TOP_LEVEL.iter().chain(TOP_LEVEL_LATER).copied()
}

/// All keys that a step knows, supported or not.
pub(super) fn known_step() -> impl Iterator<Item = &'static str> {
    STEP.iter().chain(STEP_LATER).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_both_supported_and_not() {
        assert!(TOP_LEVEL.iter().all(|key| !TOP_LEVEL_LATER.contains(key)));
        assert!(STEP.iter().all(|key| !STEP_LATER.contains(key)));
    }
}
