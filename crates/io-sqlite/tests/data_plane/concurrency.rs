//! Readers beside a writer, writers in a queue, and calls that are stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use io_sqlite::data_plane::{Options, SqliteDataPlane};
use lorchestra_json::RowBatch;
use serde_json::{Value, json};
use storacle_client::table::ColumnType::Int64;
use storacle_client::{CallMeta, QuerySpec, RowStream, SqlQuery, StoracleClient, StoracleError};
use tokio::sync::{Notify, mpsc};

use crate::support::{Fixture, Stop, batches, collect, into, one_batch, things};

fn fixture() -> Fixture {
    Fixture::declaring(vec![things(&[("n", Int64)])])
}

fn batch(from: usize) -> RowBatch {
    let rows: Vec<Value> =
        (from..from + 100).map(|n| json!({"idem_key": format!("{n:06}"), "n": n})).collect();
    RowBatch::of(&rows)
}

/// A stream that a test feeds.
fn fed() -> (mpsc::UnboundedSender<RowBatch>, RowStream) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let rows = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|batch| (Ok(batch), receiver))
    });
    (sender, Box::pin(rows))
}

/// A query that SQLite would work on for hours.
fn endless() -> SqlQuery {
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) AS c FROM n";
    SqlQuery { sql: sql.into(), params: Default::default() }
}

#[tokio::test]
async fn a_reader_sees_the_table_as_it_was_while_a_write_is_under_way() {
    let fixture = fixture();
    fixture.upsert(&into("raw.things"), &[json!({"idem_key": "before", "n": 0})]).await.unwrap();
    let (feed, rows) = fed();
    feed.send(batch(0)).unwrap();
    let plane = Arc::clone(&fixture.plane);
    let write =
        tokio::spawn(async move { plane.upsert(&CallMeta::default(), &into("raw.things"), rows).await });
    for round in 1..5 {
        // every round the writer holds its transaction and the reader is answered
        feed.send(batch(round * 100)).unwrap();
        assert_eq!(fixture.rows("raw.things", "idem_key").await, [json!({"idem_key": "before", "n": 0})]);
    }
    drop(feed);
    assert_eq!(write.await.unwrap().unwrap().inserted, 500);
    assert_eq!(fixture.rows("raw.things", "idem_key").await.len(), 501);
}

#[tokio::test]
async fn writes_of_one_file_queue_and_each_is_whole() {
    let fixture = fixture();
    let second = SqliteDataPlane::open(
        fixture.path(),
        Options { declared: vec![things(&[("n", Int64)])], ..Options::new(Arc::new(fixture.clock.clone())) },
    )
    .unwrap();
    let planes = [Arc::clone(&fixture.plane), Arc::new(second)];
    let writes: Vec<_> = (0..8)
        .map(|at| {
            let plane = Arc::clone(&planes[at % 2]);
            tokio::spawn(async move {
                plane.upsert(&CallMeta::default(), &into("raw.things"), batches(vec![batch(at * 100)])).await
            })
        })
        .collect();
    for write in writes {
        assert_eq!(write.await.unwrap().unwrap().inserted, 100);
    }
    assert_eq!(fixture.rows("raw.things", "idem_key").await.len(), 800);
}

#[tokio::test]
async fn a_write_that_is_stopped_in_the_middle_leaves_nothing() {
    let fixture = fixture();
    let stop = Stop::default();
    let (feed, rows) = fed();
    let taken = Arc::new(Notify::new());
    let (seen, count) = (Arc::clone(&taken), Arc::new(AtomicUsize::new(0)));
    // the third batch is asked for only when the first has been taken
    let rows = rows.inspect(move |_| {
        if count.fetch_add(1, Ordering::SeqCst) == 2 {
            seen.notify_one();
        }
    });
    for round in 0..3 {
        feed.send(batch(round * 100)).unwrap();
    }
    let (plane, meta) = (Arc::clone(&fixture.plane), stop.meta());
    let write = tokio::spawn(async move { plane.upsert(&meta, &into("raw.things"), Box::pin(rows)).await });
    taken.notified().await;
    stop.raise();
    // the feed stays open: nothing but the flag ends the call
    let outcome = write.await.unwrap();
    assert!(matches!(outcome, Err(StoracleError::Cancelled)), "{outcome:?}");
    drop(feed);
    assert!(fixture.rows("raw.things", "idem_key").await.is_empty());
    assert_eq!(fixture.upsert(&into("raw.things"), &[json!({"idem_key": "a"})]).await.unwrap().inserted, 1);
}

#[tokio::test]
async fn a_call_whose_future_is_dropped_leaves_nothing() {
    let fixture = fixture();
    let (feed, rows) = fed();
    feed.send(batch(0)).unwrap();
    {
        let spec = into("raw.things");
        let meta = CallMeta::default();
        let mut write = Box::pin(fixture.plane.upsert(&meta, &spec, rows));
        let first = futures_util::future::poll_immediate(&mut write).await;
        assert!(first.is_none());
    }
    // the next write waits until the first has let go
    assert_eq!(fixture.upsert(&into("raw.things"), &[json!({"idem_key": "a"})]).await.unwrap().inserted, 1);
    assert_eq!(fixture.rows("raw.things", "idem_key").await.len(), 1);
}

#[tokio::test]
async fn a_write_that_waits_for_its_turn_can_be_stopped() {
    let fixture = fixture();
    let (feed, rows) = fed();
    let plane = Arc::clone(&fixture.plane);
    let first =
        tokio::spawn(async move { plane.upsert(&CallMeta::default(), &into("raw.things"), rows).await });
    tokio::task::yield_now().await;
    let stop = Stop::default();
    let (plane, meta) = (Arc::clone(&fixture.plane), stop.meta());
    let second = tokio::spawn(async move {
        plane.upsert(&meta, &into("raw.things"), one_batch(&[json!({"idem_key": "second"})])).await
    });
    tokio::task::yield_now().await;
    stop.raise();
    assert!(matches!(second.await.unwrap(), Err(StoracleError::Cancelled)));
    drop(feed);
    assert_eq!(first.await.unwrap().unwrap().total, 0);
}

#[tokio::test]
async fn another_process_that_writes_for_too_long_makes_the_data_plane_unavailable() {
    let fixture = fixture();
    let impatient = SqliteDataPlane::open(
        fixture.path(),
        Options {
            declared: vec![things(&[("n", Int64)])],
            busy_timeout: Duration::ZERO,
            ..Options::new(Arc::new(fixture.clock.clone()))
        },
    )
    .unwrap();
    let other = fixture.sqlite();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let row = [json!({"idem_key": "a"})];
    let error =
        impatient.upsert(&CallMeta::default(), &into("raw.things"), one_batch(&row)).await.unwrap_err();
    assert!(matches!(error, StoracleError::Unavailable { .. }), "{error:?}");
    assert!(error.is_retryable());
    other.execute_batch("COMMIT").unwrap();
    impatient.upsert(&CallMeta::default(), &into("raw.things"), one_batch(&row)).await.unwrap();
}

#[tokio::test]
async fn a_query_that_is_stopped_ends_at_once() {
    let fixture = fixture();
    let stop = Stop::default();
    let (plane, meta) = (Arc::clone(&fixture.plane), stop.meta());
    let query = tokio::spawn(async move { plane.query_sql(&meta, &endless()).await.map(|_| ()) });
    tokio::task::yield_now().await;
    stop.raise();
    let outcome = query.await.unwrap();
    assert!(matches!(outcome, Err(StoracleError::Cancelled)), "{outcome:?}");
}

#[tokio::test]
async fn a_query_past_its_deadline_is_a_time_out() {
    use lorchestra_core::clock::Clock;

    let fixture = fixture();
    let meta = CallMeta { deadline_us: Some(fixture.clock.now().as_micros()), ..CallMeta::default() };
    let (plane, clock) = (Arc::clone(&fixture.plane), fixture.clock.clone());
    let query = tokio::spawn(async move { plane.query_sql(&meta, &endless()).await.map(|_| ()) });
    tokio::task::yield_now().await;
    clock.advance_ms(1);
    let error = query.await.unwrap().unwrap_err();
    assert!(matches!(error, StoracleError::Timeout { .. }), "{error:?}");
}

#[tokio::test]
async fn rows_that_nobody_waits_for_free_their_reader() {
    let fixture = fixture();
    let all: Vec<RowBatch> = (0..60).map(|at| batch(at * 100)).collect();
    fixture.plane.upsert(&CallMeta::default(), &into("raw.things"), batches(all)).await.unwrap();
    let spec = QuerySpec::parse(&json!({"dataset": "raw", "table": "things"}), &[]).unwrap();
    // more than there are turns to read, each dropped after its first batch
    for _ in 0..100 {
        let mut rows = fixture.plane.query(&CallMeta::default(), &spec).await.unwrap();
        assert_eq!(rows.next().await.unwrap().unwrap().len(), 1024);
    }
    let rows = fixture.plane.query(&CallMeta::default(), &spec).await.unwrap();
    assert_eq!(collect(rows).await.unwrap().len(), 6_000);
}
