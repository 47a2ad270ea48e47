//! Messages to the holder of a run.

use lorchestra_core::clock::Clock;
use lorchestra_core::run_store::{Commit, InboxMessage, StoreError};

use super::{LEASE_MS, assert_refused, assert_unchanged, claimed};
use crate::{Bench, Outcome, sample};

fn note(name: &str) -> InboxMessage {
    InboxMessage::Retry { steps: vec![name.to_owned()] }
}

/// Those, and no others.
pub async fn messages_are_taken_with_the_commit_that_takes_them_in(bench: &mut dyn Bench) -> Outcome {
    let (store, _, epoch) = claimed(bench, "run-1").await?;
    let messages = [
        note("a"),
        InboxMessage::Pause,
        InboxMessage::Cancel { why: "by hand".into() },
        InboxMessage::Retry { steps: vec!["load".into()] },
    ];
    for message in &messages {
        bench.store().send("run-1", message.clone()).await?;
    }
    let waiting = store.inbox("run-1").await?;
    assert_eq!(waiting.iter().map(|row| row.message.clone()).collect::<Vec<_>>(), messages);
    assert!(waiting.is_sorted_by_key(|row| row.id));
    assert_eq!(store.load_run("run-1").await?.inbox, waiting);

    let mut commit = sample::step(1, bench.clock().now());
    commit.take_inbox = vec![waiting[0].id, waiting[2].id];
    store.append("run-1", epoch, 1, commit).await?;
    assert_eq!(store.inbox("run-1").await?, [waiting[1].clone(), waiting[3].clone()]);
    Ok(())
}

/// It may have been meant for another run.
pub async fn taking_a_message_that_is_not_there_writes_nothing(bench: &mut dyn Bench) -> Outcome {
    let (store, _, epoch) = claimed(bench, "run-1").await?;
    let now = bench.clock().now();
    store.create_run(sample::run("run-2", now)).await?;
    store.send("run-2", note("a")).await?;
    let foreign = store.inbox("run-2").await?[0].id;
    let before = store.load_run("run-1").await?;
    for id in [foreign, foreign + 1, u64::MAX] {
        let commit = Commit { take_inbox: vec![id], ..sample::step(1, now) };
        assert_refused!(store.append("run-1", epoch, 1, commit).await, StoreError::Invalid { .. });
    }
    assert_unchanged(&*store, &before).await?;
    assert_eq!(store.inbox("run-2").await?.len(), 1);
    Ok(())
}

/// Before its timer.
pub async fn a_message_wakes_a_waiting_run(bench: &mut dyn Bench) -> Outcome {
    let (store, run, epoch) = claimed(bench, "run-1").await?;
    let now = bench.clock().now();
    store.append("run-1", epoch, 1, sample::start(&run.record, 1, now)).await?;
    store.append("run-1", epoch, 2, sample::wait(&run.record, 2, now, now.plus_millis(60_000))).await?;
    store.release("run-1", epoch).await?;
    assert_eq!(store.claim("worker", LEASE_MS, 10).await?, []);
    bench.clock().advance_ms(10);
    bench.store().send("run-1", note("a")).await?;
    assert_eq!(store.next_wake().await?, Some(now.plus_millis(10)));
    assert_eq!(store.claim("worker", LEASE_MS, 10).await?.len(), 1);
    Ok(())
}

/// Else a message that came just before the holder's last commit would lie there for ever.
pub async fn a_message_that_was_not_taken_keeps_the_run_due(bench: &mut dyn Bench) -> Outcome {
    let (store, run, epoch) = claimed(bench, "run-1").await?;
    let now = bench.clock().now();
    store.append("run-1", epoch, 1, sample::start(&run.record, 1, now)).await?;
    bench.store().send("run-1", note("a")).await?;
    let message = store.inbox("run-1").await?[0].id;
    store.append("run-1", epoch, 2, sample::finish(&run.record, 2, now)).await?;
    store.release("run-1", epoch).await?;
    assert_eq!(store.next_wake().await?, Some(now));

    let [claim] =
        <[_; 1]>::try_from(store.claim("worker", LEASE_MS, 10).await?).map_err(|c| format!("{c:?}"))?;
    let take = Commit { take_inbox: vec![message], ..Commit::default() };
    store.append("run-1", claim.epoch, 3, take).await?;
    store.release("run-1", claim.epoch).await?;
    assert_eq!(store.next_wake().await?, None);
    Ok(())
}

/// In the commit that ends it.
pub async fn a_child_that_ends_tells_its_parent(bench: &mut dyn Bench) -> Outcome {
    let (store, parent, parent_epoch) = claimed(bench, "parent").await?;
    let now = bench.clock().now();
    let child = sample::child_of(sample::run("child", now), "parent");
    let mut begin = sample::start(&parent.record, 1, now);
    begin.children = vec![child.clone()];
    store.append("parent", parent_epoch, 1, begin).await?;
    store.release("parent", parent_epoch).await?;
    assert_eq!(store.claim("worker", LEASE_MS, 1).await?[0].run_id, "parent");

    let epoch = super::claim_by_name(&*store, "child").await?;
    store.append("child", epoch, 1, sample::start(&child.record, 1, now)).await?;
    let mut end = sample::finish(&child.record, 2, now);
    end.notify_parent = Some(("parent".into(), note("child ended")));
    store.append("child", epoch, 2, end).await?;
    let told = store.inbox("parent").await?;
    assert_eq!(told.into_iter().map(|row| row.message).collect::<Vec<_>>(), [note("child ended")]);
    Ok(())
}

/// A child has a parent that exists.
pub async fn telling_an_unknown_parent_writes_nothing(bench: &mut dyn Bench) -> Outcome {
    let (store, run, epoch) = claimed(bench, "run-1").await?;
    let before = store.load_run("run-1").await?;
    let mut end = sample::finish(&run.record, 1, bench.clock().now());
    end.notify_parent = Some(("none".into(), note("child ended")));
    assert_refused!(store.append("run-1", epoch, 1, end).await, StoreError::NotFound(id) if id == "none");
    assert_unchanged(&*store, &before).await?;
    Ok(())
}
