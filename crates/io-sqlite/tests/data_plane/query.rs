//! Queries of the DSL on rows.

use serde_json::{Value, json};
use storacle_client::table::ColumnType::{Bool, Float64, Int64, Json, String, Timestamp};
use storacle_client::{QuerySpec, StoracleClient, StoracleError, standard_tables};

use crate::support::{Fixture, into, things};

async fn filled() -> Fixture {
    let columns =
        [("n", Int64), ("f", Float64), ("yes", Bool), ("at", Timestamp), ("text", String), ("json", Json)];
    let fixture = Fixture::declaring(vec![things(&columns)]);
    let rows: Vec<Value> = (0..5)
        .map(|n| {
            json!({"idem_key": format!("k{n}"), "n": n, "f": f64::from(n) / 2.0, "yes": n % 2 == 0,
                "at": format!("2026-01-0{}T00:00:00Z", n + 1),
                "text": if n == 3 { json!(null) } else { json!(format!("{{\"n\":{n}}}")) }, "json": {"n": n}})
        })
        .collect();
    fixture.upsert(&into("raw.things"), &rows).await.unwrap();
    fixture
}

async fn keys(fixture: &Fixture, more: Value) -> Vec<Value> {
    let mut params = json!({"dataset": "raw", "table": "things", "columns": ["idem_key"]});
    params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let rows = fixture.query(params).await.unwrap();
    rows.iter().map(|row| row["idem_key"].clone()).collect()
}

#[tokio::test]
async fn filters_order_and_limit_choose_rows() {
    let fixture = filled().await;
    for (more, expected) in [
        (json!({"filters": {"n": 3}}), vec!["k3"]),
        (json!({"filters": {"yes": true}}), vec!["k0", "k2", "k4"]),
        (json!({"filters": {"text": null}}), vec!["k3"]),
        (
            json!({"filters": [{"column": "n", "op": ">=", "value": 1}, {"column": "f", "op": "<", "value": 1.5}]}),
            vec!["k1", "k2"],
        ),
        (json!({"filters": {"n": "3"}}), vec!["k3"]),
        (json!({"filters": [{"column": "at", "op": ">", "value": "2026-01-04T01:00:00+01:00"}]}), vec!["k4"]),
        (json!({"filters": [{"column": "at", "op": "<=", "value": "2026-01-02"}]}), vec!["k0", "k1"]),
        (json!({"filters": {"idem_key": "k1' OR '1'='1"}}), vec![]),
        (json!({"order_by": "n DESC", "limit": 2}), vec!["k4", "k3"]),
        (json!({"limit": 2}), vec!["k0", "k1"]),
    ] {
        assert_eq!(keys(&fixture, more.clone()).await, expected, "{more}");
    }
}

#[tokio::test]
async fn aggregates_and_parsed_json_come_out_typed() {
    let fixture = filled().await;
    let read = fixture
        .query(json!({"dataset": "raw", "table": "things",
            "columns": ["COUNT(*) AS n", "MAX(at) AS newest", "SUM(n) AS sum", "AVG(f) AS mean"]}))
        .await
        .unwrap();
    assert_eq!(read, [json!({"n": 5, "newest": "2026-01-05T00:00:00.000000Z", "sum": 10, "mean": 1.0})]);
    let read = fixture
        .query(json!({"dataset": "raw", "table": "things", "columns": ["text", "json"],
            "parse_json_columns": ["text", "json"], "order_by": "n", "limit": 1}))
        .await
        .unwrap();
    assert_eq!(read, [json!({"text": {"n": 0}, "json": {"n": 0}})]);
}

#[tokio::test]
async fn text_that_is_no_json_is_named_when_it_should_be_parsed() {
    let fixture = filled().await;
    let error = fixture
        .query(json!({"dataset": "raw", "table": "things", "columns": ["idem_key"],
            "parse_json_columns": ["idem_key"], "order_by": "n"}))
        .await
        .unwrap_err();
    assert!(
        error.to_string().starts_with("row 1 of the result, column 'idem_key': its text is no JSON"),
        "{error}"
    );
}

#[tokio::test]
async fn what_does_not_exist_is_named_with_what_does() {
    let fixture = filled().await;
    let incremental = |target: &str, key: &str| {
        json!({"dataset": "raw", "table": "things", "incremental": {"target_dataset": "raw", "target_table": target,
            "source_key": "idem_key", "target_key": key, "mode": "not_exists"}})
    };
    for (params, says) in [
        (json!({"dataset": "raw", "table": "thing"}), "there is no table 'raw.thing'; closest: raw.things"),
        (
            json!({"dataset": "raw", "table": "things", "columns": ["nn"]}),
            "'raw.things' has no column 'nn'; closest: n; columns: idem_key, n, f",
        ),
        (
            json!({"dataset": "raw", "table": "things", "filters": {"txt": 1}}),
            "'raw.things' has no column 'txt'; closest: text",
        ),
        (incremental("thinks", "idem_key"), "there is no table 'raw.thinks'; closest: raw.things"),
        (incremental("things", "idem_kay"), "'raw.things' has no column 'idem_kay'; closest: idem_key"),
    ] {
        let error = fixture.query(params).await.unwrap_err();
        assert!(matches!(error, StoracleError::NotFound { .. }), "{error:?}");
        assert!(error.to_string().starts_with(says), "{error}");
    }
    let filters = json!([{"column": "at", "op": ">", "value": "noon"}]);
    let error =
        fixture.query(json!({"dataset": "raw", "table": "things", "filters": filters})).await.unwrap_err();
    assert!(error.to_string().starts_with("the filter on 'at': \"noon\" is no TIMESTAMP"), "{error}");
}

#[tokio::test]
async fn a_declared_table_that_nobody_wrote_to_is_empty() {
    let fixture = Fixture::new();
    assert!(fixture.query(json!({"dataset": "raw", "table": "raw_objects"})).await.unwrap().is_empty());
    let rows = fixture.sql("SELECT COUNT(*) AS n FROM canonical.canonical_objects", json!({})).await.unwrap();
    assert_eq!(rows, [json!({"n": 0})]);
}

async fn unprocessed(fixture: &Fixture, mode: &str) -> Vec<Value> {
    let mut incremental = json!({"target_dataset": "canonical", "target_table": "canonical_objects",
        "source_key": "idem_key", "target_key": "idem_key", "mode": mode, "join_key_suffix": "v1"});
    if mode == "left_anti" {
        incremental["source_ts"] = json!("last_seen");
        incremental["target_ts"] = json!("canonicalized_at");
    }
    let rows = fixture
        .query(
            json!({"dataset": "raw", "table": "raw_objects", "columns": ["idem_key"], "order_by": "idem_key",
            "limit": 10, "incremental": incremental}),
        )
        .await
        .unwrap();
    rows.iter().map(|row| row["idem_key"].clone()).collect()
}

#[tokio::test]
async fn incremental_queries_give_new_rows_and_changed_ones() {
    let fixture = Fixture::new();
    let raw = into(standard_tables::RAW_OBJECTS);
    let canonical = into(standard_tables::CANONICAL_OBJECTS);
    let source = |key: &str, v: u64| json!({"idem_key": key, "payload": {"v": v}});
    let target = |key: &str| json!({"idem_key": format!("{key}#v1"), "payload": {}});
    fixture.upsert(&raw, &[source("a", 1), source("b", 1), source("c", 1)]).await.unwrap();
    assert_eq!(unprocessed(&fixture, "not_exists").await, ["a", "b", "c"]);
    assert_eq!(unprocessed(&fixture, "left_anti").await, ["a", "b", "c"]);

    fixture.clock.advance_ms(1_000);
    fixture.upsert(&canonical, &[target("a"), target("b")]).await.unwrap();
    assert_eq!(unprocessed(&fixture, "not_exists").await, ["c"]);
    assert_eq!(unprocessed(&fixture, "left_anti").await, ["c"]);

    fixture.clock.advance_ms(1_000);
    fixture.upsert(&raw, &[source("a", 1), source("b", 2)]).await.unwrap();
    assert_eq!(unprocessed(&fixture, "not_exists").await, ["c"], "a changed row is not a new one");
    assert_eq!(unprocessed(&fixture, "left_anti").await, ["b", "c"], "an equal write changes nothing");

    fixture.clock.advance_ms(1_000);
    fixture.upsert(&canonical, &[target("b"), target("c")]).await.unwrap();
    assert_eq!(unprocessed(&fixture, "left_anti").await, Vec::<Value>::new());
}

#[tokio::test]
async fn several_target_rows_of_one_key_count_as_the_newest_and_multiply_nothing() {
    let fixture = Fixture::declaring(vec![
        things(&[("seen", Timestamp)]),
        storacle_client::table::TableSchema {
            table: "derived.parts".into(),
            ..things(&[("source", String), ("at", Timestamp)])
        },
    ]);
    let sources = ["old", "new", "none"].map(|key| json!({"idem_key": key, "seen": "2026-01-02T00:00:00Z"}));
    fixture.upsert(&into("raw.things"), &sources).await.unwrap();
    let part = |key: &str, source: &str, at: &str| json!({"idem_key": key, "source": source, "at": at});
    let parts = [
        part("1", "old", "2026-01-01T00:00:00Z"),
        part("2", "old", "2026-01-01T12:00:00Z"),
        part("3", "new", "2026-01-01T00:00:00Z"),
        part("4", "new", "2026-01-03T00:00:00Z"),
    ];
    fixture.upsert(&into("derived.parts"), &parts).await.unwrap();
    for (mode, expected) in [("not_exists", vec!["none"]), ("left_anti", vec!["none", "old"])] {
        let mut incremental = json!({"target_dataset": "derived", "target_table": "parts", "source_key": "idem_key",
            "target_key": "source", "mode": mode});
        if mode == "left_anti" {
            incremental["source_ts"] = json!("seen");
            incremental["target_ts"] = json!("at");
        }
        let found = keys(&fixture, json!({"order_by": "idem_key", "incremental": incremental})).await;
        assert_eq!(found, expected, "{mode}");
    }
}

#[tokio::test]
async fn explain_shows_the_statement_that_query_sends() {
    let fixture = filled().await;
    let params = json!({"dataset": "raw", "table": "things", "limit": 3,
        "filters": [{"column": "at", "op": ">", "value": "2026-01-02"}]});
    let explained = fixture.plane.explain(&QuerySpec::parse(&params, &[]).unwrap()).unwrap();
    assert!(explained.sql.contains("FROM \"raw.things\""), "{}", explained.sql);
    assert!(explained.sql.contains("ORDER BY s.\"idem_key\""), "{}", explained.sql);
    assert!(
        explained.params.values().any(|value| value == "2026-01-02T00:00:00.000000Z"),
        "{:?}",
        explained.params
    );
}

#[tokio::test]
async fn large_results_come_in_batches() {
    use futures_util::StreamExt;
    use storacle_client::CallMeta;

    let fixture = Fixture::declaring(vec![things(&[("n", Int64)])]);
    let rows: Vec<Value> = (0..3_000).map(|n| json!({"idem_key": format!("{n:04}"), "n": n})).collect();
    fixture.upsert(&into("raw.things"), &rows).await.unwrap();
    let spec = QuerySpec::parse(&json!({"dataset": "raw", "table": "things", "order_by": "n"}), &[]).unwrap();
    let stream = fixture.plane.query(&CallMeta::default(), &spec).await.unwrap();
    let sizes: Vec<usize> = stream.map(|batch| batch.unwrap().len()).collect().await;
    assert_eq!(sizes, [1024, 1024, 952]);
}
