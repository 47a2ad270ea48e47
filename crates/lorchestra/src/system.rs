//! The real clock, the real ids, and secrets from the environment. Everything else takes them as traits.

use std::time::{SystemTime, UNIX_EPOCH};

use lorchestra_core::clock::{Clock, IdSource, Timestamp};
use lorchestra_core::handler::{SecretError, SecretSource};

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
        };
        Timestamp::from_micros(micros)
    }
}

/// UUIDv7 run ids and random seeds.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    fn run_id(&self, now: Timestamp) -> String {
        let micros = u64::try_from(now.as_micros()).unwrap_or(0);
        let nanos = u32::try_from(micros % 1_000_000).unwrap_or(0) * 1000;
        let context = uuid::ContextV7::new();
        uuid::Uuid::new_v7(uuid::Timestamp::from_unix(&context, micros / 1_000_000, nanos)).to_string()
    }

    fn seed(&self) -> u64 {
        // the last eight bytes of a v7 id hold 62 random bits
        let bytes = uuid::Uuid::now_v7().into_bytes();
        bytes[8..].iter().fold(0, |seed, byte| seed << 8 | u64::from(*byte))
    }
}

/// Secrets from environment variables of the same name.
#[derive(Debug, Clone, Copy, Default)]
pub struct EnvSecrets;

impl SecretSource for EnvSecrets {
    fn secret(&self, name: &str) -> Result<String, SecretError> {
        std::env::var(name).map_err(|error| {
            let why = match error {
                std::env::VarError::NotPresent => "the environment has no such variable",
                std::env::VarError::NotUnicode(_) => "the environment variable is not Unicode text",
            };
            SecretError { name: name.to_owned(), why: why.to_owned() }
        })
    }
}
