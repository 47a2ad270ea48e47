//! The group by itself, on a table of numbers.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use futures_util::future::join_all;

use super::*;

fn group() -> Group {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("CREATE TABLE t (x INTEGER PRIMARY KEY, pad TEXT) STRICT").unwrap();
    Group::new("test.db".into(), connection)
}

fn insert(x: i64) -> impl Fn(&Connection) -> Result<i64, Fault> {
    move |connection| {
        connection.execute("INSERT INTO t (x) VALUES (?1)", [x])?;
        Ok(x)
    }
}

fn stored(group: &Group) -> Vec<i64> {
    let connection = lock(&group.connection);
    let mut select = connection.prepare("SELECT x FROM t ORDER BY x").unwrap();
    select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn writers_that_are_ready_together_share_a_transaction() {
    let group = group();
    let last_performed = Arc::new(AtomicBool::new(false));
    let writers = (0..10).map(|x| {
        let (group, last_performed) = (&group, Arc::clone(&last_performed));
        async move {
            group.submit(insert(x)).await.unwrap();
            assert!(last_performed.load(Ordering::SeqCst), "{x} was told before all were performed");
        }
    });
    let mark = Arc::clone(&last_performed);
    let last = group.submit(move |_| {
        mark.store(true, Ordering::SeqCst);
        Ok(())
    });
    let (_, last) = tokio::join!(join_all(writers), last);
    last.unwrap();
    assert_eq!(stored(&group), (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_operation_that_fails_in_the_middle_harms_no_other() {
    let group = group();
    let half_done = |connection: &Connection| {
        connection.execute("INSERT INTO t (x) VALUES (100)", [])?;
        connection.execute("INSERT INTO no_such_table VALUES (1)", [])?;
        Ok(100)
    };
    let (first, wrong, last) =
        tokio::join!(group.submit(insert(1)), group.submit(half_done), group.submit(insert(2)));
    assert_eq!((first.unwrap(), last.unwrap()), (1, 2));
    assert!(matches!(wrong, Err(StoreError::Unusable(_))), "{wrong:?}");
    assert_eq!(stored(&group), [1, 2]);
}

#[tokio::test]
async fn a_failed_commit_is_unknown_to_all_of_its_group_and_to_nobody_else() {
    let group = group();
    lock(&group.connection)
        .execute_batch(
            "PRAGMA foreign_keys = ON; \
             CREATE TABLE child (x INTEGER REFERENCES t (x) DEFERRABLE INITIALLY DEFERRED)",
        )
        .unwrap();
    let orphan = |connection: &Connection| {
        connection.execute("INSERT INTO child VALUES (77)", [])?;
        Ok(0)
    };
    let refused = |_: &Connection| Err::<i64, _>(StoreError::NotFound("run".into()).into());
    let (first, second, third) =
        tokio::join!(group.submit(insert(1)), group.submit(orphan), group.submit(refused));
    for answer in [first, second, third] {
        assert!(matches!(answer, Err(StoreError::Unknown(_))), "{answer:?}");
    }
    group.submit(insert(2)).await.unwrap();
    assert_eq!(stored(&group), [2]);
}

#[tokio::test]
async fn a_full_disk_is_unavailable_and_goes_by() {
    let group = group();
    lock(&group.connection).pragma_update(None, "max_page_count", 4).unwrap();
    let large = |connection: &Connection| {
        connection.execute("INSERT INTO t VALUES (9, ?1)", ["x".repeat(100_000)])?;
        Ok(9)
    };
    let (small, refused) = tokio::join!(group.submit(insert(1)), group.submit(large));
    assert_eq!(small.unwrap(), 1);
    assert!(matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("no space")), "{refused:?}");
    lock(&group.connection).pragma_update(None, "max_page_count", 1000).unwrap();
    assert_eq!(group.submit(large).await.unwrap(), 9);
    assert_eq!(stored(&group), [1, 9]);
}

#[tokio::test]
async fn whoever_goes_away_takes_nobody_along() {
    // each position in the queue, dropped before it was told anything
    for dropped in 0..3_usize {
        let group = group();
        let mut writers: Vec<_> = (0..3).map(|x| Box::pin(group.submit(insert(x)))).map(Some).collect();
        for writer in writers.iter_mut().flatten() {
            assert!(writer.as_mut().now_or_never().is_none());
        }
        writers[dropped] = None;
        for (x, writer) in (0..).zip(writers) {
            if let Some(writer) = writer {
                assert_eq!(writer.await.unwrap(), x);
            }
        }
        group.submit(insert(50)).await.unwrap();
        assert!(stored(&group).contains(&50));
    }
}

#[tokio::test]
async fn a_leader_that_was_appointed_and_goes_away_is_replaced() {
    let group = group();
    let mut first = Box::pin(group.submit(insert(0)));
    assert!(first.as_mut().now_or_never().is_none());
    // the first group is full, so those after it wait for a leader
    let others: Vec<_> = (1..=GROUP_LIMIT as i64 + 3).map(|x| Box::pin(group.submit(insert(x)))).collect();
    let mut others: Vec<_> = others.into_iter().map(Some).collect();
    for writer in others.iter_mut().flatten() {
        assert!(writer.as_mut().now_or_never().is_none());
    }
    first.await.unwrap();
    let appointed = GROUP_LIMIT - 1;
    others[appointed] = None;
    for writer in others.into_iter().flatten() {
        writer.await.unwrap();
    }
    assert_eq!(stored(&group).len(), GROUP_LIMIT + 4);
}

#[tokio::test]
async fn a_panic_of_an_operation_does_not_stop_the_store() {
    let group = group();
    let panicking =
        std::panic::AssertUnwindSafe(group.submit(|_| -> Result<i64, Fault> { panic!("planted") }));
    assert!(panicking.catch_unwind().await.is_err());
    assert_eq!(group.submit(insert(3)).await.unwrap(), 3);
    assert_eq!(stored(&group), [3]);
}
