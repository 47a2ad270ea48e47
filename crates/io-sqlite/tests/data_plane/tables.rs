//! Tables: created, declared, changed by others, made by others.

use serde_json::json;
use storacle_client::table::ColumnType::{self, Int64, String};
use storacle_client::table::{Stamp, TableSchema};
use storacle_client::{StoracleClient, StoracleError, standard_tables};

use crate::support::{Fixture, into, things};

#[tokio::test]
async fn a_table_that_differs_from_its_declaration_is_not_written_to() {
    let stored = things(&[("name", String)]);
    let mut required = stored.clone();
    required.columns[1].required = true;
    for (declared, says) in [
        (things(&[("name", Int64)]), "column 'name' is STRING, not INT64"),
        (things(&[]), "it has a column 'name' too"),
        (things(&[("name", String), ("size", Int64)]), "it has no column 'size'"),
        (required, "column 'name' takes NULL"),
        (TableSchema { primary_key: Vec::new(), ..stored.clone() }, "its key is (idem_key), not ()"),
    ] {
        let fixture = Fixture::declaring(vec![declared.clone()]);
        let other = rusqlite::Connection::open(fixture.path()).unwrap();
        other
            .execute_batch(
                "CREATE TABLE \"raw.things\" (idem_key STRING TEXT NOT NULL, name STRING TEXT, PRIMARY KEY (idem_key))",
            )
            .unwrap();
        for outcome in [
            fixture.upsert(&into("raw.things"), &[json!({"idem_key": "a"})]).await.map(|_| ()),
            fixture.plane.create_table(&declared).await.map(|_| ()),
        ] {
            let error = outcome.unwrap_err();
            assert!(matches!(error, StoracleError::SchemaMismatch { .. }), "{error:?}");
            assert!(error.to_string().ends_with(says), "{error}");
        }
    }
}

#[tokio::test]
async fn a_declaration_may_change_stamps() {
    let fixture = Fixture::declaring(Vec::new());
    let mut schema = things(&[("at", ColumnType::Timestamp)]);
    assert!(fixture.plane.create_table(&schema).await.unwrap());
    schema.columns[1].stamp = Some(Stamp::Insert);
    assert!(!fixture.plane.create_table(&schema).await.unwrap());
    assert_eq!(fixture.plane.describe_table("raw.things").await.unwrap(), Some(schema));
    fixture.upsert(&into("raw.things"), &[json!({"idem_key": "a"})]).await.unwrap();
    assert_eq!(fixture.rows("raw.things", "idem_key").await[0]["at"], "2026-01-01T00:00:00.000000Z");
}

#[tokio::test]
async fn a_table_of_another_program_is_read_and_written_by_its_own_types() {
    let fixture = Fixture::declaring(Vec::new());
    fixture
        .sqlite()
        .execute_batch(
            "CREATE TABLE \"app.users\" (id INTEGER PRIMARY KEY, email VARCHAR(80) NOT NULL UNIQUE, born DATETIME,
                 score DOUBLE, active BOOLEAN NOT NULL DEFAULT 1, extra JSON, twice INT AS (id * 2));
             INSERT INTO \"app.users\" (email, extra) VALUES ('a@x', '[1,\n2]');",
        )
        .unwrap();
    let described = fixture.plane.describe_table("app.users").await.unwrap().unwrap();
    let types: Vec<(&str, ColumnType, bool)> = described
        .columns
        .iter()
        .map(|column| (column.name.as_str(), column.column_type, column.required))
        .collect();
    assert_eq!(
        types,
        [
            ("id", ColumnType::Int64, false),
            ("email", ColumnType::String, true),
            ("born", ColumnType::Timestamp, false),
            ("score", ColumnType::Float64, false),
            ("active", ColumnType::Bool, true),
            ("extra", ColumnType::Json, false),
        ]
    );
    let mut spec = into("app.users");
    spec.idem_key_field = "email".into();
    let rows =
        [json!({"email": "a@x", "score": 2}), json!({"email": "b@x", "extra": {"k": 1}, "active": false})];
    let counts = fixture.upsert(&spec, &rows).await.unwrap();
    assert_eq!((counts.inserted, counts.updated), (1, 1));
    let read = fixture
        .query(json!({"dataset": "app", "table": "users", "columns": ["email", "score", "active", "extra"], "order_by": "id"}))
        .await
        .unwrap();
    assert_eq!(
        read,
        [
            json!({"email": "a@x", "score": 2.0, "active": true, "extra": [1, 2]}),
            json!({"email": "b@x", "score": null, "active": false, "extra": {"k": 1}}),
        ]
    );
}

#[tokio::test]
async fn the_standard_tables_have_the_columns_of_their_design() {
    let names = |schema: &TableSchema| {
        schema.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        names(&standard_tables::raw_objects()),
        "idem_key source_system connection_name object_type schema_ref external_id payload first_seen last_seen \
         correlation_id"
    );
    assert_eq!(
        names(&standard_tables::canonical_objects()),
        "idem_key source_system connection_name object_type canonical_schema canonical_format transform_ref \
         correlation_id payload canonicalized_at created_at"
    );
    assert_eq!(
        names(&standard_tables::event_log()),
        "event_id event_type source_system connection_name target_object_type event_schema_ref correlation_id \
         trace_id created_at status error_message payload"
    );
}
