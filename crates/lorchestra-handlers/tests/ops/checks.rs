//! What compiling refuses, by the rules that go across params.

use serde_json::{Value, json};

/// What the check of `op` says of `params`, with nothing or `late` known only at dispatch.
fn told(op: &str, params: &Value, late: &[&str]) -> String {
    let spec = lorchestra_handlers::ops().into_iter().find(|spec| spec.name == op).unwrap();
    let late: Vec<String> = late.iter().map(|at| (*at).to_owned()).collect();
    let problems = spec.check.map(|check| check(params, &late)).unwrap_or_default();
    let problems: Vec<String> = problems
        .iter()
        .map(|problem| {
            let help = problem.help.as_ref().map(|help| format!(" (help: {help})")).unwrap_or_default();
            format!("  {}: {}{help}", problem.at, problem.message)
        })
        .collect();
    format!("{op} {params} late {late:?}\n{}", problems.join("\n"))
}

#[test]
fn params_that_contradict_each_other_are_refused_with_their_place() {
    let query = "storacle.query";
    let cases = [
        (query, json!({"table": "t"})),
        (query, json!({"dataset": "raw", "table": "t", "params": {"a": 1}})),
        (query, json!({"dataset": "raw", "sql": "SELECT 1", "limit": 3})),
        (query, json!({"sql": "SELECT @a", "params": {"b": 1}})),
        (query, json!({"sql": "DELETE FROM raw.t"})),
        (query, json!({"sql": {"bigquery": "SELECT 1", "oracle": "SELECT 1 FROM dual"}})),
        (query, json!({"sql": {"sqlite": 7}})),
        (
            query,
            json!({"dataset": "raw", "table": "t", "filters": [{"column": "a", "op": "LIKE", "value": "x"}]}),
        ),
        ("write.upsert", json!({"table": "objects", "idem_key_field": "a b", "skip_update_columns": ["x;"]})),
        ("assert.rows", json!({"table": "a.b"})),
        ("assert.rows", json!({"table": "a.b", "expected_count": 1, "max_count": 2})),
        ("assert.rows", json!({"table": "a.b", "min_count": 3, "max_count": 2})),
        ("assert.rows", json!({"table": "a.b", "min_count": 3, "filters": {"a b": 1}})),
        ("assert.unique", json!({"table": "a.b", "columns": []})),
        ("assert.unique", json!({"table": "a.b.c", "columns": ["a-b"]})),
        ("assert.schema", json!({"table": "b", "expected_columns": []})),
        ("compute.transform", json!({"mode": "all", "on_error": "skip"})),
        ("compute.render", json!({})),
        ("compute.render", json!({"template": "x", "template_ref": "y.md"})),
    ];
    let cases: Vec<String> = cases.iter().map(|(op, params)| told(op, params, &[])).collect();
    assert!(cases.iter().all(|case| case.lines().count() > 1), "{}", cases.join("\n"));
    insta::assert_snapshot!(cases.join("\n"));
}

#[test]
fn what_is_right_or_not_known_yet_passes() {
    let query = "storacle.query";
    for (op, params, late) in [
        (query, json!({"dataset": "raw", "table": "t", "sql": null, "params": null}), vec![]),
        (query, json!({"dataset": "raw", "table": "t", "limit": null}), vec!["/limit"]),
        (query, json!({"sql": "SELECT @a", "params": {"a": null}}), vec!["/params/a"]),
        (query, json!({"sql": "SELECT @a", "params": null}), vec!["/params"]),
        (query, json!({"sql": "SELECT 1", "limit": null}), vec![]),
        ("assert.rows", json!({"table": "a.b", "expected_count": null}), vec!["/expected_count"]),
        ("assert.rows", json!({"table": "a.b", "expected_count": 1, "min_count": null}), vec![]),
        ("assert.rows", json!({"table": "a.b", "min_count": 1, "filters": null}), vec!["/filters"]),
        ("compute.render", json!({"template": "x", "template_ref": null}), vec![]),
        ("write.upsert", json!({"table": "a.b", "objects": null}), vec!["/objects"]),
    ] {
        let told = told(op, &params, &late);
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}
