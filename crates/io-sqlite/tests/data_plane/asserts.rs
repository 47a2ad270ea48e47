//! The assertions: what holds, what does not, and in which words.

use serde_json::{Value, json};
use storacle_client::table::ColumnType::{Int64, String};
use storacle_client::{
    AssertRowsSpec, AssertSchemaSpec, AssertUniqueSpec, CallMeta, ExpectedColumn, StoracleClient,
    StoracleError,
};

use crate::support::{Fixture, into, things};

async fn filled() -> Fixture {
    let fixture = Fixture::declaring(vec![things(&[("name", String), ("size", Int64)])]);
    let rows = [
        json!({"idem_key": "a", "name": "x", "size": 1}),
        json!({"idem_key": "b", "name": "x", "size": 1}),
        json!({"idem_key": "c", "name": "x", "size": 2}),
        json!({"idem_key": "d", "name": null, "size": 3}),
        json!({"idem_key": "e", "name": null, "size": 3}),
        json!({"idem_key": "f", "name": null, "size": 3}),
    ];
    fixture.upsert(&into("raw.things"), &rows).await.unwrap();
    fixture
}

fn rows(filters: Value, bounds: [Option<u64>; 3]) -> AssertRowsSpec {
    let [expected_count, min_count, max_count] = bounds;
    AssertRowsSpec { table: "raw.things".into(), filters, expected_count, min_count, max_count }
}

#[tokio::test]
async fn rows_are_counted_and_the_count_is_judged() {
    let fixture = filled().await;
    for (spec, passed, message) in [
        (rows(json!(null), [Some(6), None, None]), true, "'raw.things' has 6 such rows, as expected"),
        (
            rows(json!({"name": "x"}), [Some(2), None, None]),
            false,
            "'raw.things' has 3 such rows, expected exactly 2",
        ),
        (
            rows(json!({"name": null}), [None, Some(3), Some(3)]),
            true,
            "'raw.things' has 3 such rows, as expected",
        ),
        (
            rows(json!([{"column": "size", "op": ">", "value": 1}]), [None, Some(5), None]),
            false,
            "'raw.things' has 4 such rows, expected at least 5",
        ),
        (rows(json!({}), [None, None, Some(5)]), false, "'raw.things' has 6 such rows, expected at most 5"),
        (
            rows(json!({"name": "nobody"}), [Some(0), None, None]),
            true,
            "'raw.things' has 0 such rows, as expected",
        ),
    ] {
        let found = fixture.plane.assert_rows(&CallMeta::default(), &spec).await.unwrap();
        assert_eq!((found.passed, found.message.as_str()), (passed, message));
    }
    for (spec, says) in [
        (
            rows(json!(null), [None, None, None]),
            "one of expected_count, min_count and max_count must be given",
        ),
        (rows(json!([{"column": "size", "op": "LIKE", "value": 1}]), [Some(1), None, None]), "LIKE"),
        (rows(json!({"siz": 1}), [Some(1), None, None]), "has no column 'siz'; closest: size"),
    ] {
        let error = fixture.plane.assert_rows(&CallMeta::default(), &spec).await.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[tokio::test]
async fn columns_are_compared_by_name_type_and_nullability() {
    let fixture = filled().await;
    let column = |name: &str, column_type: &str, nullable| ExpectedColumn {
        name: name.into(),
        column_type: column_type.into(),
        nullable,
    };
    let mut spec = AssertSchemaSpec {
        table: "raw.things".into(),
        expected_columns: vec![
            column("idem_key", "string", Some(false)),
            column("name", "STRING", Some(true)),
            column("size", "INT64", None),
        ],
        allow_extra: false,
    };
    assert!(fixture.plane.assert_schema(&CallMeta::default(), &spec).await.unwrap().passed);

    spec.expected_columns = vec![
        column("idem_key", "JSON", None),
        column("size", "INT64", Some(false)),
        column("colour", "STRING", None),
    ];
    let found = fixture.plane.assert_schema(&CallMeta::default(), &spec).await.unwrap();
    assert_eq!(
        serde_json::to_value(found).unwrap(),
        json!({"passed": false, "missing": ["colour"], "extra": ["name"], "mismatched": [
            {"name": "idem_key", "expected": "JSON", "actual": "STRING"},
            {"name": "size", "expected": "INT64 NOT NULL", "actual": "INT64 NULL"},
        ]})
    );

    spec.expected_columns = vec![column("size", "INT64", None)];
    spec.allow_extra = true;
    assert!(fixture.plane.assert_schema(&CallMeta::default(), &spec).await.unwrap().passed);

    spec.expected_columns = vec![column("size", "INTEGER", None)];
    let error = fixture.plane.assert_schema(&CallMeta::default(), &spec).await.unwrap_err().to_string();
    assert!(error.starts_with("column 'size': there is no type 'INTEGER'"), "{error}");
}

#[tokio::test]
async fn duplicates_are_counted_and_shown_most_frequent_first() {
    let fixture = filled().await;
    let unique = |columns: &[&str]| AssertUniqueSpec {
        table: "raw.things".into(),
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
    };
    let judge =
        async |columns: &[&str]| fixture.plane.assert_unique(&CallMeta::default(), &unique(columns)).await;
    assert!(judge(&["idem_key"]).await.unwrap().passed);
    let found = judge(&["name", "size"]).await.unwrap();
    assert_eq!((found.passed, found.duplicate_count), (false, 2));
    assert_eq!(
        found.samples,
        [json!({"name": null, "size": 3, "count": 3}), json!({"name": "x", "size": 1, "count": 2})]
    );
    assert!(judge(&["nam"]).await.unwrap_err().to_string().contains("closest: name"));
    assert!(judge(&[]).await.unwrap_err().to_string().contains("at least one column"));
}

#[tokio::test]
async fn an_assertion_on_a_table_that_is_not_there_is_an_error() {
    let fixture = filled().await;
    let spec = AssertUniqueSpec { table: "raw.other".into(), columns: vec!["a".into()] };
    let outcome = fixture.plane.assert_unique(&CallMeta::default(), &spec).await;
    assert!(matches!(outcome, Err(StoracleError::NotFound { .. })), "{outcome:?}");
}
