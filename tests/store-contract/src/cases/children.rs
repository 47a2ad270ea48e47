//! Runs that are started by a commit of another.

use lorchestra_core::clock::Clock;
use lorchestra_core::run_store::{Commit, StoreError};

use super::{LEASE_MS, assert_refused, assert_unchanged, claimed};
use crate::{Bench, Outcome, sample};

/// And can be claimed from then on.
pub async fn children_are_created_with_the_commit_that_starts_them(bench: &mut dyn Bench) -> Outcome {
    let (store, _, epoch) = claimed(bench, "parent").await?;
    let now = bench.clock().now();
    let child = sample::child_of(sample::run("child", now), "parent");
    let commit = Commit { children: vec![child.clone()], ..sample::step(1, now) };
    store.append("parent", epoch, 1, commit).await?;
    let loaded = store.load_run("child").await?;
    assert_eq!((loaded.record, loaded.entries), (child.record, child.entries));
    let claims = store.claim("worker", LEASE_MS, 10).await?;
    assert_eq!(claims.into_iter().map(|claim| claim.run_id).collect::<Vec<_>>(), ["child"]);
    Ok(())
}

/// All or nothing.
pub async fn a_refused_commit_creates_no_children(bench: &mut dyn Bench) -> Outcome {
    let (store, _, epoch) = claimed(bench, "parent").await?;
    let now = bench.clock().now();
    let child = sample::child_of(sample::run("child", now), "parent");
    let before = store.load_run("parent").await?;
    let stale = Commit { children: vec![child.clone()], ..sample::step(1, now) };
    assert_refused!(store.append("parent", epoch + 1, 1, stale).await, StoreError::StaleEpoch { .. });
    let twice = Commit { children: vec![child.clone(), child], ..sample::step(1, now) };
    assert_refused!(store.append("parent", epoch, 1, twice).await, StoreError::Invalid { .. });
    assert_refused!(store.load_run("child").await, StoreError::NotFound(_));
    assert_unchanged(&*store, &before).await?;
    Ok(())
}

/// However far it has come.
pub async fn a_child_that_exists_is_left_as_it_is(bench: &mut dyn Bench) -> Outcome {
    let (store, _, epoch) = claimed(bench, "parent").await?;
    let now = bench.clock().now();
    let child = sample::child_of(sample::run("child", now), "parent");
    store
        .append("parent", epoch, 1, Commit { children: vec![child.clone()], ..sample::step(1, now) })
        .await?;
    let child_epoch = super::claim_by_name(&*store, "child").await?;
    store.append("child", child_epoch, 1, sample::start(&child.record, 1, now)).await?;
    let before = store.load_run("child").await?;
    store.append("parent", epoch, 2, Commit { children: vec![child], ..sample::step(2, now) }).await?;
    assert_unchanged(&*store, &before).await?;
    Ok(())
}

/// The entry that starts it names the other one.
pub async fn a_child_whose_key_is_taken_by_another_run_is_refused(bench: &mut dyn Bench) -> Outcome {
    let (store, _, epoch) = claimed(bench, "parent").await?;
    let now = bench.clock().now();
    let first = sample::child_of(sample::run("first", now), "parent");
    store
        .append("parent", epoch, 1, Commit { children: vec![first.clone()], ..sample::step(1, now) })
        .await?;
    let before = store.load_run("parent").await?;

    let other_request = sample::child_of(sample::run("second", now), "parent");
    let commit = Commit { children: vec![other_request.clone()], ..sample::step(2, now) };
    assert_refused!(store.append("parent", epoch, 2, commit).await, StoreError::KeyConflict { .. });
    let mut same_request = other_request;
    same_request.request_sha256 = first.request_sha256;
    let commit = Commit { children: vec![same_request], ..sample::step(2, now) };
    assert_refused!(store.append("parent", epoch, 2, commit).await, StoreError::Invalid { .. });
    assert_unchanged(&*store, &before).await?;
    Ok(())
}
