//! JSON values as parameters of a statement: each with its own type, never as text of the program.

use rusqlite::types::Value as SqlValue;
use serde_json::Value;

/// `value` as SQLite takes it; lists and maps as their JSON text.
///
/// # Errors
/// What is wrong with it: an integer beyond 64 bits.
pub(in crate::data_plane) fn bindable(value: &Value) -> Result<SqlValue, String> {
    Ok(match value {
        Value::Null => SqlValue::Null,
        Value::Bool(bool) => SqlValue::Integer(i64::from(*bool)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => SqlValue::Integer(integer),
            (None, Some(double)) if !number.is_u64() => SqlValue::Real(double),
            _ => return Err(format!("{number} does not fit INT64, an integer of 64 bits")),
        },
        Value::String(text) => SqlValue::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => SqlValue::Text(value.to_string()),
    })
}
