//! What the assertions share: an assertion that does not hold fails its step, unless its severity says otherwise.

use lorchestra_core::handler::{Completion, StepError};
use lorchestra_core::op::{Param, ParamKind};
use serde::Serialize;
use serde_json::Value;

pub(super) fn severity() -> Param {
    Param::optional(
        "severity",
        ParamKind::OneOf(&["error", "warn"]),
        "what happens when it does not hold: the step fails (error), or it is recorded only (warn)",
    )
    .literal()
}

/// The completion of an assertion that found `finding`; `message` says in words what does not hold.
pub(super) fn judged<T: Serialize>(
    params: &Value,
    passed: bool,
    finding: &T,
    message: String,
) -> Result<Completion, StepError> {
    // findings are plain data with text keys: they always serialise
    let value = serde_json::to_value(finding).unwrap_or_default();
    let warns = params.get("severity").and_then(Value::as_str) == Some("warn");
    if passed || warns {
        return Ok(value.into());
    }
    let mut error = StepError::permanent("assertion_failed", message);
    if let Value::Object(found) = value {
        error.metadata = found;
    }
    Err(error)
}
