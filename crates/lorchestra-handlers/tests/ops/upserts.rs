//! `write.upsert`.

use lorchestra_core::artifact::ArtifactKind;
use lorchestra_core::handler::{RowCounts, RunMode};
use lorchestra_json::{MAX_BATCH_BYTES, MAX_BATCH_ROWS};
use serde_json::{Value, json};
use storacle_client::StoracleError;

use crate::fake_storacle::Failure;
use crate::world::{With, World, manifest};

const TABLE: &str = "canonical.canonical_objects";

fn ndjson(count: usize) -> String {
    (0..count).map(|n| format!("{{\"idem_key\":\"key-{n}\",\"n\":{n}}}\n")).collect()
}

fn upsert(objects: Value) -> lorchestra_core::manifest::StepManifest {
    manifest("write.upsert", json!({"table": TABLE, "objects": objects}))
}

#[tokio::test]
async fn rows_of_an_artifact_stream_in_batches_of_bounded_size() {
    let world = World::new();
    let handle = world.store(ndjson(20_000), ArtifactKind::Rows).await;
    let success = world.perform(&upsert(Value::Null).with_artifact("/objects", handle)).await.unwrap();
    assert_eq!(
        success.output.value,
        json!({"inserted": 20000, "updated": 0, "unchanged": 0, "total": 20000})
    );
    assert_eq!(success.rows, RowCounts { read: 0, written: 20_000 });
    let state = world.storacle.state();
    let (rows, bytes) = state.largest_batch;
    assert!(rows <= MAX_BATCH_ROWS && bytes <= MAX_BATCH_BYTES, "{rows} rows, {bytes} bytes");
    assert_eq!(state.tables[TABLE].len(), 20_000);
}

#[tokio::test]
async fn inline_rows_and_lists_of_artifacts_write_the_same() {
    let rows = json!([{"idem_key": "a", "n": 1}, {"idem_key": "b", "n": 2}]);
    let inline = World::new();
    inline.perform(&upsert(rows.clone())).await.unwrap();
    let stored = World::new();
    let handle = stored.store(rows.to_string(), ArtifactKind::Json).await;
    stored.perform(&upsert(Value::Null).with_artifact("/objects", handle)).await.unwrap();
    let in_part = World::new();
    let handle = in_part.store(rows[1].to_string(), ArtifactKind::Json).await;
    let manifest = upsert(json!([rows[0], null])).with_artifact("/objects/1", handle);
    in_part.perform(&manifest).await.unwrap();
    assert_eq!(inline.storacle.state().tables, stored.storacle.state().tables);
    assert_eq!(inline.storacle.state().tables, in_part.storacle.state().tables);
}

#[tokio::test]
async fn what_changes_is_counted_as_written_and_what_is_equal_is_not() {
    let world = World::new();
    world.perform(&upsert(json!([{"idem_key": "a", "n": 1}, {"idem_key": "b", "n": 1}]))).await.unwrap();
    let mut second = upsert(json!([{"idem_key": "a", "n": 1}, {"idem_key": "b", "n": 2}]));
    second.idempotency_key = "run-2:step".into();
    let success = world.perform(&second).await.unwrap();
    assert_eq!(success.output.value, json!({"inserted": 0, "updated": 1, "unchanged": 1, "total": 2}));
    assert_eq!(success.rows, RowCounts { read: 0, written: 1 });
}

#[tokio::test]
async fn params_reach_the_data_plane_and_have_defaults() {
    let world = World::new();
    world.perform(&upsert(json!([]))).await.unwrap();
    let params = json!({
        "table": TABLE, "objects": [], "idem_key_field": "id", "skip_update_columns": ["created_at"], "on_duplicate": "last",
    });
    let mut second = manifest("write.upsert", params);
    second.idempotency_key = "run-2:step".into();
    world.perform(&second).await.unwrap();
    assert_eq!(
        json!(world.storacle.state().upserts),
        json!([
            {"table": TABLE, "idem_key_field": "idem_key", "skip_update_columns": [], "last_duplicate_wins": false},
            {"table": TABLE, "idem_key_field": "id", "skip_update_columns": ["created_at"], "last_duplicate_wins": true},
        ])
    );
}

#[tokio::test]
async fn a_repeat_says_that_it_is_one() {
    let world = World::new();
    let manifest = upsert(json!([{"idem_key": "a"}]));
    world.perform(&manifest).await.unwrap();
    let success = world.perform(&manifest).await.unwrap();
    assert_eq!(
        success.output.value,
        json!({"inserted": 1, "updated": 0, "unchanged": 0, "total": 1, "repeated": true})
    );
}

#[tokio::test]
async fn a_dry_or_noop_run_counts_the_rows_and_writes_nothing() {
    for mode in [RunMode::DryRun, RunMode::Noop] {
        let mut world = World::new();
        world.mode = mode;
        let handle = world.store(ndjson(3000), ArtifactKind::Rows).await;
        let success = world.perform(&upsert(Value::Null).with_artifact("/objects", handle)).await.unwrap();
        assert_eq!(success.output.value["dry_run"], true);
        assert_eq!(success.output.value["would_write"], 3000);
        assert_eq!(success.rows, RowCounts::default());
        let state = world.storacle.state();
        assert!(state.upserts.is_empty() && state.tables.is_empty() && state.ledger.is_empty());
    }
}

fn interruptions() -> Vec<(StoracleError, &'static str)> {
    vec![
        (StoracleError::Cancelled, "cancelled"),
        (StoracleError::Timeout { message: "x".into() }, "timeout"),
        (StoracleError::Unavailable { message: "x".into() }, "unavailable"),
        (StoracleError::WriteFailed { message: "the commit".into(), retryable: true }, "write_failed"),
    ]
}

#[tokio::test]
async fn a_write_that_broke_off_after_its_commit_has_succeeded() {
    for (error, name) in interruptions() {
        let world = World::new();
        world.storacle.state().next_write_fails = Some(Failure::AfterCommit(error));
        // what stopped the write does not stop the question
        world.cancel.cancel();
        let success = world.perform(&upsert(json!([{"idem_key": "a"}]))).await;
        assert_eq!(success.map(|success| success.output.value["inserted"].clone()), Ok(json!(1)), "{name}");
    }
}

#[tokio::test]
async fn a_write_that_broke_off_before_its_commit_fails_as_it_was_told() {
    for (error, name) in interruptions() {
        let world = World::new();
        let retryable = error.is_retryable();
        world.storacle.state().next_write_fails = Some(Failure::BeforeCommit(error));
        let error = world.perform(&upsert(json!([{"idem_key": "a"}]))).await.unwrap_err();
        assert_eq!((error.error_type.as_str(), error.retryable), (name, retryable));
        assert!(world.storacle.state().tables.is_empty());
    }
}

#[tokio::test]
async fn rows_that_cannot_be_read_to_the_end_fail_the_step_and_write_nothing() {
    let world = World::new();
    let handle = world.store(ndjson(5000), ArtifactKind::Rows).await;
    world.artifacts.damage(handle.sha256, ndjson(4999).as_bytes());
    let error = world.perform(&upsert(Value::Null).with_artifact("/objects", handle)).await.unwrap_err();
    assert_eq!((error.error_type.as_str(), error.retryable), ("artifact_store", false));
    assert!(error.message.contains("is damaged"), "{error}");
    assert!(world.storacle.state().tables.is_empty());
}

#[tokio::test]
async fn a_step_that_is_told_to_stop_reads_no_more_rows() {
    let world = World::new();
    let handle = world.store(ndjson(5000), ArtifactKind::Rows).await;
    world.cancel.cancel();
    let error = world.perform(&upsert(Value::Null).with_artifact("/objects", handle)).await.unwrap_err();
    assert_eq!((error.error_type.as_str(), error.retryable), ("cancelled", false));
    assert!(world.storacle.state().tables.is_empty());
}

#[tokio::test]
async fn a_row_that_is_no_map_is_named() {
    let world = World::new();
    for (objects, expected) in [
        (json!([{}, 7]), "row 2 at '/objects' is not a map"),
        (json!({}), "'/objects' must be a list of rows"),
    ] {
        let error = world.perform(&upsert(objects)).await.unwrap_err();
        assert_eq!((error.error_type.as_str(), error.message.as_str()), ("invalid_params", expected));
    }
}
