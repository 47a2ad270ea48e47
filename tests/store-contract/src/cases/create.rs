//! Creating runs.

use lorchestra_core::clock::Clock;
use lorchestra_core::run_store::{Created, StoreError};
use serde_json::{Map, json};

use super::assert_refused;
use crate::{Bench, Outcome, sample};

/// Everything that goes in comes out, numbers and all.
pub async fn a_run_is_loaded_as_it_was_created(bench: &mut dyn Bench) -> Outcome {
    let store = bench.store();
    let payload = Map::from_iter([
        ("float".to_owned(), json!(0.1 + 0.2)),
        ("big".to_owned(), json!(u64::MAX)),
        ("text".to_owned(), json!("\u{0}\"\\ ünï")),
    ]);
    let run = sample::keyed(sample::run_with("job", "run-1", &payload, bench.clock().now()), "key");
    assert_eq!(store.create_run(run.clone()).await?, Created::New);
    let loaded = store.load_run("run-1").await?;
    assert_eq!(loaded.record, run.record);
    assert_eq!(loaded.instance, run.instance);
    assert_eq!(loaded.entries, run.entries);
    assert_eq!(loaded.inbox, []);
    assert_eq!(store.last_seq("run-1").await?, 1);
    Ok(())
}

/// Although the file may have changed since: only the request counts.
pub async fn the_same_key_and_request_give_the_existing_run(bench: &mut dyn Bench) -> Outcome {
    let (store, now) = (bench.store(), bench.clock().now());
    let first = sample::keyed(sample::run("run-1", now), "key");
    store.create_run(first.clone()).await?;
    let mut second = sample::keyed(sample::run("run-2", now), "key");
    second.request_sha256 = first.request_sha256;
    assert_eq!(store.create_run(second).await?, Created::Existing { run_id: "run-1".into() });
    assert_refused!(store.load_run("run-2").await, StoreError::NotFound(_));
    Ok(())
}

/// And creates nothing.
pub async fn the_same_key_with_another_request_is_a_conflict(bench: &mut dyn Bench) -> Outcome {
    let (store, now) = (bench.store(), bench.clock().now());
    store.create_run(sample::keyed(sample::run("run-1", now), "key")).await?;
    let other = store.create_run(sample::keyed(sample::run("run-2", now), "key")).await;
    assert_refused!(other, StoreError::KeyConflict { key, run_id } if key == "key" && run_id == "run-1");
    assert_refused!(store.load_run("run-2").await, StoreError::NotFound(_));
    Ok(())
}

/// So that a call whose outcome is unknown can be repeated.
pub async fn creating_the_same_run_again_gives_the_existing_run(bench: &mut dyn Bench) -> Outcome {
    let (store, now) = (bench.store(), bench.clock().now());
    for run in [sample::run("run-1", now), sample::keyed(sample::run("run-2", now), "key")] {
        let run_id = run.record.run_id.clone();
        assert_eq!(store.create_run(run.clone()).await?, Created::New);
        assert_eq!(store.create_run(run).await?, Created::Existing { run_id });
    }
    Ok(())
}

/// An id stands for one request.
pub async fn another_run_under_a_taken_id_is_refused(bench: &mut dyn Bench) -> Outcome {
    let (store, now) = (bench.store(), bench.clock().now());
    store.create_run(sample::run("run-1", now)).await?;
    let before = store.load_run("run-1").await?;
    assert_refused!(
        store.create_run(sample::run_of("other", "run-1", now)).await,
        StoreError::Invalid { run_id, .. } if run_id == "run-1"
    );
    super::assert_unchanged(&*store, &before).await?;
    Ok(())
}

/// A journal says what it is the journal of.
pub async fn a_run_without_run_created_is_refused(bench: &mut dyn Bench) -> Outcome {
    let (store, now) = (bench.store(), bench.clock().now());
    let mut run = sample::run("run-1", now);
    run.entries.clear();
    assert_refused!(store.create_run(run.clone()).await, StoreError::Invalid { .. });
    run.entries = sample::step(0, now).entries;
    assert_refused!(store.create_run(run).await, StoreError::Invalid { .. });
    assert_refused!(store.load_run("run-1").await, StoreError::NotFound(_));
    Ok(())
}

/// The digest, by which instances are stored once, leaves that time out.
pub async fn runs_of_one_instance_keep_their_own_time_of_compilation(bench: &mut dyn Bench) -> Outcome {
    let store = bench.store();
    for run_id in ["run-1", "run-2"] {
        let now = bench.clock().now();
        let run = sample::run_with("job", run_id, &Map::new(), now);
        store.create_run(run).await?;
        assert_eq!(store.load_run(run_id).await?.instance.compiled_at, now);
        bench.clock().advance_ms(5);
    }
    let (first, second) = (store.load_run("run-1").await?, store.load_run("run-2").await?);
    assert_eq!(first.instance.instance_sha256, second.instance.instance_sha256);
    assert!(first.instance.compiled_at < second.instance.compiled_at);
    Ok(())
}
