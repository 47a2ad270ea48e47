//! The example from its data to its report, and what a second run does.

use end_to_end::{JOBS, Sandbox};
use serde_json::Value;

const DATA: &str = "data/github-webhooks.ndjson";

#[test]
fn the_report_lists_every_delivery_and_canonical_has_a_row_for_each() {
    let sandbox = Sandbox::example();
    let load = sandbox.run(&["load"]).with_code(0);
    assert!(load.stdout.contains("329 rows: 329 inserted, 0 updated, 0 unchanged"), "{}", load.stdout);
    for job in &JOBS[..2] {
        let _ = sandbox.run(&["run", job]).with_code(0);
    }
    let report = sandbox.run(&["run", JOBS[2]]).with_code(0).stdout;

    let ids = delivery_ids(&sandbox);
    assert_eq!(ids.len(), 329);
    let missing: Vec<&String> = ids.iter().filter(|id| !report.contains(&format!("\n| {id} |"))).collect();
    assert!(missing.is_empty(), "not in the report: {missing:?}");
    assert!(report.contains("329 deliveries of 58 kinds."), "{report}");
    assert_eq!(sandbox.table("canonical.canonical_objects").len(), 329);
    let counted = &sandbox.query("SELECT SUM(deliveries) AS deliveries FROM derived.activity_by_kind")[0];
    assert_eq!(counted["deliveries"], 329);
}

#[test]
fn a_second_run_processes_nothing_and_says_so() {
    let sandbox = Sandbox::finished();
    let before = sandbox.table("canonical.canonical_objects");
    let again = sandbox.run(&["run", JOBS[0], "-o", "json"]).with_code(0);
    assert_eq!(moved(&again.steps()), [("read", 0, 0), ("canonize", 0, 0), ("persist", 0, 0)]);
    assert_eq!(sandbox.table("canonical.canonical_objects"), before);
    let load = sandbox.run(&["load"]).with_code(0);
    assert!(load.stdout.contains("329 rows: 0 inserted, 0 updated, 329 unchanged"), "{}", load.stdout);
    let after_load = sandbox.run(&["run", JOBS[0], "-o", "json"]).with_code(0);
    assert_eq!(moved(&after_load.steps()), [("read", 0, 0), ("canonize", 0, 0), ("persist", 0, 0)]);
}

#[test]
fn one_changed_payload_processes_exactly_that_row() {
    let sandbox = Sandbox::finished();
    let before = sandbox.table("canonical.canonical_objects");
    change_one_title(&sandbox);
    let load = sandbox.run(&["load"]).with_code(0);
    assert!(load.stdout.contains("329 rows: 0 inserted, 1 updated, 328 unchanged"), "{}", load.stdout);

    let run = sandbox.run(&["run", JOBS[0], "-o", "json"]).with_code(0);
    assert_eq!(moved(&run.steps())[0], ("read", 1, 0));
    assert_eq!(moved(&run.steps())[2].2, 1, "{:?}", run.steps());
    let after = sandbox.table("canonical.canonical_objects");
    let changed: Vec<&String> = after.iter().filter(|row| !before.contains(row)).collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert!(changed[0].contains("examples:webhook:issues-000#activity"), "{changed:?}");
    assert!(changed[0].contains("A title of another day"), "{changed:?}");
    assert_eq!(after.len(), 329);
}

#[test]
fn a_dry_run_reads_and_computes_but_writes_nothing() {
    let sandbox = Sandbox::finished();
    change_one_title(&sandbox);
    let _ = sandbox.run(&["load"]).with_code(0);
    let before = sandbox.table("canonical.canonical_objects");
    let dry = sandbox.run(&["run", JOBS[0], "--dry-run", "-o", "json"]).with_code(0);
    assert_eq!(moved(&dry.steps())[0], ("read", 1, 0));
    assert_eq!(sandbox.table("canonical.canonical_objects"), before);
    let real = sandbox.run(&["run", JOBS[0], "-o", "json"]).with_code(0);
    assert_eq!(moved(&real.steps())[0], ("read", 1, 0), "a dry run must not count as processed");
}

#[test]
fn a_kind_that_is_no_more_is_not_in_the_report() {
    let sandbox = Sandbox::finished();
    sandbox.edit(
        DATA,
        r#"{"id":"issues-000","event":"issues","payload":{"action":"#,
        r#"{"id":"issues-000","event":"issues","payload":{"action":"hid","was":"#,
    );
    let _ = sandbox.run(&["load"]).with_code(0);
    let first = sandbox.query("SELECT COUNT(*) AS count FROM derived.activity_by_kind")[0]["count"].clone();
    for job in &JOBS[..2] {
        let _ = sandbox.run(&["run", job]).with_code(0);
    }
    let counted = sandbox.query(
        "SELECT SUM(deliveries) AS deliveries FROM derived.activity_by_kind \
         WHERE measured_at = (SELECT MAX(measured_at) FROM derived.activity_by_kind)",
    );
    assert_eq!(
        counted[0]["deliveries"], 329,
        "one measuring counts each delivery once; rows before: {first}"
    );
    let report = sandbox.run(&["run", JOBS[2]]).with_code(0).stdout;
    assert!(report.contains("| issues | hid | 1 |"), "{report}");
}

fn delivery_ids(sandbox: &Sandbox) -> Vec<String> {
    let id = |line: &str| {
        let delivery: Value = serde_json::from_str(line).expect("the data is NDJSON");
        delivery["id"].as_str().expect("a delivery has an id").to_owned()
    };
    sandbox.read(DATA).lines().map(id).collect()
}

fn change_one_title(sandbox: &Sandbox) {
    let data = sandbox.read(DATA);
    let lines: Vec<String> = data
        .lines()
        .map(|line| {
            let mut delivery: Value = serde_json::from_str(line).expect("the data is NDJSON");
            if delivery["id"] != "issues-000" {
                return line.to_owned();
            }
            delivery["payload"]["issue"]["title"] = "A title of another day".into();
            delivery.to_string()
        })
        .collect();
    sandbox.write(DATA, &(lines.join("\n") + "\n"));
}

/// Read and written rows of the three steps that move rows.
fn moved(steps: &[(String, String, u64, u64, u64)]) -> Vec<(&str, u64, u64)> {
    let all = steps.iter().map(|(step, _, _, read, written)| (step.as_str(), *read, *written));
    // only `read` reads from a store and only `persist` writes to one
    all.take(3)
        .map(|(step, read, written)| match step {
            "canonize" => (step, read.min(1), written),
            "persist" => (step, 0, written),
            _ => (step, read, written),
        })
        .collect()
}
