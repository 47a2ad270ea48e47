//! The types that text can have, and text as a value of one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Type of a CSV column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// `true` or `false`, in any case.
    Bool,
    /// A decimal integer of 64 bits without leading zeros.
    Int,
    /// A decimal number that a double holds; integers only where they are exact.
    Float,
    /// Date and time with an offset, as RFC 3339 writes them. The value stays the text.
    Timestamp,
    /// A calendar day, `2026-01-31`. The value stays the text.
    Date,
    /// Any text.
    Str,
}

/// Integers up to here are exact in a double.
const MAX_EXACT: u64 = 1 << 53;

impl ColumnType {
    /// All types, the narrowest first; text is of the first one that fits.
    pub(super) const ALL: [Self; 6] =
        [Self::Bool, Self::Int, Self::Float, Self::Timestamp, Self::Date, Self::Str];

    /// The type with its article, for messages.
    pub(super) fn described(self) -> &'static str {
        match self {
            Self::Bool => "a bool (true or false)",
            Self::Int => "an int (64 bits, without leading zeros)",
            Self::Float => "a float (decimal, exact if it is an integer)",
            Self::Timestamp => "a timestamp (RFC 3339 with an offset)",
            Self::Date => "a date (yyyy-mm-dd)",
            Self::Str => "a str",
        }
    }

    /// `text` as a value of this type; none when it is not one. No text is null, except for `Str`.
    pub(super) fn parse(self, text: &str) -> Option<Value> {
        if text.is_empty() && self != Self::Str {
            return Some(Value::Null);
        }
        match self {
            Self::Bool if text.eq_ignore_ascii_case("true") => Some(Value::Bool(true)),
            Self::Bool if text.eq_ignore_ascii_case("false") => Some(Value::Bool(false)),
            Self::Bool => None,
            Self::Int if is_integer(text) => text.parse::<i64>().ok().map(Value::from),
            Self::Int => None,
            Self::Float => parse_float(text).map(Value::from),
            Self::Timestamp => is_timestamp(text).then(|| text.into()),
            Self::Date => is_date(text).then(|| text.into()),
            Self::Str => Some(text.into()),
        }
    }
}

/// `0`, `-17`, but not `007`, `-0` or `+1`: what is written like that is a code, and would be written back differently.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    text == "0" || (all_digits(digits) && !digits.starts_with('0'))
}

fn parse_float(text: &str) -> Option<f64> {
    if is_integer(text) {
        let exact = text.parse::<i64>().is_ok_and(|integer| integer.unsigned_abs() <= MAX_EXACT);
        return if exact { text.parse().ok() } else { None };
    }
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let well_formed = (whole == "0" || (all_digits(whole) && !whole.starts_with('0')))
        && fraction.is_none_or(all_digits)
        && exponent.is_none_or(|exponent| all_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
        && (fraction.is_some() || exponent.is_some());
    well_formed.then(|| text.parse().ok()).flatten().filter(|float: &f64| float.is_finite())
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_timestamp(text: &str) -> bool {
    // jiff also reads annotations, basic format and a space for the T
    text.get(..10).is_some_and(looks_like_date)
        && matches!(text.as_bytes().get(10), Some(b'T' | b't'))
        && !text.contains('[')
        && text.parse::<jiff::Timestamp>().is_ok()
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && looks_like_date(text) && text.parse::<jiff::civil::Date>().is_ok()
}

fn looks_like_date(text: &str) -> bool {
    text.bytes()
        .enumerate()
        .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_of_the_narrowest_type_that_gives_it_back() {
        use ColumnType::{Bool, Date, Float, Int, Str, Timestamp};
        for (text, kind, value) in [
            ("true", Bool, json!(true)),
            ("False", Bool, json!(false)),
            ("0", Int, json!(0)),
            ("-9223372036854775808", Int, json!(i64::MIN)),
            ("9223372036854775808", Str, json!("9223372036854775808")),
            ("007", Str, json!("007")),
            ("+1", Str, json!("+1")),
            ("-0", Str, json!("-0")),
            ("1.50", Float, json!(1.5)),
            ("-2e-3", Float, json!(-0.002)),
            ("1e999", Str, json!("1e999")),
            ("00.5", Str, json!("00.5")),
            (".5", Str, json!(".5")),
            ("5.", Str, json!("5.")),
            ("NaN", Str, json!("NaN")),
            ("inf", Str, json!("inf")),
            ("2026-01-31", Date, json!("2026-01-31")),
            ("2026-02-30", Str, json!("2026-02-30")),
            ("20260131", Int, json!(20_260_131)),
            ("2026-01-31T10:00:00Z", Timestamp, json!("2026-01-31T10:00:00Z")),
            ("2026-01-31T10:00:00.123456+02:00", Timestamp, json!("2026-01-31T10:00:00.123456+02:00")),
            ("2026-01-31T10:00:00", Str, json!("2026-01-31T10:00:00")),
            ("2026-01-31 10:00:00Z", Str, json!("2026-01-31 10:00:00Z")),
            ("x", Str, json!("x")),
        ] {
            let fitting = ColumnType::ALL.into_iter().find(|kind| kind.parse(text).is_some());
            assert_eq!(fitting, Some(kind), "{text}");
            assert_eq!(kind.parse(text), Some(value), "{text}");
        }
    }

    #[test]
    fn integers_that_a_double_does_not_hold_are_no_floats() {
        assert_eq!(ColumnType::Float.parse("9007199254740992"), Some(json!(9_007_199_254_740_992.0)));
        assert_eq!(ColumnType::Float.parse("9007199254740993"), None);
    }

    #[test]
    fn no_text_is_null_where_it_is_not_text() {
        assert_eq!(ColumnType::Int.parse(""), Some(Value::Null));
        assert_eq!(ColumnType::Str.parse(""), Some(json!("")));
    }
}
