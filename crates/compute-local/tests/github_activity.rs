//! The transform and the template of `examples/github-activity` over all its deliveries.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helpers")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use compute_client::{CallMeta, LocalCompute, RenderRequest, TransformRequest};
use compute_local::{LocalComputeEngine, check_template, check_transform, readers};
use serde_json::{Value, json};
use support::{block_on, input, request, transform};

fn example_file(name: &str) -> Vec<u8> {
    let example = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/github-activity");
    std::fs::read(example.join(name)).unwrap()
}

fn example_text(name: &str) -> String {
    String::from_utf8(example_file(name)).unwrap()
}

/// The deliveries as rows of raw.raw_objects.
fn raw_objects() -> Vec<Value> {
    let file = example_file("data/github-webhooks.ndjson");
    let batches = readers::ndjson(file.as_slice(), readers::DEFAULT_MAX_ROW_BYTES);
    let deliveries = batches.flat_map(|batch| batch.unwrap().rows::<Value>().collect::<Vec<_>>());
    let raw_object = |delivery: Value| {
        let id = delivery["id"].as_str().unwrap();
        json!({
            "idem_key": format!("github:webhooks:delivery:{id}"),
            "source_system": "github",
            "connection_name": "webhooks",
            "object_type": "delivery",
            "external_id": id,
            "payload": delivery,
        })
    };
    deliveries.map(|delivery| raw_object(delivery.unwrap())).collect()
}

fn canonize(rows: &[Value]) -> Vec<Value> {
    let request = TransformRequest {
        reference: "github/activity@1.0.0".into(),
        max_parallel: NonZeroUsize::new(4).unwrap(),
        ..request(&example_text("transforms/github/activity/1.0.0.jq"))
    };
    let output = transform(&LocalComputeEngine::default(), request, input(rows, 1024)).unwrap();
    assert_eq!(output.stats.input, rows.len() as u64);
    output.rows
}

#[test]
fn every_delivery_becomes_one_activity() {
    let raw = raw_objects();
    let activities = canonize(&raw);
    assert_eq!((raw.len(), activities.len()), (329, 329));
    let mut keys = BTreeSet::new();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (raw, activity) in raw.iter().zip(&activities) {
        let payload = &activity["payload"];
        assert_eq!(activity["idem_key"], format!("{}#activity", raw["idem_key"].as_str().unwrap()));
        assert_eq!(activity["object_type"], raw["object_type"]);
        assert_eq!(payload["kind"], raw["payload"]["event"]);
        assert_eq!(payload["delivery"], raw["external_id"]);
        assert!(payload["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{payload}");
        assert!(keys.insert(activity["idem_key"].to_string()));
        let text = |name: &str| payload[name].as_str().unwrap_or("-").to_owned();
        *counts.entry(format!("{} {}", text("kind"), text("action"))).or_default() += 1;
    }
    let kinds: BTreeSet<&str> = counts.keys().filter_map(|key| key.split(' ').next()).collect();
    assert_eq!(kinds.len(), 58);
    let counts: Vec<String> = counts.iter().map(|(key, count)| format!("{count:>3} {key}")).collect();
    insta::assert_snapshot!("counts", counts.join("\n"));
}

#[test]
fn each_dedicated_kind_has_its_shape_and_the_others_fall_back() {
    let activities = canonize(&raw_objects());
    for delivery in [
        "issues-000",
        "pull_request-003",
        "push-004",
        "release-000",
        "star-000",
        "workflow_run-001",
        "check_run-000",
        "security_advisory-000",
    ] {
        let activity =
            activities.iter().find(|activity| activity["payload"]["delivery"] == delivery).unwrap();
        insta::assert_json_snapshot!(delivery, activity);
    }
}

#[test]
fn times_are_utc_or_null() {
    for activity in canonize(&raw_objects()) {
        let payload = &activity["payload"];
        match &payload["occurred_at"] {
            Value::Null => {}
            Value::String(at) => {
                assert!(at.starts_with("20") && at.ends_with('Z') && at.len() >= 20, "{payload}")
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_delivery_without_the_usual_fields_gives_nulls() {
    let dedicated = ["issues", "pull_request", "push", "release", "star", "workflow_run"];
    let of = |event: &Value, payload: &Value| {
        json!({"idem_key": "k", "source_system": "github", "connection_name": "c", "object_type": "o",
               "payload": {"id": "d", "event": event, "payload": payload}})
    };
    let mut rows = Vec::new();
    for event in dedicated.iter().map(|event| json!(event)).chain([json!("new_kind"), json!(null), json!(7)])
    {
        for payload in
            [json!({}), json!(null), json!([1]), json!("text"), json!({"sender": 1, "repository": []})]
        {
            rows.push(of(&event, &payload));
        }
        let broken = json!({"issue": "x", "pull_request": [], "release": 1, "workflow_run": true, "commits": 1,
                            "head_commit": "x", "star": 1, "new_kind": [], "ref": 5, "action": {}});
        rows.push(of(&event, &broken));
    }
    let activities = canonize(&rows);
    assert_eq!(activities.len(), rows.len());
    assert!(activities.iter().all(|activity| activity["payload"]["repository"].is_null()));
    assert!(activities.iter().all(|activity| activity["payload"]["occurred_at"].is_null()));
}

#[test]
fn the_report_lists_every_delivery_in_its_table() {
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    let deliveries: Vec<Value> = canonize(&raw_objects())
        .iter()
        .map(|activity| {
            let payload = &activity["payload"];
            let text = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
            *counts.entry((text("kind"), text("action"))).or_default() += 1;
            json!({"id": payload["delivery"], "kind": payload["kind"], "action": payload["action"],
                   "repository": payload["repository"], "actor": payload["actor"],
                   "occurred_at": payload["occurred_at"], "summary": payload["summary"]})
        })
        .collect();
    let summary: Vec<Value> = counts
        .into_iter()
        .map(|((kind, action), count)| json!({"kind": kind, "action": action, "count": count}))
        .collect();
    let report = render(json!({"summary": summary, "deliveries": deliveries}));
    for delivery in &deliveries {
        let cell = format!("\n| {} | ", delivery["id"].as_str().unwrap());
        assert_eq!(report.matches(&cell).count(), 1, "{cell}");
    }
    let columns = |line: &str| line.replace("\\|", "").matches('|').count();
    let table = report.split_once("## Deliveries").unwrap().1;
    let rows: Vec<&str> = table.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(rows.len(), 329 + 2);
    assert!(rows.iter().all(|row| columns(row) == 8));
    let head: Vec<&str> = report.lines().take(20).chain(rows.into_iter().take(12)).collect();
    insta::assert_snapshot!("report_head", head.join("\n"));
}

#[test]
fn no_text_breaks_out_of_a_cell_of_the_report() {
    let row = json!({"id": "a|b", "kind": "k", "action": null, "repository": null, "actor": "x\\|y",
                     "occurred_at": null, "summary": "one\r\ntwo | <script>"});
    let report = render(json!({"summary": [], "deliveries": [row]}));
    assert!(report.ends_with("\n| a\\|b | k |  |  | x\\\\\\|y |  | one two \\| &lt;script> |"), "{report}");
}

#[test]
fn the_files_of_the_example_pass_the_checks() {
    assert_eq!(check_transform(&example_text("transforms/github/activity/1.0.0.jq")), Ok(()));
    assert_eq!(check_template("report.md", &example_text("templates/report.md")), Ok(()));
}

fn render(context: Value) -> String {
    let request =
        RenderRequest { template: example_text("templates/report.md"), name: "report.md".into(), context };
    let rendered = block_on(LocalComputeEngine::default().render(&CallMeta::default(), request)).unwrap();
    assert_eq!(rendered.subject, None);
    rendered.rendered
}
