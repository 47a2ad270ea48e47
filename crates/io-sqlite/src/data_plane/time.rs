//! TIMESTAMP and DATE as text whose order is the order of time. Text in, text out, over the whole of the years 1 to
//! 9999: their last instants are in use as "for ever".

/// What a TIMESTAMP takes, for messages.
pub(super) const TIMESTAMP_FORM: &str = "an RFC 3339 time with a zone, such as 2026-01-31T12:00:00Z";
/// What a DATE takes, for messages.
pub(super) const DATE_FORM: &str = "a date, such as 2026-01-31";

const MINUTES_OF_A_DAY: i32 = 24 * 60;

/// Appends `text` in the stored form: UTC, six fraction digits (further ones are cut off), `Z`. `false`, and nothing
/// appended, when it is no RFC 3339 time, or in UTC not of the years 1 to 9999.
pub(super) fn write_timestamp(text: &str, out: &mut Vec<u8>) -> bool {
    let Some(time) = Time::parse(text.as_bytes()) else { return false };
    let Day { year, month, day } = time.day;
    digits(year, 4, out);
    for (separator, number) in
        [(b'-', month), (b'-', day), (b'T', time.minute / 60), (b':', time.minute % 60), (b':', time.second)]
    {
        out.push(separator);
        digits(number, 2, out);
    }
    out.push(b'.');
    out.extend_from_slice(&time.fraction);
    out.push(b'Z');
    true
}

/// Whether `text` is `YYYY-MM-DD` and that day exists.
pub(super) fn is_date(text: &str) -> bool {
    Day::parse(text.as_bytes()).is_some()
}

/// A day of the Gregorian calendar, of the years 1 to 9999.
#[derive(Clone, Copy)]
struct Day {
    year: i32,
    month: i32,
    day: i32,
}

impl Day {
    fn parse(text: &[u8]) -> Option<Self> {
        let [year @ .., b'-', m1, m2, b'-', d1, d2] = text else { return None };
        let year = number(year).filter(|year| text.len() == 10 && *year > 0)?;
        let month = number(&[*m1, *m2]).filter(|month| (1..=12).contains(month))?;
        let day = number(&[*d1, *d2]).filter(|day| (1..=days_of(year, month)).contains(day))?;
        Some(Self { year, month, day })
    }

    fn next(self) -> Option<Self> {
        let Self { year, month, day } = self;
        match (month, day) {
            (_, day) if day < days_of(year, month) => Some(Self { day: day + 1, ..self }),
            (12, _) => (year < 9999).then_some(Self { year: year + 1, month: 1, day: 1 }),
            _ => Some(Self { month: month + 1, day: 1, ..self }),
        }
    }

    fn previous(self) -> Option<Self> {
        let Self { year, month, day } = self;
        match (month, day) {
            (_, 2..) => Some(Self { day: day - 1, ..self }),
            (1, _) => (year > 1).then_some(Self { year: year - 1, month: 12, day: 31 }),
            _ => Some(Self { month: month - 1, day: days_of(year, month - 1), ..self }),
        }
    }
}

/// A time in UTC.
struct Time {
    day: Day,
    /// Of the day.
    minute: i32,
    second: i32,
    /// Six digits.
    fraction: [u8; 6],
}

impl Time {
    /// RFC 3339 §5.6 `date-time`, and a space instead of its T.
    fn parse(text: &[u8]) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        let day = Day::parse(date)?;
        let ([b'T' | b't' | b' ', h1, h2, b':', m1, m2, b':', s1, s2], rest) = rest.split_at_checked(9)?
        else {
            return None;
        };
        let hour = number(&[*h1, *h2]).filter(|hour| *hour < 24)?;
        let minute = number(&[*m1, *m2]).filter(|minute| *minute < 60)?;
        // a leap second is the first second of the next minute
        let second = number(&[*s1, *s2]).filter(|second| *second <= 60)?;
        let (fraction, zone) = match rest {
            [b'.', rest @ ..] => {
                let end = rest.iter().position(|byte| !byte.is_ascii_digit())?;
                rest.split_at_checked(end).filter(|_| (1..=9).contains(&end))?
            }
            zone => (&[][..], zone),
        };
        let offset = match zone {
            [b'Z' | b'z'] => 0,
            [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
                let hours = number(&[*h1, *h2]).filter(|hours| *hours < 24)?;
                let minutes = number(&[*m1, *m2]).filter(|minutes| *minutes < 60)?;
                if *sign == b'+' { hours * 60 + minutes } else { -hours * 60 - minutes }
            }
            _ => return None,
        };
        let minute = hour * 60 + minute - offset + second / 60;
        let day = match minute {
            ..0 => day.previous()?,
            MINUTES_OF_A_DAY.. => day.next()?,
            _ => day,
        };
        let mut six = *b"000000";
        for (to, from) in six.iter_mut().zip(fraction) {
            *to = *from;
        }
        Some(Self { day, minute: minute.rem_euclid(MINUTES_OF_A_DAY), second: second % 60, fraction: six })
    }
}

fn days_of(year: i32, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Up to four digits.
fn number(text: &[u8]) -> Option<i32> {
    let is_number = (1..=4).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    is_number.then(|| text.iter().fold(0, |number, digit| number * 10 + i32::from(digit - b'0')))
}

/// Appends `number` in `width` digits.
fn digits(number: i32, width: u32, out: &mut Vec<u8>) {
    for place in (0..width).rev() {
        let digit = number / 10_i32.pow(place) % 10;
        out.push(b'0' + u8::try_from(digit).unwrap_or(0));
    }
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
            ("2024-02-29T23:30:00-01:00", "2024-03-01T00:30:00.000000Z"),
            ("2023-03-01T00:30:00+01:00", "2023-02-28T23:30:00.000000Z"),
            ("1900-03-01T00:00:00+00:01", "1900-02-28T23:59:00.000000Z"),
            ("2000-03-01T00:00:00+00:01", "2000-02-29T23:59:00.000000Z"),
            ("2026-01-01T00:00:00+23:59", "2025-12-31T00:01:00.000000Z"),
            ("2026-12-31T23:59:59.9-00:01", "2027-01-01T00:00:59.900000Z"),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z"),
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
            "9999-12-31T23:59:59-00:01",
            "9999-12-31T23:59:60Z",
            "2026-01-31T12:00:61Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:00:00+24:00",
            "2026-01-31T12:00:00.1234567890Z",
            "+2026-01-31T12:00:00Z",
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
