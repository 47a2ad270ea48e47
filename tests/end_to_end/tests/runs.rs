//! How runs end, are tried again, and are found again.

use std::process::Stdio;

use end_to_end::Sandbox;
use serde_json::Value;

const EXPECT_330: &str = r#"job_id: expect_330
version: "1.0"
params:
  expected: {type: int, default: 330}
steps:
  - step_id: count
    op: storacle.query
    params: {sql: SELECT COUNT(*) AS deliveries FROM raw.raw_objects}
  - step_id: check
    op: assert.rows
    params: {table: raw.raw_objects, expected_count: '@payload.expected'}
"#;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::loaded();
    sandbox.write("jobs/expect_330.yaml", EXPECT_330);
    sandbox
}

fn runs(sandbox: &Sandbox) -> Vec<Value> {
    let list = sandbox.run(&["runs", "list", "--job", "expect_330", "-o", "json"]).with_code(0).json();
    list.as_array().expect("a list of runs").clone()
}

fn run_id(run: &Value) -> &str {
    run["run_id"].as_str().expect("a run has an id")
}

#[test]
fn an_assertion_that_does_not_hold_ends_with_its_own_code() {
    let sandbox = sandbox();
    let told = sandbox.run(&["run", "expect_330"]).with_code(4).stderr;
    for said in ["assertion_failed", "329", "330"] {
        assert!(told.contains(said), "no {said} in\n{told}");
    }
    let runs = runs(&sandbox);
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0]["status"], "failed");
}

#[test]
fn a_retry_keeps_what_completed_and_succeeds_when_the_cause_is_gone() {
    let sandbox = sandbox();
    let _ = sandbox.run(&["run", "expect_330"]).with_code(4);
    let id = run_id(&runs(&sandbox)[0]).to_owned();
    let data = sandbox.read("data/github-webhooks.ndjson");
    sandbox.write(
        "data/github-webhooks.ndjson",
        &format!("{data}{{\"id\": \"new-000\", \"event\": \"new\"}}\n"),
    );
    let _ = sandbox.run(&["load"]).with_code(0);
    let steps = sandbox.run(&["runs", "retry", &id, "-o", "json"]).with_code(0).steps();
    let short: Vec<(&str, &str, u64)> =
        steps.iter().map(|(step, status, tries, ..)| (step.as_str(), status.as_str(), *tries)).collect();
    assert_eq!(short[0], ("count", "completed", 1), "a completed step is kept");
    assert_eq!((short[1].0, short[1].1), ("check", "completed"));
    assert_eq!(runs(&sandbox)[0]["status"], "success");
    let _ = sandbox.run(&["runs", "resume", &id]).with_code(2);
}

#[test]
fn the_same_request_under_one_key_is_one_run_and_another_request_is_refused() {
    let sandbox = sandbox();
    let args = ["run", "expect_330", "-p", "expected=329", "--idempotency-key", "monday"];
    let _ = sandbox.run(&args).with_code(0);
    let again = sandbox.run(&args).with_code(0);
    assert!(again.stderr.contains("exists under this key"), "{}", again.stderr);
    assert_eq!(runs(&sandbox).len(), 1);
    let other = ["run", "expect_330", "-p", "expected=330", "--idempotency-key", "monday"];
    let refused = sandbox.run(&other).with_code(2);
    assert!(refused.stderr.contains("monday"), "{}", refused.stderr);
    assert_eq!(runs(&sandbox).len(), 1);
}

#[test]
fn a_run_is_found_by_the_end_of_its_id_and_an_unknown_one_is_refused() {
    let sandbox = sandbox();
    let _ = sandbox.run(&["run", "expect_330", "-p", "expected=329"]).with_code(0);
    let id = run_id(&runs(&sandbox)[0]).to_owned();
    let shown = sandbox.run(&["runs", "show", &id[id.len() - 12..], "-o", "json"]).with_code(0).json();
    assert_eq!(run_id(&shown["record"]), id);
    let told = sandbox.run(&["runs", "show", "nothing-like-it"]).with_code(2).stderr;
    assert!(told.contains("nothing-like-it"), "{told}");
}

#[test]
fn runs_at_the_same_time_do_not_disturb_each_other() {
    let sandbox = Sandbox::finished();
    let before = sandbox.table("derived.activity_by_kind");
    let children: Vec<_> = (0..4)
        .map(|_| {
            sandbox
                .command(&["run", "measure_activity", "-q"])
                .stdout(Stdio::null())
                .spawn()
                .expect("the binary starts")
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().expect("the process ends");
        assert_eq!(output.status.code(), Some(0));
    }
    assert_eq!(sandbox.table("derived.activity_by_kind"), before);
    let list = sandbox.run(&["runs", "list", "--job", "measure_activity", "-o", "json"]).with_code(0).json();
    let ended = list.as_array().expect("a list of runs").iter().map(|run| run["status"].as_str());
    assert_eq!(ended.collect::<Vec<_>>(), [Some("success"); 5]);
}
