//! `-p key=value`: a word of the command line as a value of the type that the schema names.

use serde_json::Value;

use super::apply::ParamProblem;
use super::schema::{ParamType, ParamsSchema};
use crate::diagnostic::clipped;

/// The value of a word when no schema says its type: what it is as JSON, else the word itself.
///
/// ```
/// use lorchestra_core::params::untyped;
/// assert_eq!(untyped("12"), 12);
/// assert_eq!(untyped("[true]"), serde_json::json!([true]));
/// assert_eq!(untyped("no"), "no");
/// ```
#[must_use]
pub fn untyped(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

impl ParamsSchema {
    /// `text` as a value for parameter `name`. Only the type is judged here; the rest is [`ParamsSchema::apply`]'s.
    ///
    /// # Errors
    /// When there is no such parameter, or the text is not of its type.
    pub fn parse_cli(&self, name: &str, text: &str) -> Result<Value, ParamProblem> {
        let spec = self.get(name).ok_or_else(|| self.unknown(name))?;
        let kind = spec.checks.kind;
        let json = || serde_json::from_str::<Value>(text).ok();
        let value = match kind {
            ParamType::Str => Some(Value::from(text)),
            ParamType::Any => Some(untyped(text)),
            ParamType::Bool => text.parse::<bool>().ok().map(Value::from),
            ParamType::Int => {
                text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from)).ok()
            }
            ParamType::Float => json().filter(Value::is_number),
            ParamType::List => json().filter(Value::is_array),
            ParamType::Dict => json().filter(Value::is_object),
        };
        value.ok_or_else(|| {
            let form = if matches!(kind, ParamType::List | ParamType::Dict) { " as JSON" } else { "" };
            spec.problem("", &format!("must be {}{form}, got \"{}\"", kind.noun(), clipped(text)))
        })
    }
}
