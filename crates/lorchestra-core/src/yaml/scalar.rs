//! What a scalar means: the core schema of YAML 1.2.2 §10.3.2, with numbers that must have an exact JSON form.

use super::Value;

/// Why a scalar has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScalarError {
    /// An integer that does not fit 64 bits.
    IntegerTooLarge,
    /// A float beyond the largest finite one.
    FloatTooLarge,
    /// `.inf` or `.nan`.
    NotFinite,
    /// The text is not of the type that its tag names.
    NotOfTag,
}

/// The value of a plain scalar.
pub(super) fn plain(text: &str) -> Result<Value, ScalarError> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        _ => {}
    }
    // all numbers start with one of these: most scalars are done here
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+' | '.')) {
        return Ok(Value::Str(text.to_owned()));
    }
    match integer(text).or_else(|| float(text)) {
        Some(number) => number,
        None => Ok(Value::Str(text.to_owned())),
    }
}

/// The value of a scalar with a tag of the core schema; `None` when the tag is not one for scalars.
pub(super) fn tagged(text: &str, tag: &str) -> Option<Result<Value, ScalarError>> {
    let value = match tag {
        "str" => Ok(Value::Str(text.to_owned())),
        "null" | "bool" => match plain(text) {
            Ok(value @ Value::Null) if tag == "null" => Ok(value),
            Ok(value @ Value::Bool(_)) if tag == "bool" => Ok(value),
            _ => Err(ScalarError::NotOfTag),
        },
        "int" => integer(text).unwrap_or(Err(ScalarError::NotOfTag)),
        "float" => float(text).unwrap_or(Err(ScalarError::NotOfTag)),
        _ => return None,
    };
    Some(value)
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

fn all(text: &str, allowed: impl Fn(&u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(|byte| allowed(&byte))
}

/// `[-+]?[0-9]+`, `0o[0-7]+`, `0x[0-9a-fA-F]+`; `None` when the text is none of them.
fn integer(text: &str) -> Option<Result<Value, ScalarError>> {
    let value = if let Some(digits) = text.strip_prefix("0o") {
        all(digits, |byte| matches!(byte, b'0'..=b'7')).then(|| u64::from_str_radix(digits, 8).ok())?
    } else if let Some(digits) = text.strip_prefix("0x") {
        all(digits, u8::is_ascii_hexdigit).then(|| u64::from_str_radix(digits, 16).ok())?
    } else if !all(unsigned(text), u8::is_ascii_digit) {
        return None;
    } else if let Ok(integer) = text.parse::<i64>() {
        return Some(Ok(Value::Int(integer)));
    } else {
        text.parse::<u64>().ok()
    };
    let value = value.map(|large| i64::try_from(large).map_or(Value::UInt(large), Value::Int));
    Some(value.ok_or(ScalarError::IntegerTooLarge))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, `.inf`, `.nan`; `None` when the text is none of them.
fn float(text: &str) -> Option<Result<Value, ScalarError>> {
    let digits = unsigned(text);
    if matches!(digits, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Err(ScalarError::NotFinite));
    }
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_float = (all(whole, u8::is_ascii_digit) || (whole.is_empty() && !fraction.is_empty()))
        && (fraction.is_empty() || all(fraction, u8::is_ascii_digit))
        && exponent.is_none_or(|exponent| all(unsigned(exponent), u8::is_ascii_digit));
    if !is_float {
        return None;
    }
    let finite = text.parse::<f64>().ok().filter(|float| float.is_finite());
    Some(finite.map(Value::Float).ok_or(ScalarError::FloatTooLarge))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_the_core_schema_says() {
        for (text, expected) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("NULL", Value::Null),
            ("True", Value::Bool(true)),
            ("017", Value::Int(17)),
            ("0o17", Value::Int(15)),
            ("0x1F", Value::Int(31)),
            ("+12", Value::Int(12)),
            ("-0", Value::Int(0)),
            ("-9223372036854775808", Value::Int(i64::MIN)),
            ("18446744073709551615", Value::UInt(u64::MAX)),
            ("0xFFFFFFFFFFFFFFFF", Value::UInt(u64::MAX)),
            ("1.", Value::Float(1.0)),
            (".5", Value::Float(0.5)),
            ("-1e3", Value::Float(-1000.0)),
            ("1E-7", Value::Float(1e-7)),
        ] {
            assert_eq!(plain(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn everything_else_is_a_string() {
        for text in [
            "no",
            "yes",
            "on",
            "off",
            "y",
            "nUll",
            "tRUE",
            "1_000",
            "0b11",
            "0o8",
            "0o",
            "0x",
            "-0x1",
            "0X1F",
            "1:30",
            "2024-01-01",
            "1.2.3",
            ".",
            "-",
            "+",
            "-.",
            "e5",
            "1e",
            "1e+",
            ".e5",
            "1,000",
            "inf",
            "NaN",
            "+.nan",
            "١٢",
            "1 ",
            "<<",
            "=",
        ] {
            assert_eq!(plain(text), Ok(Value::Str(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn numbers_without_an_exact_json_form_are_refused() {
        for (text, expected) in [
            ("18446744073709551616", ScalarError::IntegerTooLarge),
            ("-9223372036854775809", ScalarError::IntegerTooLarge),
            ("0x10000000000000000", ScalarError::IntegerTooLarge),
            ("1e400", ScalarError::FloatTooLarge),
            (".inf", ScalarError::NotFinite),
            ("-.INF", ScalarError::NotFinite),
            (".NaN", ScalarError::NotFinite),
        ] {
            assert_eq!(plain(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_core_tag_forces_its_type() {
        assert_eq!(tagged("5", "str"), Some(Ok(Value::Str("5".to_owned()))));
        assert_eq!(tagged("1", "float"), Some(Ok(Value::Float(1.0))));
        assert_eq!(tagged("0x1F", "int"), Some(Ok(Value::Int(31))));
        assert_eq!(tagged("yes", "bool"), Some(Err(ScalarError::NotOfTag)));
        assert_eq!(tagged("0", "null"), Some(Err(ScalarError::NotOfTag)));
        assert_eq!(tagged("x", "binary"), None);
    }
}
