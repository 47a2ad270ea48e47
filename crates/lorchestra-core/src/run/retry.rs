//! The one place that decides whether and when a step is tried again.

use crate::clock::Timestamp;
use crate::handler::StepError;
use crate::instance::{Backoff, RetryPolicy};

/// An interrupted step is dispatched again at once so often; then with a pause.
const FREE_INTERRUPTIONS: u32 = 3;
/// The interruption that ends a step as `crash_loop`.
pub(super) const MAX_INTERRUPTIONS: u32 = 100;

/// When the next try begins after a failed one; `None` when there is none.
///
/// `failed` counts the failed tries, this one included. A server's wish to wait is honoured even beyond `max_ms`;
/// when it goes beyond `run_deadline` there is no next try.
pub(super) fn next_try(
    policy: &RetryPolicy,
    error: &StepError,
    failed: u32,
    salt: u64,
    now: Timestamp,
    run_deadline: Option<Timestamp>,
) -> Option<Timestamp> {
    if !error.retryable || failed >= policy.max_attempts {
        return None;
    }
    let pause = pause_ms(policy, failed, salt).max(error.retry_after_ms.unwrap_or(0));
    let at = now.plus_millis(pause);
    match run_deadline {
        Some(deadline) if at >= deadline => None,
        _ => Some(at),
    }
}

/// When an interrupted step may begin again: at once, from the fourth time on after a pause that doubles to 30 s.
pub(super) fn after_interruption(interruptions: u32, at: Timestamp) -> Timestamp {
    if interruptions <= FREE_INTERRUPTIONS {
        return at;
    }
    let policy = RetryPolicy { jitter: false, ..RetryPolicy::default() };
    at.plus_millis(pause_ms(&policy, interruptions - FREE_INTERRUPTIONS, 0))
}

fn pause_ms(policy: &RetryPolicy, failed: u32, salt: u64) -> u64 {
    let steps = u64::from(failed.max(1));
    let full = match policy.backoff {
        Backoff::None => 0,
        Backoff::Fixed => policy.initial_ms,
        Backoff::Linear => policy.initial_ms.saturating_mul(steps),
        Backoff::Exponential => policy.initial_ms.saturating_mul(1 << (steps - 1).min(40)),
    }
    .min(policy.max_ms);
    if policy.jitter && full > 1 {
        // between half of it and all of it, so that the pauses of many runs spread
        full / 2 + mix(salt.wrapping_add(steps)) % (full - full / 2 + 1)
    } else {
        full
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): spreads a seed over 64 bits.
pub(super) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(backoff: Backoff) -> Vec<u64> {
        let policy = RetryPolicy { max_attempts: 10, backoff, initial_ms: 1000, max_ms: 5000, jitter: false };
        let error = StepError::retryable("timeout", "slow");
        let now = Timestamp::from_micros(0);
        (1..=4)
            .filter_map(|failed| next_try(&policy, &error, failed, 7, now, None))
            .map(|at| at.millis_since(now))
            .collect()
    }

    #[test]
    fn pauses_grow_as_the_policy_says_and_stop_at_max_ms() {
        assert_eq!(pauses(Backoff::Exponential), [1000, 2000, 4000, 5000]);
        assert_eq!(pauses(Backoff::Linear), [1000, 2000, 3000, 4000]);
        assert_eq!(pauses(Backoff::Fixed), [1000; 4]);
        assert_eq!(pauses(Backoff::None), [0; 4]);
    }

    #[test]
    fn max_attempts_counts_the_first_try() {
        let policy = RetryPolicy { max_attempts: 2, ..RetryPolicy::default() };
        let error = StepError::retryable("timeout", "slow");
        let now = Timestamp::from_micros(0);
        assert!(next_try(&policy, &error, 1, 0, now, None).is_some());
        assert_eq!(next_try(&policy, &error, 2, 0, now, None), None);
        assert_eq!(next_try(&policy, &StepError::permanent("x", "y"), 1, 0, now, None), None);
    }

    #[test]
    fn a_server_is_waited_for_beyond_max_ms_but_not_beyond_the_run() {
        let policy = RetryPolicy { jitter: false, ..RetryPolicy::default() };
        let mut error = StepError::retryable("rate_limited", "later");
        error.retry_after_ms = Some(120_000);
        let now = Timestamp::from_micros(0);
        assert_eq!(next_try(&policy, &error, 1, 0, now, None), Some(now.plus_millis(120_000)));
        assert_eq!(next_try(&policy, &error, 1, 0, now, Some(now.plus_millis(60_000))), None);
    }

    #[test]
    fn jitter_stays_between_half_and_all_of_the_pause() {
        let policy = RetryPolicy { backoff: Backoff::Fixed, ..RetryPolicy::default() };
        for salt in 0..1000 {
            let pause = pause_ms(&policy, 1, mix(salt));
            assert!((500..=1000).contains(&pause), "{pause}");
        }
    }

    #[test]
    fn the_first_three_interruptions_cost_no_time() {
        let now = Timestamp::from_micros(0);
        let waits: Vec<u64> = (1..=6).map(|n| after_interruption(n, now).millis_since(now)).collect();
        assert_eq!(waits, [0, 0, 0, 1000, 2000, 4000]);
    }
}
