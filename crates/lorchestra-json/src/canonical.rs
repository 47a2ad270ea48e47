//! Canonical JSON text: the same value is the same bytes on every machine.
//!
//! [RFC 8785](https://www.rfc-editor.org/rfc/rfc8785) (JCS): no white space, members sorted by the UTF-16 code units
//! of their names, the shortest escapes, numbers as ECMAScript prints them. One deliberate difference: an integer that
//! fits 64 bits is written as its exact decimal. RFC 8785 reads numbers as doubles, and would give
//! 9007199254740993 and 9007199254740992 one text, hence two manifests one hash.
//!
//! It does not parse and does not normalise Unicode.

use serde_json::Value;

use crate::Sha256;

/// The canonical text of `value`.
///
/// ```
/// let value = serde_json::json!({"b": 1.0, "a": [true, "é", 9007199254740993u64]});
/// assert_eq!(lorchestra_json::canonical::text(&value), r#"{"a":[true,"é",9007199254740993],"b":1}"#);
/// ```
#[must_use]
pub fn text(value: &Value) -> String {
    let mut out = String::with_capacity(256);
    write(value, &mut out);
    out
}

/// The SHA-256 of the canonical text of `value`.
#[must_use]
pub fn digest(value: &Value) -> Sha256 {
    Sha256::of(text(value).as_bytes())
}

/// Appends the canonical text of `value` to `out`.
pub fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(number, out),
        Value::String(string) => write_string(string, out),
        Value::Array(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable_by(|left, right| utf16_order(left, right));
            out.push('{');
            for (position, name) in names.into_iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                write_string(name, out);
                out.push(':');
                write(&members[name], out);
            }
            out.push('}');
        }
    }
}

/// Byte order of UTF-8 is code point order; it differs from UTF-16 order only where surrogates meet U+E000..U+FFFF.
fn utf16_order(left: &str, right: &str) -> std::cmp::Ordering {
    if left.is_ascii() && right.is_ascii() {
        left.cmp(right)
    } else {
        left.encode_utf16().cmp(right.encode_utf16())
    }
}

fn write_number(number: &serde_json::Number, out: &mut String) {
    use std::fmt::Write;
    let written = if let Some(integer) = number.as_i64() {
        write!(out, "{integer}")
    } else if let Some(integer) = number.as_u64() {
        write!(out, "{integer}")
    } else {
        // serde_json without `arbitrary_precision` holds i64, u64 or a finite f64, nothing else
        write_double(number.as_f64().unwrap_or_default(), out);
        Ok(())
    };
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
}

/// `Number::toString` of ECMA-262 (§6.1.6.1.20): shortest digits that read back, plain from 1e-6 up to below 1e21.
fn write_double(double: f64, out: &mut String) {
    if double == 0.0 {
        out.push('0'); // also -0
        return;
    }
    let scientific = format!("{double:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let point = exponent + 1; // the decimal point stands after this many digits
    out.push_str(sign);
    if count <= point && point <= 21 {
        out.push_str(&digits);
        out.extend(std::iter::repeat_n('0', usize::try_from(point - count).unwrap_or(0)));
    } else if 0 < point && point <= 21 {
        let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or(0));
        out.push_str(whole);
        out.push('.');
        out.push_str(fraction);
    } else if -6 < point && point <= 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', usize::try_from(-point).unwrap_or(0)));
        out.push_str(&digits);
    } else {
        let (first, rest) = digits.split_at(1);
        out.push_str(first);
        if !rest.is_empty() {
            out.push('.');
            out.push_str(rest);
        }
        out.push_str(if exponent < 0 { "e-" } else { "e+" });
        out.push_str(&exponent.unsigned_abs().to_string());
    }
}

fn write_string(string: &str, out: &mut String) {
    out.push('"');
    let mut plain_from = 0;
    for (at, byte) in string.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            0x08 => "\\b",
            b'\t' => "\\t",
            b'\n' => "\\n",
            0x0c => "\\f",
            b'\r' => "\\r",
            0x00..=0x1f => "",
            _ => continue,
        };
        out.push_str(&string[plain_from..at]);
        if escape.is_empty() {
            out.push_str(&format!("\\u{byte:04x}"));
        } else {
            out.push_str(escape);
        }
        plain_from = at + 1;
    }
    out.push_str(&string[plain_from..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn doubles_are_printed_as_rfc_8785_appendix_b_says() {
        for (bits, expected) in [
            (0x0000_0000_0000_0000_u64, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x3ff8_0000_0000_0000, "1.5"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        ] {
            let value = json!(f64::from_bits(bits));
            assert_eq!(text(&value), expected, "{bits:#x}");
        }
    }

    #[test]
    fn integers_of_64_bits_stay_exact() {
        assert_eq!(
            text(&json!([u64::MAX, i64::MIN, 9007199254740993_i64])),
            "[18446744073709551615,-9223372036854775808,9007199254740993]"
        );
    }

    #[test]
    fn members_are_sorted_by_utf16_code_units() {
        // RFC 8785 §3.2.3
        let value =
            json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7});
        assert_eq!(
            text(&value),
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}"
        );
    }

    #[test]
    fn control_characters_use_the_short_escape_where_json_has_one() {
        assert_eq!(
            text(&json!("\u{0}\u{8}\t\n\u{b}\u{c}\r\"\\/\u{7f}é")),
            "\"\\u0000\\b\\t\\n\\u000b\\f\\r\\\"\\\\/\u{7f}é\""
        );
    }
}
