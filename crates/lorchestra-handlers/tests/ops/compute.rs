//! `compute.transform` and `compute.render`, with programs and templates read by hash.

use lorchestra_core::artifact::ArtifactKind;
use lorchestra_core::catalog::ResourceKind;
use lorchestra_core::handler::RowCounts;
use lorchestra_core::manifest::StepManifest;
use serde_json::{Value, json};

use crate::world::{With, World, manifest};

/// A transform of `program` over what stands at `/input`.
async fn transform(world: &World, program: &str, params: Value) -> StepManifest {
    let stored = world.store(program, ArtifactKind::Resource).await;
    let mut all = json!({"input": null, "transform_ref": "t@1"});
    all.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
    manifest("compute.transform", all).with_resource(ResourceKind::Transform, "t@1", stored.sha256)
}

fn ndjson(count: usize) -> String {
    (0..count).map(|n| format!("{{\"n\":{n}}}\n")).collect()
}

#[tokio::test]
async fn rows_stream_through_the_program_and_keep_their_order() {
    let world = World::new();
    let rows = world.store(ndjson(10_000), ArtifactKind::Rows).await;
    let manifest = transform(&world, "{n: (.n * 2)}", json!({"max_parallel": 3})).await;
    let success = world.perform(&manifest.with_artifact("/input", rows)).await.unwrap();
    assert_eq!(success.output.artifact("/output").unwrap().count, Some(10_000));
    let expected: Vec<Value> = (0..10_000).map(|n| json!({"n": n * 2})).collect();
    assert_eq!(world.rows_at(&success, "/output").await, expected);
    assert_eq!(success.output.value["stats"]["input"], 10_000);
    assert_eq!(success.rows, RowCounts::default());
}

#[tokio::test]
async fn a_row_that_fails_fails_the_step_is_skipped_or_set_aside() {
    let world = World::new();
    let program = "if .n == 1 then error(\"odd one\") else . end";
    let input = json!([{"n": 0}, {"n": 1}, {"n": 2}]);
    let with = |on_error: &str| json!({"input": input, "on_error": on_error});
    let error = world.perform(&transform(&world, program, with("fail")).await).await.unwrap_err();
    assert_eq!((error.error_type.as_str(), error.retryable), ("transform_failed", false));
    assert!(error.message.contains("on row 1"), "{error}");
    let skipped = world.perform(&transform(&world, program, with("skip")).await).await.unwrap().output.value;
    assert_eq!(skipped["output"], json!([{"n": 0}, {"n": 2}]));
    assert_eq!(skipped["stats"]["skipped"], 1);
    assert!(skipped.get("quarantined").is_none());
    let success = world.perform(&transform(&world, program, with("quarantine")).await).await.unwrap();
    assert_eq!(success.output.value["output"], json!([{"n": 0}, {"n": 2}]));
    let aside = world.rows_at(&success, "/quarantined").await;
    assert_eq!((aside.len(), &aside[0]["record"]), (1, &json!({"n": 1})));
}

#[tokio::test]
async fn mode_all_gives_the_whole_list_as_one_input() {
    let world = World::new();
    let params = json!({"input": [{"n": 1}, {"n": 2}], "mode": "all"});
    let success = world.perform(&transform(&world, "{sum: (map(.n) | add)}", params).await).await.unwrap();
    assert_eq!(success.output.value["output"], json!([{"sum": 3}]));
}

#[tokio::test]
async fn a_program_that_the_manifest_does_not_name_is_not_looked_for() {
    let world = World::new();
    let params = json!({"input": [], "transform_ref": "t@1"});
    let error = world.perform(&manifest("compute.transform", params)).await.unwrap_err();
    assert_eq!((error.error_type.as_str(), error.retryable), ("invalid_params", false));
}

#[tokio::test]
async fn input_that_cannot_be_read_keeps_its_own_reason() {
    let world = World::new();
    let rows = world.store(ndjson(5000), ArtifactKind::Rows).await;
    world.artifacts.damage(rows.sha256, b"{\"n\":1}\n");
    let manifest = transform(&world, ".", json!({})).await.with_artifact("/input", rows);
    let error = world.perform(&manifest).await.unwrap_err();
    assert_eq!(error.error_type, "artifact_store");
}

#[tokio::test]
async fn a_template_is_rendered_inline_and_by_reference() {
    let world = World::new();
    let inline = json!({"template": "Hello {{ name }}", "context": {"name": "Ada"}});
    let success = world.perform(&manifest("compute.render", inline)).await.unwrap();
    assert_eq!(success.output.value, json!({"rendered": "Hello Ada"}));
    let stored = world.store("{{ rows | length }} rows", ArtifactKind::Resource).await;
    let rows = world.store(ndjson(2000), ArtifactKind::Rows).await;
    let by_reference =
        manifest("compute.render", json!({"template_ref": "report.md", "context": {"rows": null}}))
            .with_resource(ResourceKind::Template, "report.md", stored.sha256)
            .with_artifact("/context/rows", rows);
    let success = world.perform(&by_reference).await.unwrap();
    assert_eq!(success.output.value["rendered"], "2000 rows");
}

#[tokio::test]
async fn a_name_that_the_context_lacks_fails_the_step_with_its_line() {
    let world = World::new();
    let params = json!({"template": "one\n{{ missing }}"});
    let error = world.perform(&manifest("compute.render", params)).await.unwrap_err();
    assert_eq!((error.error_type.as_str(), error.retryable), ("template_failed", false));
    assert!(error.message.contains(":2"), "{error}");
}
