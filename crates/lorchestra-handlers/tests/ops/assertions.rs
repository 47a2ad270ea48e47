//! `assert.*`: what does not hold fails the step, unless it only warns.

use serde_json::{Value, json};
use storacle_client::{RowsAssertion, SchemaAssertion, SchemaMismatch, UniqueAssertion};

use crate::world::{World, manifest};

/// Each assertion: its op and params, told to hold or not.
fn told(world: &World, passed: bool) -> Vec<(&'static str, Value, &'static str)> {
    let mut state = world.storacle.state();
    state.rows_found =
        Some(RowsAssertion { passed, actual_count: 3, message: "a.b has 3 rows, expected 4".into() });
    state.schema_found = Some(SchemaAssertion {
        passed,
        missing: vec!["id".into()],
        extra: vec!["more".into()],
        mismatched: vec![SchemaMismatch {
            name: "n".into(),
            expected: "INT64".into(),
            actual: "STRING".into(),
        }],
    });
    state.duplicates_found =
        Some(UniqueAssertion { passed, duplicate_count: 1, samples: vec![json!({"id": 1, "count": 2})] });
    vec![
        ("assert.rows", json!({"table": "a.b", "expected_count": 4}), "a.b has 3 rows, expected 4"),
        (
            "assert.schema",
            json!({"table": "a.b", "expected_columns": [{"name": "id", "type": "INT64"}]}),
            "a.b: missing id; unexpected more; n is STRING, not INT64",
        ),
        (
            "assert.unique",
            json!({"table": "a.b", "columns": ["id"]}),
            "a.b: 1 values of (id) occur more than once, such as {\"count\":2,\"id\":1}",
        ),
    ]
}

#[tokio::test]
async fn what_does_not_hold_fails_the_step_for_good_and_says_why() {
    let world = World::new();
    for (op, params, message) in told(&world, false) {
        let error = world.perform(&manifest(op, params)).await.unwrap_err();
        assert_eq!((error.error_type.as_str(), error.retryable), ("assertion_failed", false), "{op}");
        assert_eq!(error.message, message);
        assert_eq!(error.metadata["passed"], false, "{op}");
    }
}

#[tokio::test]
async fn what_only_warns_is_recorded() {
    let world = World::new();
    for (op, mut params, _) in told(&world, false) {
        params["severity"] = json!("warn");
        assert_eq!(world.perform(&manifest(op, params)).await.unwrap().output.value["passed"], false, "{op}");
    }
}

#[tokio::test]
async fn what_holds_is_the_output() {
    let world = World::new();
    for (op, params, _) in told(&world, true) {
        assert_eq!(world.perform(&manifest(op, params)).await.unwrap().output.value["passed"], true, "{op}");
    }
}
