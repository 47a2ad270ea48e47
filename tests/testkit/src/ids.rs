//! Ids and seeds that count, so that snapshots hold.

use std::sync::atomic::{AtomicU64, Ordering};

use lorchestra_core::clock::{IdSource, Timestamp};

/// The n-th id of a test is always the same. Ids have the form of UUIDv7 and sort by time, then by number.
#[derive(Debug, Default)]
pub struct CountingIds {
    ids: AtomicU64,
    seeds: AtomicU64,
}

impl IdSource for CountingIds {
    fn run_id(&self, now: Timestamp) -> String {
        let number = self.ids.fetch_add(1, Ordering::SeqCst) + 1;
        let millis = u64::try_from(now.as_micros() / 1000).unwrap_or(0);
        format!("{:08x}-{:04x}-7000-8000-{number:012x}", millis >> 16 & 0xffff_ffff, millis & 0xffff)
    }

    fn seed(&self) -> u64 {
        self.seeds.fetch_add(1, Ordering::SeqCst) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_look_like_uuid_v7_and_sort_in_the_order_they_were_made() {
        let ids = CountingIds::default();
        let time = Timestamp::from_micros(1_767_225_600_000_000);
        let made = [ids.run_id(time), ids.run_id(time), ids.run_id(time.plus_millis(1))];
        assert_eq!(made[0], "019b76da-a800-7000-8000-000000000001");
        assert!(made.is_sorted());
    }
}
