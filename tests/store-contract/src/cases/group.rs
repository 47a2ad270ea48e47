//! Many writers at once.

use futures_util::future::join_all;
use lorchestra_core::clock::Clock;
use lorchestra_core::run_store::StoreError;

use super::{LEASE_MS, claim_by_name};
use crate::{Bench, Outcome, sample};

/// And every other one is in the journal of its own run.
pub async fn of_many_writers_at_once_only_the_wrong_one_is_refused(bench: &mut dyn Bench) -> Outcome {
    const RUNS: u64 = 40;
    let store = bench.process_of("worker");
    let now = bench.clock().now();
    let run_id = |number: u64| format!("run-{number:02}");
    let created = join_all((0..RUNS).map(|number| store.create_run(sample::run(&run_id(number), now)))).await;
    created.into_iter().collect::<Result<Vec<_>, _>>()?;
    assert_eq!(store.claim("worker", LEASE_MS, usize::MAX).await?.len() as u64, RUNS);

    for seq in 1..=3 {
        let wrong = seq * 7;
        let appends = (0..RUNS).map(|number| {
            let (store, run_id) = (&store, run_id(number));
            let epoch = if number == wrong { 9 } else { 1 };
            async move { store.append(&run_id, epoch, seq, sample::step(seq, now)).await }
        });
        for (number, appended) in (0..).zip(join_all(appends).await) {
            if number == wrong {
                assert!(matches!(appended, Err(StoreError::StaleEpoch { .. })), "{appended:?}");
                store.append(&run_id(number), 1, seq, sample::step(seq, now)).await?;
            } else {
                appended?;
            }
        }
    }
    for number in 0..RUNS {
        let entries = store.load_run(&run_id(number)).await?.entries;
        assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
    }
    bench.clock().advance_ms(LEASE_MS);
    assert_eq!(claim_by_name(&*store, &run_id(0)).await?, 2);
    Ok(())
}
