//! `storacle.query`.

use lorchestra_core::artifact::ArtifactKind;
use lorchestra_core::handler::{RowCounts, RunMode};
use lorchestra_json::RowBatch;
use serde_json::{Value, json};
use storacle_client::{QuerySpec, StoracleError};

use crate::world::{World, manifest};

fn some_rows(count: usize) -> Vec<Value> {
    (0..count).map(|n| json!({"idem_key": format!("key-{n}"), "payload": {"n": n}})).collect()
}

fn batches(rows: &[Value]) -> Vec<RowBatch> {
    rows.chunks(1000).map(RowBatch::of).collect()
}

#[tokio::test]
async fn few_rows_stand_inline_and_are_counted() {
    let world = World::new();
    let rows = some_rows(3);
    world.storacle.state().answer = batches(&rows);
    let success = world.perform(&manifest("storacle.query", json!({"dataset": "raw", "table": "t"}))).await;
    let success = success.unwrap();
    assert_eq!(success.output.value, json!({"items": rows, "count": 3}));
    assert!(success.output.artifacts.is_empty());
    assert_eq!(success.rows, RowCounts { read: 3, written: 0 });
}

#[tokio::test]
async fn no_rows_are_an_empty_list() {
    let world = World::new();
    let success = world.perform(&manifest("storacle.query", json!({"dataset": "raw", "table": "t"}))).await;
    assert_eq!(success.unwrap().output.value, json!({"items": [], "count": 0}));
}

#[tokio::test]
async fn many_rows_become_an_artifact_with_count_and_fields() {
    let world = World::new();
    let rows = some_rows(5000);
    world.storacle.state().answer = batches(&rows);
    let success = world.perform(&manifest("storacle.query", json!({"dataset": "raw", "table": "t"}))).await;
    let success = success.unwrap();
    assert_eq!(success.output.value, json!({"items": null, "count": 5000}));
    let handle = success.output.artifact("/items").unwrap();
    assert_eq!((handle.kind, handle.count), (ArtifactKind::Rows, Some(5000)));
    assert_eq!(handle.fields.as_ref().unwrap(), &["idem_key", "payload"]);
    assert_eq!(world.rows_at(&success, "/items").await, rows);
}

#[tokio::test]
async fn the_query_and_who_asks_reach_the_data_plane() {
    let world = World::new();
    let params = json!({
        "dataset": "raw", "table": "raw_objects", "columns": ["idem_key"], "filters": {"source_system": "github"},
        "order_by": "idem_key DESC", "limit": 7, "sql": null, "params": null,
    });
    let manifest = manifest("storacle.query", params.clone());
    world.perform(&manifest).await.unwrap();
    let mut expected = params;
    expected.as_object_mut().unwrap().retain(|name, _| name != "sql" && name != "params");
    let state = world.storacle.state();
    assert_eq!(state.queries, [QuerySpec::parse(&expected, &[]).unwrap()]);
    let meta = &state.metas[0];
    assert_eq!((meta.run_id.as_str(), meta.job_id.as_str(), meta.step_id.as_str()), ("run-1", "job", "step"));
    assert_eq!(meta.correlation_id, "correlation-1");
    assert_eq!(meta.idempotency_key.as_deref(), Some("run-1:step"));
    assert_eq!(meta.manifest_sha256, Some(manifest.manifest_sha256));
    assert_eq!(meta.run_started_at_us, Some(1_000_000));
    assert!(!(meta.stop.is_stopped)());
    world.cancel.cancel();
    assert!((meta.stop.is_stopped)());
}

#[tokio::test]
async fn sql_goes_out_in_the_dialect_of_the_store_with_its_params() {
    let world = World::new();
    for sql in [
        json!("SELECT @n AS n"),
        json!({"sqlite": "SELECT @n AS n", "bigquery": "SELECT @n AS n FROM UNNEST([1])"}),
    ] {
        let params = json!({"sql": sql, "params": {"n": 1}});
        world.perform(&manifest("storacle.query", params)).await.unwrap();
        let sent = world.storacle.state().sql_queries.pop().unwrap();
        assert_eq!(json!(sent), json!({"sql": "SELECT @n AS n", "params": {"n": 1}}));
    }
}

#[tokio::test]
async fn a_value_that_turned_out_wrong_fails_before_anything_is_asked() {
    let world = World::new();
    let params = json!({"dataset": "raw", "table": "t", "limit": 0});
    let error = world.perform(&manifest("storacle.query", params)).await.unwrap_err();
    assert_eq!((error.error_type.as_str(), error.retryable), ("invalid_params", false));
    assert!(error.message.contains("'limit' must be an integer >= 1, got 0"), "{error}");
    assert!(world.storacle.state().queries.is_empty());
}

#[tokio::test]
async fn rows_that_break_off_fail_the_step_with_the_reason_and_store_nothing() {
    let world = World::new();
    let reason = StoracleError::Unavailable { message: "gone".into() };
    world.storacle.state().answer = batches(&some_rows(5000));
    world.storacle.state().answer_ends_with = Some(reason);
    let params = json!({"dataset": "raw", "table": "t"});
    let error = world.perform(&manifest("storacle.query", params)).await.unwrap_err();
    assert_eq!((error.error_type.as_str(), error.retryable), ("unavailable", true));
    assert!(world.artifacts.digests().is_empty());
}

#[tokio::test]
async fn a_dry_run_reads() {
    let mut world = World::new();
    world.mode = RunMode::DryRun;
    world.storacle.state().answer = batches(&some_rows(2));
    let success = world.perform(&manifest("storacle.query", json!({"dataset": "raw", "table": "t"}))).await;
    assert_eq!(success.unwrap().output.value["count"], 2);
}
