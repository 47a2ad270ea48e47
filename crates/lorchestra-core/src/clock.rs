//! Points in time, and the traits by which time and identity come in. Core itself never reads a clock.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::fmt::temporal::Pieces;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
///
/// Written as RFC 3339 in UTC with six fraction digits, so that the order of texts is the order of times.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The text is not an RFC 3339 time with a zone, or lies outside the years 1 to 9999.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an RFC 3339 time with a zone, such as 2026-01-31T12:00:00Z")]
pub struct TimestampParseError(String);

const MIN_MICROS: i64 = -62_135_596_800_000_000; // 0001-01-01T00:00:00Z
const MAX_MICROS: i64 = 253_402_300_799_999_999; // 9999-12-31T23:59:59.999999Z

/// The epoch as a civil time: unlike jiff's instants, its civil times reach to the last microsecond of 9999, which
/// warehouses use for "without end".
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

impl Timestamp {
    /// From microseconds since the epoch; what lies outside the years 1 to 9999 is moved to the nearest time that can be written.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        if micros < MIN_MICROS {
            Self(MIN_MICROS)
        } else if micros > MAX_MICROS {
            Self(MAX_MICROS)
        } else {
            Self(micros)
        }
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// This time and `millis` milliseconds.
    #[must_use]
    pub const fn plus_millis(self, millis: u64) -> Self {
        let millis = if millis > i64::MAX as u64 / 1000 { i64::MAX / 1000 } else { millis as i64 };
        Self::from_micros(self.0.saturating_add(millis * 1000))
    }

    /// Milliseconds from `earlier` to this time; 0 when `earlier` is not earlier.
    #[must_use]
    pub fn millis_since(self, earlier: Self) -> u64 {
        u64::try_from((self.0 - earlier.0) / 1000).unwrap_or(0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // within the bounds that every constructor keeps, the sum is a civil time
        let civil = EPOCH.checked_add(SignedDuration::from_micros(self.0)).unwrap_or(EPOCH);
        write!(f, "{civil:.6}Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| TimestampParseError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    let pieces = Pieces::parse(text).ok()?;
    let offset = pieces.to_numeric_offset()?;
    let civil = pieces.date().to_datetime(pieces.time()?);
    let micros = civil.duration_since(EPOCH).as_micros() - i128::from(offset.seconds()) * 1_000_000;
    let micros = i64::try_from(micros).ok()?;
    (MIN_MICROS..=MAX_MICROS).contains(&micros).then_some(Timestamp(micros))
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Where the time comes from: the system's clock in the binary, a virtual one in tests.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// Where new identities and seeds come from: random in the binary, counted in tests.
pub trait IdSource: Send + Sync {
    /// A run id: a UUIDv7 (RFC 9562) in its usual text form, so that ids sort by time.
    fn run_id(&self, now: Timestamp) -> String;

    /// A seed for the jitter of one run's retries.
    fn seed(&self) -> u64;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_has_six_digits_and_round_trips() {
        let time = Timestamp::from_micros(1_767_225_600_000_001);
        assert_eq!(time.to_string(), "2026-01-01T00:00:00.000001Z");
        assert_eq!(time.to_string().parse(), Ok(time));
        assert_eq!("2026-01-01T01:00:00+01:00".parse(), Ok(Timestamp::from_micros(1_767_225_600_000_000)));
        assert!("2026-01-01".parse::<Timestamp>().is_err());
    }

    #[test]
    fn extremes_stay_printable() {
        assert_eq!(Timestamp::from_micros(i64::MAX).to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(Timestamp::from_micros(i64::MIN).to_string(), "0001-01-01T00:00:00.000000Z");
        assert_eq!(
            Timestamp::from_micros(0).plus_millis(u64::MAX).to_string(),
            "9999-12-31T23:59:59.999999Z"
        );
    }
}
