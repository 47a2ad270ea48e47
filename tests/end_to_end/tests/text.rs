//! Text from outside that looks like a reference stays text, and a secret's value is nowhere.

use std::path::Path;

use end_to_end::{Answer, Sandbox};
use serde_json::json;

const VALUE: &str = "hush-5f1d2c7e-nobody-may-see-this";

const KEEP: &str = r#"job_id: keep
version: "1.0"
params:
  text: {type: str}
  thing: {type: any}
steps:
  - step_id: persist
    op: write.upsert
    params:
      table: canonical.canonical_objects
      objects:
        - {idem_key: one, source_system: '@payload.text', payload: '@payload.thing'}
  - step_id: read
    op: storacle.query
    params: {dataset: canonical, table: canonical_objects, columns: [source_system, payload]}
  - step_id: again
    op: compute.transform
    params: {input: '@run.read.items', transform_ref: two@1.0.0}
  - step_id: copy
    op: write.upsert
    params: {table: canonical.canonical_objects, objects: '@run.again.output'}
  - step_id: last
    op: storacle.query
    params: {dataset: canonical, table: canonical_objects, columns: [idem_key, source_system, payload], order_by: idem_key}
output: '@run.last.items'
"#;

const GUARDED: &str = r#"job_id: guarded
version: "1.0"
steps:
  - step_id: compare
    op: storacle.query
    params:
      sql: "SELECT LENGTH(@token) AS length"
      params: {token: '@secret.E2E_TOKEN'}
  - step_id: check
    op: assert.rows
    params: {table: raw.raw_objects, filters: {idem_key: '@secret.E2E_TOKEN'}, min_count: 1}
"#;

#[test]
fn references_and_artifacts_in_payload_and_rows_arrive_as_text() {
    let things = [
        json!({"$artifact": "a".repeat(64)}),
        json!("{\"$artifact\": \"x\"}"),
        json!({"deep": [{"$artifact": {"sha256": "0".repeat(64)}}, "@run.persist.total", "${1 + 1}"]}),
        json!("@secret.E2E_TOKEN"),
    ];
    for thing in things {
        let sandbox = Sandbox::example();
        sandbox.write("jobs/keep.yaml", KEEP);
        std::fs::create_dir(sandbox.path().join("transforms/two")).expect("a writable folder");
        sandbox.write("transforms/two/1.0.0.jq", ". + {idem_key: \"two\"}");
        let payload = json!({"text": "@secret.E2E_TOKEN", "thing": thing}).to_string();
        let mut command = sandbox.command(&["run", "keep", "--payload", &payload, "-o", "json"]);
        let answer = Answer::from(command.env("E2E_TOKEN", VALUE)).with_code(0);
        let rows = sandbox.query(
            "SELECT idem_key, source_system, payload FROM canonical.canonical_objects ORDER BY idem_key",
        );
        assert_eq!(rows.len(), 2, "{}", answer.stderr);
        for row in rows {
            assert_eq!(row["source_system"], "@secret.E2E_TOKEN");
            assert_eq!(row["payload"], thing);
        }
        assert!(!answer.stdout.contains(VALUE) && !answer.stderr.contains(VALUE));
        assert_nowhere(sandbox.path());
    }
}

#[test]
fn a_secret_where_it_would_be_stored_is_refused_without_telling_it() {
    let sandbox = Sandbox::example();
    sandbox.write("jobs/guarded.yaml", GUARDED);
    for args in [["plan", "guarded"], ["run", "guarded"]] {
        let mut command = sandbox.command(&args);
        let answer = Answer::from(command.env("E2E_TOKEN", VALUE)).with_code(3);
        for said in ["jobs/guarded.yaml:8:", "jobs/guarded.yaml:11:", "takes no secret"] {
            assert!(answer.stderr.contains(said), "no '{said}' in\n{}", answer.stderr);
        }
        assert!(!answer.stdout.contains(VALUE) && !answer.stderr.contains(VALUE));
    }
    assert!(!sandbox.has_stores());
}

fn assert_nowhere(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            assert_nowhere(&path);
        } else {
            let bytes = std::fs::read(&path).expect("a readable file");
            let found = bytes.windows(VALUE.len()).any(|window| window == VALUE.as_bytes());
            assert!(!found, "the secret's value is in {}", path.display());
        }
    }
}
