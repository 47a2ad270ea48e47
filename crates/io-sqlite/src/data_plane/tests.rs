//! What only the inside can bring about: a disk that is full.

use std::sync::Arc;

use futures_util::stream;
use lorchestra_core::clock::{Clock, Timestamp};
use lorchestra_json::RowBatch;
use serde_json::{Value, json};
use storacle_client::{
    AssertRowsSpec, CallMeta, RowStream, StoracleClient, StoracleError, UpsertSpec, standard_tables,
};

use super::{Options, SqliteDataPlane};

struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(0)
    }
}

fn batches(range: std::ops::Range<usize>) -> RowStream {
    let rows: Vec<Value> =
        range.map(|n| json!({"idem_key": format!("{n}"), "payload": "x".repeat(1_000)})).collect();
    let batches: Vec<_> = rows.chunks(100).map(|rows| Ok(RowBatch::of(rows))).collect();
    Box::pin(stream::iter(batches))
}

#[tokio::test]
async fn a_full_disk_fails_the_write_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { declared: standard_tables::all(), ..Options::new(Arc::new(Epoch)) };
    let plane = SqliteDataPlane::open(dir.path().join("data.db"), options).unwrap();
    let spec = UpsertSpec {
        table: standard_tables::RAW_OBJECTS.into(),
        idem_key_field: "idem_key".into(),
        skip_update_columns: Vec::new(),
        last_duplicate_wins: false,
    };
    let meta = CallMeta { idempotency_key: Some("key".into()), ..CallMeta::default() };
    let holds = async |expected_count| {
        let spec = AssertRowsSpec {
            table: spec.table.clone(),
            expected_count: Some(expected_count),
            ..AssertRowsSpec::default()
        };
        plane.assert_rows(&CallMeta::default(), &spec).await.unwrap().passed
    };
    plane.upsert(&CallMeta::default(), &spec, batches(0..10)).await.unwrap();
    plane.writer.lock().await.execute_batch("PRAGMA max_page_count = 100").unwrap();

    let error = plane.upsert(&meta, &spec, batches(10..1_000)).await.unwrap_err();
    assert!(matches!(&error, StoracleError::WriteFailed { .. }), "{error:?}");
    assert_eq!(error.to_string(), "write failed: the disk is full; nothing was written");
    assert!(holds(10).await);
    assert_eq!(plane.recorded_upsert(&meta).await.unwrap(), None);

    plane.writer.lock().await.execute_batch("PRAGMA max_page_count = 100000").unwrap();
    assert_eq!(plane.upsert(&meta, &spec, batches(10..1_000)).await.unwrap().inserted, 990);
    assert!(holds(1_000).await);
}
