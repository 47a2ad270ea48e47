//! Several processes on one file, and what is left when they end.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use io_sqlite::run_store::{OpenOptions, SqliteRunStore};
use lorchestra_core::clock::Clock;
use lorchestra_core::run_store::{
    Append, Claim, ClaimOutcome, ClaimRuns, CreateRun, InboxMessage, LoadRun, StoreError,
};
use store_contract::{Bench, Outcome, sample};
use testkit::FixedClock;

use crate::bench::SqliteBench;

/// Names the directory for the process that plays the other worker.
const DIR: &str = "STORE_CONTRACT_DIR";

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() -> Outcome {
    let bench = SqliteBench::new()?;
    let (store, now) = (bench.sqlite(), bench.clock().now());
    let run = sample::keyed(sample::run("run-1", now), "key");
    store.create_run(run.clone()).await?;
    let [claim] =
        <[Claim; 1]>::try_from(store.claim("worker", 30_000, 1).await?).map_err(|c| format!("{c:?}"))?;
    store.append("run-1", claim.epoch, 1, sample::start(&run.record, 1, now)).await?;
    store.send("run-1", InboxMessage::Pause).await?;
    let before = store.load_run("run-1").await?;

    let bench = bench.reopen()?;
    let store = bench.sqlite();
    assert_eq!(store.load_run("run-1").await?, before);
    assert_eq!(
        store.claim_run("run-1", "worker", 30_000).await?,
        ClaimOutcome::Claimed(Claim { run_id: "run-1".into(), epoch: 2, reclaimed: true })
    );
    Ok(())
}

/// Not a test by itself: the process that `a_killed_process_holds_nothing` starts and kills.
#[tokio::test]
async fn other_process() -> Outcome {
    let Some(dir) = std::env::var_os(DIR).map(std::path::PathBuf::from) else { return Ok(()) };
    let options = OpenOptions::new(Arc::new(FixedClock::default()), dir.join("workers"));
    let store = SqliteRunStore::open(dir.join("runs.db"), options)?;
    let claims = store.claim("victim", 3_600_000, 10).await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nclaimed {}", claims.len())?;
    out.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

#[tokio::test]
async fn a_killed_process_holds_nothing() -> Outcome {
    let bench = SqliteBench::new()?;
    let store = bench.sqlite();
    store.create_run(sample::run("run-1", bench.clock().now())).await?;
    let dir = bench.path().parent().map(std::path::Path::to_owned).unwrap_or_default();
    let mut other = Command::new(std::env::current_exe()?)
        .args(["--exact", "processes::other_process", "--nocapture"])
        .env(DIR, &dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let out = other.stdout.take().ok_or("its output is piped")?;
    let claimed = BufReader::new(out).lines().map_while(Result::ok).any(|line| line.ends_with("claimed 1"));
    assert!(claimed);

    let held = store.claim_run("run-1", "survivor", 30_000).await?;
    assert!(matches!(&held, ClaimOutcome::Held { worker, .. } if worker == "victim"), "{held:?}");
    let taken = store.register_worker("victim").await;
    assert!(matches!(taken, Err(StoreError::Unavailable(_))), "{taken:?}");
    other.kill()?;
    other.wait()?;
    let claims = store.claim("survivor", 30_000, 10).await?;
    assert_eq!(claims, [Claim { run_id: "run-1".into(), epoch: 2, reclaimed: true }]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_on_one_file_lose_nothing_and_give_no_run_twice() -> Outcome {
    const RUNS: usize = 30;
    let mut bench = SqliteBench::new()?;
    let now = bench.clock().now();
    for number in 0..RUNS {
        bench.store().create_run(sample::run(&format!("run-{number:02}"), now)).await?;
    }
    let mut workers = Vec::new();
    for worker in ["left", "right"] {
        let store = bench.process_of(worker);
        workers.push(tokio::spawn(async move {
            let mut done = 0;
            while let Some(claim) = store.claim(worker, 30_000, 1).await?.pop() {
                let run = store.load_run(&claim.run_id).await?;
                store.append(&claim.run_id, claim.epoch, 1, sample::start(&run.record, 1, now)).await?;
                store.append(&claim.run_id, claim.epoch, 2, sample::finish(&run.record, 2, now)).await?;
                store.release(&claim.run_id, claim.epoch).await?;
                done += 1;
            }
            Ok::<usize, StoreError>(done)
        }));
    }
    let mut done = 0;
    for worker in workers {
        done += worker.await??;
    }
    assert_eq!(done, RUNS);
    for number in 0..RUNS {
        assert_eq!(bench.store().last_seq(&format!("run-{number:02}")).await?, 3);
    }
    Ok(())
}

#[tokio::test]
async fn a_worker_id_that_is_no_file_name_is_refused() -> Outcome {
    let bench = SqliteBench::new()?;
    for id in ["", ".", "../worker", "a/b", "a\0b", "a b", &"x".repeat(300)] {
        let refused = bench.sqlite().claim(id, 1, 1).await;
        assert!(matches!(refused, Err(StoreError::Unusable(_))), "{id:?}: {refused:?}");
    }
    Ok(())
}
