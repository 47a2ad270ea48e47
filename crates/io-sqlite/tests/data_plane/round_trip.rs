//! What goes in comes out: values, types, and what does not fit.

use proptest::prelude::*;
use serde_json::{Value, json};
use storacle_client::table::ColumnType::{self, Bool, Date, Float64, Int64, Json, String, Timestamp};
use storacle_client::{StoracleClient, StoracleError, standard_tables};

use crate::support::{Fixture, into, things};

#[tokio::test]
async fn values_of_every_type_come_back_as_they_went_in() {
    let columns = [
        ("text", String),
        ("int", Int64),
        ("float", Float64),
        ("yes", Bool),
        ("at", Timestamp),
        ("day", Date),
        ("json", Json),
    ];
    let fixture = Fixture::declaring(vec![things(&columns)]);
    let rows = [
        json!({"idem_key": "1", "text": "007", "int": i64::MAX, "float": 1.0, "yes": true,
            "at": "2026-01-01T00:00:00.000001Z", "day": "2024-02-29", "json": {"b": [1, 2.5, null], "a": {"é": "\u{1f600}"}}}),
        json!({"idem_key": "2", "text": "", "int": i64::MIN, "float": -1.5e300, "yes": false,
            "at": "0001-01-01T00:00:00.000000Z", "day": "0001-01-01", "json": "a text"}),
        json!({"idem_key": "3", "text": "line\nbreak\u{0}\"\\\u{7f}\u{2028}", "int": 0, "float": 0.1, "yes": null,
            "at": "9999-12-31T23:59:59.999999Z", "day": null, "json": [[], {}, u64::MAX, -0.5, "\n"]}),
        json!({"idem_key": "4", "text": null, "int": null, "float": null, "yes": null, "at": null, "day": null, "json": null}),
        json!({"idem_key": "5", "text": "null", "int": 9_007_199_254_740_993_i64, "float": 5e-324, "yes": true,
            "at": null, "day": null, "json": false}),
    ];
    let counts = fixture.upsert(&into("raw.things"), &rows).await.unwrap();
    assert_eq!((counts.inserted, counts.total), (5, 5));
    let read = fixture.rows("raw.things", "idem_key").await;
    assert_eq!(read, rows);
    assert!(read[0]["float"].is_f64(), "1.0 stays a float");
}

#[tokio::test]
async fn other_forms_of_a_value_are_stored_in_the_one_form() {
    let columns = [("at", Timestamp), ("int", Int64), ("float", Float64), ("json", Json)];
    let fixture = Fixture::declaring(vec![things(&columns)]);
    let rows = [json!({"idem_key": "1", "at": "2021-08-19T12:16:32.000-04:00", "int": 3.0, "float": 3})];
    fixture.upsert(&into("raw.things"), &rows).await.unwrap();
    let read = fixture.rows("raw.things", "idem_key").await;
    assert_eq!(
        read,
        [json!({"idem_key": "1", "at": "2021-08-19T16:16:32.000000Z", "int": 3, "float": 3.0, "json": null})]
    );
    assert!(read[0]["int"].is_i64());
}

#[tokio::test]
async fn a_value_that_does_not_fit_names_row_column_and_value_and_nothing_is_written() {
    for (column_type, value, says) in [
        (String, json!(7), "7 does not fit; 'raw.things' takes STRING"),
        (String, json!(true), "true does not fit"),
        (String, json!({"a": 1}), "a map does not fit"),
        (String, json!([1, [2]]), "a list does not fit"),
        (Int64, json!("7"), "\"7\" does not fit; 'raw.things' takes INT64"),
        (Int64, json!(7.5), "7.5 does not fit"),
        (Int64, json!(9_223_372_036_854_775_808_u64), "9223372036854775808 does not fit"),
        (Int64, json!(1e300), "does not fit"),
        (Int64, json!(true), "true does not fit"),
        (Float64, json!("1.0"), "\"1.0\" does not fit; 'raw.things' takes FLOAT64"),
        (Float64, json!(9_007_199_254_740_993_i64), "9007199254740993 does not fit"),
        (Float64, json!(i64::MAX), "9223372036854775807 does not fit"),
        (Bool, json!(1), "1 does not fit; 'raw.things' takes BOOL"),
        (Bool, json!("true"), "\"true\" does not fit"),
        (
            Timestamp,
            json!("yesterday"),
            "\"yesterday\" does not fit; 'raw.things' takes TIMESTAMP, an RFC 3339",
        ),
        (Timestamp, json!("2026-01-01T00:00:00"), "does not fit"),
        (Timestamp, json!(1_767_225_600), "1767225600 does not fit"),
        (Date, json!("2026-02-29"), "\"2026-02-29\" does not fit; 'raw.things' takes DATE"),
        (Date, json!({"year": 2026}), "a map does not fit"),
    ] {
        let fixture = Fixture::declaring(vec![things(&[("value", column_type)])]);
        let rows =
            [json!({"idem_key": "1"}), json!({"idem_key": "2"}), json!({"idem_key": "3", "value": value})];
        let error = fixture.upsert(&into("raw.things"), &rows).await.unwrap_err();
        assert!(matches!(error, StoracleError::SchemaMismatch { .. }), "{error:?}");
        let error = error.to_string();
        assert!(error.starts_with("row 3, column 'value': "), "{error}");
        assert!(error.contains(says), "{error}");
        assert_eq!(fixture.rows("raw.things", "idem_key").await, Vec::<Value>::new(), "{error}");
    }
}

#[tokio::test]
async fn a_row_that_is_no_object_is_refused_by_its_number() {
    use lorchestra_json::RowBatch;
    use storacle_client::CallMeta;

    let fixture = Fixture::declaring(vec![things(&[("value", Json)])]);
    for (text, says) in [
        ("{\"idem_key\":\"1\"}\n7\n", "row 2 is not a JSON object"),
        ("{\"idem_key\":\"1\"}\n{\"idem_key\":\n", "row 2 is not a JSON object"),
        ("{\"idem_key\":\"1\",\"value\":1e999}\n", "row 1 is not a JSON object"),
        ("{\"idem_key\":\"1\",\"value\":\"\\ud800\"}\n", "row 1 is not a JSON object"),
        ("{\"idem_key\":\"1\",\"idem_key\":\"2\"}\n", "row 1: column 'idem_key' stands there twice"),
    ] {
        let rows = crate::support::batches(vec![RowBatch::from_ndjson(text.as_bytes())]);
        let outcome = fixture.plane.upsert(&CallMeta::default(), &into("raw.things"), rows).await;
        let error = outcome.unwrap_err().to_string();
        assert!(error.starts_with(says), "{error}");
    }
    assert!(fixture.rows("raw.things", "idem_key").await.is_empty());
}

/// Deliveries as a webhook sends them: nested, with nulls, zones, ids beyond 2^32, other scripts.
fn delivery(number: usize) -> Value {
    let event = ["issues", "push", "release", "star", "workflow_run"][number % 5];
    json!({
        "idem_key": format!("github:octo:{event}-{number:03}"),
        "source_system": "github",
        "connection_name": "octo",
        "object_type": event,
        "external_id": format!("{event}-{number:03}"),
        "payload": {
            "id": format!("{event}-{number:03}"),
            "event": event,
            "payload": {
                "action": if number.is_multiple_of(3) { json!(null) } else { json!("edited") },
                "rule": {"id": 21_796_960_000_u64 + number as u64, "created_at": "2021-08-19T12:16:32.000-04:00", "admin_enforced": false},
                "sender": {"login": "Codertocat", "site_admin": false, "name": "Зоя \u{202e} 猫 🐈"},
                "commits": [{"message": "tab\tand \"quotes\"\nand a line", "distinct": true}, {}],
                "head_commit": {"size": 1.0, "ratio": 0.1, "big": u64::MAX},
            },
        },
    })
}

#[tokio::test]
async fn deliveries_come_back_as_they_were_sent() {
    let fixture = Fixture::new();
    let rows: Vec<Value> = (0..329).map(delivery).collect();
    let counts = fixture.upsert(&into(standard_tables::RAW_OBJECTS), &rows).await.unwrap();
    assert_eq!(counts.inserted, 329);
    let read = fixture
        .query(json!({"dataset": "raw", "table": "raw_objects", "columns": ["idem_key", "payload"], "order_by": "external_id"}))
        .await
        .unwrap();
    let mut sent: Vec<Value> =
        rows.iter().map(|row| json!({"idem_key": row["idem_key"], "payload": row["payload"]})).collect();
    sent.sort_by_key(|row| row["payload"]["id"].as_str().unwrap().to_owned());
    assert_eq!(read, sent);
}

#[tokio::test]
async fn a_table_is_described_as_it_was_created() {
    let types: Vec<(std::string::String, ColumnType)> = [String, Int64, Float64, Bool, Timestamp, Date, Json]
        .into_iter()
        .enumerate()
        .map(|(at, column_type)| (format!("c{at}"), column_type))
        .collect();
    let types: Vec<(&str, ColumnType)> = types.iter().map(|(name, of)| (name.as_str(), *of)).collect();
    let fixture = Fixture::declaring(Vec::new());
    for schema in standard_tables::all().into_iter().chain([things(&types)]) {
        assert_eq!(fixture.plane.describe_table(&schema.table).await.unwrap(), None);
        assert!(fixture.plane.create_table(&schema).await.unwrap());
        assert!(!fixture.plane.create_table(&schema).await.unwrap());
        assert_eq!(fixture.plane.describe_table(&schema.table).await.unwrap(), Some(schema));
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has finite numbers", |double| double.is_finite())
            .prop_map(Value::from),
        any::<std::string::String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<std::string::String>(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_rows_of_text_and_json_come_back(
        rows in prop::collection::btree_map(any::<std::string::String>(), (any::<Option<std::string::String>>(), any_json()), 1..20)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let fixture = Fixture::declaring(vec![things(&[("text", String), ("json", Json)])]);
            let rows: Vec<Value> = rows
                .into_iter()
                .map(|(key, (text, json))| json!({"idem_key": key, "text": text, "json": json}))
                .collect();
            fixture.upsert(&into("raw.things"), &rows).await.unwrap();
            prop_assert_eq!(fixture.rows("raw.things", "idem_key").await, rows.clone());
            let again = fixture.upsert(&into("raw.things"), &rows).await.unwrap();
            prop_assert_eq!(again.unchanged, rows.len() as u64);
            Ok(())
        })?;
    }
}
