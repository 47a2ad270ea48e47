//! One value against its checks: type, then range, then allowed. The first that fails is told.

use std::cmp::Ordering;

use serde_json::Value;

use super::number::compare;
use super::schema::{Checks, ParamType};
use crate::diagnostic::clipped;

/// Where in a value something does not fit, as `[2]`, and why, as `must be >= 1, got 0`.
#[derive(Debug, PartialEq)]
pub(super) struct Misfit {
    pub(super) at: String,
    pub(super) why: String,
}

/// What `value` is, in the words of a schema.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// `value` for a message, cut when it is long.
pub(super) fn shown(value: &Value) -> String {
    clipped(&lorchestra_json::canonical::text(value))
}

/// Whether `value` is of type `kind`: `true` is no integer, an integer is a number, a float never an integer.
pub(super) fn has_type(value: &Value, kind: ParamType) -> bool {
    match kind {
        ParamType::Int => type_name(value) == "int",
        ParamType::Float => value.is_number(),
        ParamType::Str => value.is_string(),
        ParamType::Bool => value.is_boolean(),
        ParamType::List => value.is_array(),
        ParamType::Dict => value.is_object(),
        ParamType::Any => true,
    }
}

/// The first thing about `value` that `checks` refuse.
pub(super) fn check(value: &Value, checks: &Checks) -> Result<(), Misfit> {
    let misfit = |why: String| Err(Misfit { at: String::new(), why });
    if !has_type(value, checks.kind) {
        return misfit(format!("must be {}, got {}", checks.kind.noun(), type_name(value)));
    }
    if let Value::Number(number) = value {
        if let Some(min) = &checks.min
            && compare(number, min) == Ordering::Less
        {
            return misfit(format!("must be >= {min}, got {number}"));
        }
        if let Some(max) = &checks.max
            && compare(number, max) == Ordering::Greater
        {
            return misfit(format!("must be <= {max}, got {number}"));
        }
    }
    if let Some((length, unit)) = length(value) {
        if let Some(least) = checks.min_length.filter(|least| length < *least) {
            return misfit(format!("must have at least {least} {unit}, got {length}"));
        }
        if let Some(most) = checks.max_length.filter(|most| length > *most) {
            return misfit(format!("must have at most {most} {unit}, got {length}"));
        }
    }
    if let (Some(pattern), Value::String(text)) = (&checks.pattern, value)
        && !pattern.0.is_match(text)
    {
        return misfit(format!("must match '{}', got {}", pattern.as_str(), shown(value)));
    }
    if let (Some(item_checks), Value::Array(items)) = (&checks.items, value) {
        for (position, item) in items.iter().enumerate() {
            check(item, item_checks)
                .map_err(|Misfit { at, why }| Misfit { at: format!("[{position}]{at}"), why })?;
        }
    }
    match &checks.allowed {
        Some(allowed) if !allowed.iter().any(|one| same(one, value)) => {
            let list: Vec<String> = allowed.iter().map(shown).collect();
            misfit(format!("must be one of [{}], got {}", list.join(", "), shown(value)))
        }
        _ => Ok(()),
    }
}

fn length(value: &Value) -> Option<(u64, &'static str)> {
    let (length, unit) = match value {
        Value::String(text) => (text.chars().count(), "characters"),
        Value::Array(items) => (items.len(), "items"),
        Value::Object(members) => (members.len(), "entries"),
        _ => return None,
    };
    Some((u64::try_from(length).unwrap_or(u64::MAX), unit))
}

/// Equality of values as canonical JSON sees it: 1 and 1.0 are one value.
fn same(left: &Value, right: &Value) -> bool {
    left == right || lorchestra_json::canonical::text(left) == lorchestra_json::canonical::text(right)
}
