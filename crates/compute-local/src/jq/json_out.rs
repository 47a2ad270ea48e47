//! jq values to JSON text. What JSON cannot say is refused, never replaced by something near it.

use std::io::Write;

use jaq_json::{Num, Val};

/// Deeper values could not be read back: serde_json stops there.
const MAX_DEPTH: usize = 127;

/// Why a value was not written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The text would pass the limit.
    TooLong,
    /// There is no JSON for it.
    NotJson(String),
}

/// Appends the JSON of `value`, on one line; `out` may not grow past `max_len`.
pub(super) fn write(value: &Val, max_len: usize, out: &mut Vec<u8>) -> Result<(), Refused> {
    write_nested(value, max_len, 0, out)
}

fn write_nested(value: &Val, max_len: usize, depth: usize, out: &mut Vec<u8>) -> Result<(), Refused> {
    match value {
        Val::Null => out.extend_from_slice(b"null"),
        Val::Bool(true) => out.extend_from_slice(b"true"),
        Val::Bool(false) => out.extend_from_slice(b"false"),
        Val::Num(number) => write_number(number, out)?,
        Val::TStr(text) => write_string(text, max_len, out)?,
        Val::BStr(_) => return Err(Refused::NotJson("a byte string has no JSON; use tostring".into())),
        Val::Arr(items) => {
            check_depth(depth)?;
            out.push(b'[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                write_nested(item, max_len, depth + 1, out)?;
            }
            out.push(b']');
        }
        Val::Obj(members) => {
            check_depth(depth)?;
            out.push(b'{');
            for (position, (name, member)) in members.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                let Val::TStr(name) = name else {
                    return Err(Refused::NotJson(format!("the object key {} is not a string", brief(name))));
                };
                write_string(name, max_len, out)?;
                out.push(b':');
                write_nested(member, max_len, depth + 1, out)?;
            }
            out.push(b'}');
        }
    }
    if out.len() > max_len { Err(Refused::TooLong) } else { Ok(()) }
}

fn check_depth(depth: usize) -> Result<(), Refused> {
    if depth < MAX_DEPTH {
        Ok(())
    } else {
        Err(Refused::NotJson(format!("the output is nested deeper than {MAX_DEPTH}")))
    }
}

fn write_number(number: &Num, out: &mut Vec<u8>) -> Result<(), Refused> {
    let written = match number {
        Num::Int(integer) => write!(out, "{integer}"),
        Num::BigInt(integer) => {
            let digits = integer.to_string();
            if digits.parse::<u64>().is_err() && digits.parse::<i64>().is_err() {
                return Err(Refused::NotJson(format!(
                    "the integer {} does not fit 64 bits; use tostring, or + 0.0 for the nearest float",
                    brief(&digits)
                )));
            }
            out.write_all(digits.as_bytes())
        }
        Num::Float(float) => return write_float(*float, out),
        // a literal of the program, or text that was read by fromjson or tonumber
        Num::Dec(digits) => return write_float(digits.parse().unwrap_or(f64::NAN), out),
    };
    debug_assert!(written.is_ok(), "writing to a Vec cannot fail");
    Ok(())
}

fn write_float(float: f64, out: &mut Vec<u8>) -> Result<(), Refused> {
    // serde_json writes what is not finite as null, which would be another value
    if !float.is_finite() {
        return Err(Refused::NotJson(format!("the number {float} has no JSON")));
    }
    let written = serde_json::to_writer(out, &float);
    debug_assert!(written.is_ok(), "writing to a Vec cannot fail");
    Ok(())
}

fn write_string(text: &[u8], max_len: usize, out: &mut Vec<u8>) -> Result<(), Refused> {
    if text.len() > max_len.saturating_sub(out.len()) {
        return Err(Refused::TooLong);
    }
    let Ok(text) = std::str::from_utf8(text) else {
        return Err(Refused::NotJson("a string is not UTF-8".into()));
    };
    let written = serde_json::to_writer(out, text);
    debug_assert!(written.is_ok(), "writing to a Vec cannot fail");
    Ok(())
}

/// What `value` prints, cut short: a message must not be as long as the data.
pub(super) fn brief(value: &dyn std::fmt::Display) -> String {
    use std::fmt::Write;

    const MAX_BYTES: usize = 400;
    struct Cut(String);
    impl Write for Cut {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            let room = MAX_BYTES.saturating_sub(self.0.len());
            let end = text.floor_char_boundary(room);
            self.0.push_str(&text[..end]);
            if end == text.len() { Ok(()) } else { Err(std::fmt::Error) }
        }
    }

    let mut cut = Cut(String::new());
    if write!(cut, "{value}").is_err() {
        cut.0.push('…');
    }
    cut.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::json_in;
    use super::*;

    fn round_trip(json: &str) -> Result<String, Refused> {
        let mut out = Vec::new();
        write(&json_in::parse(json.as_bytes()).unwrap(), usize::MAX, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn integers_of_64_bits_and_floats_stay_what_they_are() {
        for text in [
            "9007199254740993",
            "18446744073709551615",
            "-9223372036854775808",
            "9223372036854775808",
            "1.0",
            "0.1",
            "-0.0",
            "5e-324",
            "1.7976931348623157e308",
        ] {
            let back: Value = serde_json::from_str(&round_trip(text).unwrap()).unwrap();
            assert_eq!(back, serde_json::from_str::<Value>(text).unwrap(), "{text}");
        }
        assert_eq!(round_trip("[9007199254740993,2.0]").unwrap(), "[9007199254740993,2.0]");
    }

    #[test]
    fn what_is_written_can_be_read_again_up_to_the_same_depth() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(round_trip(&nested(MAX_DEPTH)).unwrap(), nested(MAX_DEPTH));
        assert!(json_in::parse(nested(MAX_DEPTH + 1).as_bytes()).is_err());
        let mut value = json_in::parse(nested(MAX_DEPTH).as_bytes()).unwrap();
        value = Val::Arr(vec![value].into());
        assert!(matches!(write(&value, usize::MAX, &mut Vec::new()), Err(Refused::NotJson(_))));
    }

    #[test]
    fn long_values_are_cut_in_messages() {
        assert_eq!(brief(&"é".repeat(10)), "é".repeat(10));
        let cut = brief(&"é".repeat(1000));
        assert!(cut.len() <= 403 && cut.ends_with("é…"), "{cut}");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter("finite", |float| float.is_finite()).prop_map(Value::from),
            "\\PC*".prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_json_value_survives_the_way_through_jq(value in any_json()) {
            let back: Value = serde_json::from_str(&round_trip(&value.to_string()).unwrap()).unwrap();
            prop_assert_eq!(back, value);
        }
    }
}
