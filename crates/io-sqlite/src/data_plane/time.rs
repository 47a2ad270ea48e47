//! TIMESTAMP and DATE as text whose order is the order of time.

use std::io::Write;

use lorchestra_core::clock::Timestamp;

/// What a TIMESTAMP takes, for messages.
pub(super) const TIMESTAMP_FORM: &str = "an RFC 3339 time with a zone, such as 2026-01-31T12:00:00Z";
/// What a DATE takes, for messages.
pub(super) const DATE_FORM: &str = "a date, such as 2026-01-31";

/// Appends `text` in the stored form: UTC, six fraction digits (further ones are cut off), `Z`. `false`, and nothing
/// appended, when it is no RFC 3339 time of the years 1 to 9999.
pub(super) fn write_timestamp(text: &str, out: &mut Vec<u8>) -> bool {
    if !has_rfc3339_shape(text.as_bytes()) {
        return false;
    }
    let Ok(time) = text.parse::<Timestamp>() else { return false };
    // core moves what lies outside its range to the border; a time there is taken only when it needs no moving
    let at_border = time == Timestamp::from_micros(i64::MIN) || time == Timestamp::from_micros(i64::MAX);
    if at_border && !text.ends_with(['Z', 'z']) {
        return false;
    }
    write!(out, "{time}").is_ok()
}

/// RFC 3339 §5.6 `date-time`; parsers of ISO 8601 take much more.
fn has_rfc3339_shape(text: &[u8]) -> bool {
    let Some((date_time, rest)) = text.split_at_checked(19) else { return false };
    let digits_at = |positions: &[usize]| positions.iter().all(|at| date_time[*at].is_ascii_digit());
    let shape = digits_at(&[0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18])
        && date_time[4] == b'-'
        && date_time[7] == b'-'
        && matches!(date_time[10], b'T' | b't' | b' ')
        && date_time[13] == b':'
        && date_time[16] == b':'
        && date_time[..4] != *b"0000";
    let zone = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 || digits > 9 {
                return false;
            }
            &fraction[digits..]
        }
        None => rest,
    };
    let zone_shape = match zone {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()),
        _ => false,
    };
    shape && zone_shape
}

/// Whether `text` is `YYYY-MM-DD` and that day exists.
pub(super) fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || !text.is_ascii() {
        return false;
    }
    let mut midnight = *b"0000-00-00T00:00:00Z";
    midnight[..10].copy_from_slice(bytes);
    has_rfc3339_shape(&midnight)
        && std::str::from_utf8(&midnight).is_ok_and(|text| text.parse::<Timestamp>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_with_a_zone_become_utc_with_six_digits() {
        for (text, stored) in [
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z"),
            ("2026-01-31t12:00:00z", "2026-01-31T12:00:00.000000Z"),
            ("2026-01-31 12:00:00.5+01:00", "2026-01-31T11:00:00.500000Z"),
            ("2021-08-19T12:16:32.000-04:00", "2021-08-19T16:16:32.000000Z"),
            ("2026-01-31T12:00:00.123456789Z", "2026-01-31T12:00:00.123456Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
            ("9999-12-31T00:00:00Z", "9999-12-31T00:00:00.000000Z"),
        ] {
            let mut out = Vec::new();
            assert!(write_timestamp(text, &mut out), "{text}");
            assert_eq!(String::from_utf8_lossy(&out), stored, "{text}");
        }
    }

    #[test]
    fn everything_else_is_no_timestamp() {
        for text in [
            "",
            "yesterday",
            "2026-01-31",
            "2026-01-31T12:00:00",
            "2026-01-31T12:00Z",
            "2026-02-30T12:00:00Z",
            "2026-01-31T25:00:00Z",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00:00+0100",
            "2026-01-31T12:00:00Z[UTC]",
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+05:00",
            "-000001-01-01T00:00:00Z",
            "2026-01-31T12:00:00é",
            "1767225600",
        ] {
            let mut out = Vec::new();
            assert!(!write_timestamp(text, &mut out), "{text}");
            assert!(out.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_date_is_a_day_that_exists() {
        for text in ["2026-01-31", "2024-02-29", "0001-01-01", "9999-12-30", "9999-12-31"] {
            assert!(is_date(text), "{text}");
        }
        for text in ["2026-02-29", "2026-1-31", "2026-01-31T", "20260131", "2026-13-01", "é026-01-3", ""] {
            assert!(!is_date(text), "{text}");
        }
    }
}
