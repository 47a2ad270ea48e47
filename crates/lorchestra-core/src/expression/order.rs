//! When two values are equal and which is less. Numbers are compared by their exact values: 9007199254740993 is not
//! 9007199254740992.0, though the nearest double is the same.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// What a value is, in the words of messages.
pub(super) fn kind(value: &Value) -> &'static str {
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

/// Whether values of these kinds may be compared: the same, or both numbers.
pub(super) fn alike(left: &str, right: &str) -> bool {
    let number = |kind: &str| matches!(kind, "int" | "float");
    left == right || (number(left) && number(right))
}

/// Whether values of this kind have an order.
pub(super) fn ordered(kind: &str) -> bool {
    matches!(kind, "int" | "float" | "str")
}

/// Equality; of lists and dicts member by member.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => compare_numbers(left, right) == Ordering::Equal,
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, left)| right.get(key).is_some_and(|right| equal(left, right)))
        }
        _ => left == right,
    }
}

/// The order of two numbers or two texts; texts by their code points.
pub(super) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => Some(compare_numbers(left, right)),
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn compare_numbers(left: &Number, right: &Number) -> Ordering {
    match (integer(left), integer(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        (Some(left), None) => compare_with_float(left, right),
        (None, Some(right)) => compare_with_float(right, left).reverse(),
        (None, None) => float(left).partial_cmp(&float(right)).unwrap_or(Ordering::Equal),
    }
}

fn integer(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

/// JSON has finite floats only.
fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or(0.0)
}

fn compare_with_float(integer: i128, number: &Number) -> Ordering {
    let float = float(number);
    // the cast is exact for every whole float of this size, and 128 bits hold what lies outside 64
    let whole = float.trunc() as i128;
    integer.cmp(&whole).then_with(|| 0.0_f64.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn integers_and_floats_are_compared_by_their_exact_values() {
        for (left, right, expected) in [
            (json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992.0), Ordering::Greater),
            (json!(9_007_199_254_740_992_i64), json!(9_007_199_254_740_992.0), Ordering::Equal),
            (json!(u64::MAX), json!(18_446_744_073_709_551_616.0), Ordering::Less),
            (json!(i64::MIN), json!(-9_223_372_036_854_775_808.0), Ordering::Equal),
            (json!(u64::MAX), json!(i64::MIN), Ordering::Greater),
            (json!(1), json!(1e300), Ordering::Less),
            (json!(1), json!(-1e300), Ordering::Greater),
            (json!(1), json!(1.5), Ordering::Less),
            (json!(-1), json!(-1.5), Ordering::Greater),
            (json!(0), json!(-0.0), Ordering::Equal),
            (json!(0), json!(-0.5), Ordering::Greater),
        ] {
            assert_eq!(compare(&left, &right), Some(expected), "{left} {right}");
            assert_eq!(compare(&right, &left), Some(expected.reverse()), "{right} {left}");
            assert_eq!(equal(&left, &right), expected == Ordering::Equal);
        }
    }
}
