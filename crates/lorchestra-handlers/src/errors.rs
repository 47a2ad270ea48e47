//! The one table from clients' errors to how a try ends: its type, and whether another try may go better.

use compute_client::ComputeError;
use lorchestra_core::artifact::ArtifactError;
use lorchestra_core::handler::StepError;
use storacle_client::StoracleError;

/// A step's own error that travelled through a client as the source of its input comes back as it was.
fn own(source: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<StepError> {
    source.downcast_ref::<StepError>().cloned()
}

pub(crate) fn storacle(error: StoracleError) -> StepError {
    let (error_type, retry_after_ms) = match &error {
        StoracleError::Input(source) => match own(source.as_ref()) {
            Some(own) => return own,
            None => ("input_failed", None),
        },
        StoracleError::Unavailable { .. } => ("unavailable", None),
        StoracleError::Timeout { .. } => ("timeout", None),
        StoracleError::RateLimited { retry_after_ms, .. } => ("rate_limited", *retry_after_ms),
        StoracleError::InvalidQuery { .. } => ("invalid_query", None),
        StoracleError::NotFound { .. } => ("not_found", None),
        StoracleError::PermissionDenied { .. } => ("permission_denied", None),
        StoracleError::SchemaMismatch { .. } => ("schema_mismatch", None),
        StoracleError::Conflict { .. } => ("conflict", None),
        StoracleError::WriteFailed { .. } => ("write_failed", None),
        StoracleError::Cancelled => ("cancelled", None),
        _ => ("data_plane", None),
    };
    let mut step = StepError::permanent(error_type, error.to_string()).caused_by(&error);
    step.retryable = error.is_retryable();
    step.retry_after_ms = retry_after_ms;
    step
}

pub(crate) fn compute(error: ComputeError) -> StepError {
    let error_type = match &error {
        ComputeError::Input { source, .. } => match own(source.as_ref()) {
            Some(own) => return own,
            None => "input_failed",
        },
        ComputeError::InvalidProgram { .. } => "invalid_program",
        ComputeError::InvalidRequest { .. } => "invalid_params",
        ComputeError::Program { .. } => "transform_failed",
        ComputeError::OutputLimit { .. } => "output_limit",
        ComputeError::InputLimit { .. } => "input_limit",
        ComputeError::TimeLimit { .. } | ComputeError::DeadlineExceeded => "timeout",
        ComputeError::Template { .. } => "template_failed",
        ComputeError::FuelLimit { .. } => "fuel_limit",
        ComputeError::Cancelled => "cancelled",
        _ => "compute",
    };
    let mut step = StepError::permanent(error_type, error.to_string()).caused_by(&error);
    step.retryable = error.retryable();
    step
}

pub(crate) fn artifact(error: &ArtifactError) -> StepError {
    let retryable = matches!(error, ArtifactError::Store { retryable: true, .. });
    let mut step = StepError::permanent("artifact_store", error.to_string()).caused_by(error);
    step.retryable = retryable;
    step
}

pub(crate) fn params(message: impl Into<String>) -> StepError {
    StepError::permanent("invalid_params", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_the_data_plane_has_a_type_and_says_whether_to_try_again() {
        let text = || "x".to_owned();
        for (error, error_type, retryable) in [
            (StoracleError::Unavailable { message: text() }, "unavailable", true),
            (StoracleError::Timeout { message: text() }, "timeout", true),
            (StoracleError::RateLimited { message: text(), retry_after_ms: Some(7) }, "rate_limited", true),
            (StoracleError::InvalidQuery { message: text(), position: None }, "invalid_query", false),
            (StoracleError::NotFound { message: text() }, "not_found", false),
            (StoracleError::PermissionDenied { message: text() }, "permission_denied", false),
            (StoracleError::SchemaMismatch { message: text() }, "schema_mismatch", false),
            (StoracleError::Conflict { message: text() }, "conflict", false),
            (StoracleError::WriteFailed { message: text(), retryable: true }, "write_failed", true),
            (StoracleError::WriteFailed { message: text(), retryable: false }, "write_failed", false),
            (StoracleError::Cancelled, "cancelled", false),
            (StoracleError::Input("x".into()), "input_failed", false),
            (StoracleError::Input(Box::new(StepError::retryable("own", "x"))), "own", true),
        ] {
            let step = storacle(error);
            assert_eq!((step.error_type.as_str(), step.retryable), (error_type, retryable));
        }
    }

    #[test]
    fn every_error_of_compute_has_a_type_and_says_whether_to_try_again() {
        let reference = || "a@1".to_owned();
        for (error, error_type, retryable) in [
            (
                ComputeError::InvalidProgram { reference: reference(), problems: vec![] },
                "invalid_program",
                false,
            ),
            (ComputeError::InvalidRequest { message: reference() }, "invalid_params", false),
            (
                ComputeError::Program { reference: reference(), row: Some(1), message: reference() },
                "transform_failed",
                false,
            ),
            (
                ComputeError::OutputLimit { subject: reference(), row: None, limit_bytes: 1 },
                "output_limit",
                false,
            ),
            (
                ComputeError::InputLimit { reference: reference(), limit_rows: 1, limit_bytes: 1 },
                "input_limit",
                false,
            ),
            (ComputeError::TimeLimit { reference: reference(), row: None, limit_ms: 1 }, "timeout", true),
            (
                ComputeError::Template {
                    name: reference(),
                    problem: compute_client::Problem { line: 1, column: None, message: reference() },
                },
                "template_failed",
                false,
            ),
            (ComputeError::Internal { message: reference(), retryable: false }, "compute", false),
            (ComputeError::Input { retryable: false, source: "x".into() }, "input_failed", false),
            (
                ComputeError::Input { retryable: false, source: Box::new(StepError::permanent("own", "x")) },
                "own",
                false,
            ),
            (ComputeError::FuelLimit { name: reference(), limit: 1 }, "fuel_limit", false),
            (ComputeError::DeadlineExceeded, "timeout", true),
            (ComputeError::Cancelled, "cancelled", false),
            (ComputeError::Input { retryable: true, source: "x".into() }, "input_failed", true),
            (ComputeError::Internal { message: reference(), retryable: true }, "compute", true),
        ] {
            let step = compute(error);
            assert_eq!((step.error_type.as_str(), step.retryable), (error_type, retryable));
        }
    }

    #[test]
    fn every_error_of_the_artifact_store_says_whether_to_try_again() {
        let store = |retryable| ArtifactError::Store { message: "x".into(), retryable };
        let sha256 = lorchestra_json::Sha256::of(b"");
        for (error, retryable) in [
            (ArtifactError::NotFound(sha256), false),
            (ArtifactError::Damaged(sha256), false),
            (ArtifactError::Source("x".into()), false),
            (store(true), true),
            (store(false), false),
        ] {
            let step = artifact(&error);
            assert_eq!((step.error_type.as_str(), step.retryable), ("artifact_store", retryable));
        }
    }

    #[test]
    fn the_wait_a_server_asks_for_reaches_the_step() {
        let step = storacle(StoracleError::RateLimited { message: "x".into(), retry_after_ms: Some(7) });
        assert_eq!(step.retry_after_ms, Some(7));
    }
}
