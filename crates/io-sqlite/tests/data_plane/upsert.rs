//! What an upsert does with rows, and what it refuses.

use lorchestra_json::{RowBatch, RowBatchBuilder};
use serde_json::{Value, json};
use storacle_client::table::ColumnType::{Int64, String};
use storacle_client::table::TableSchema;
use storacle_client::{CallMeta, StoracleClient, StoracleError, UpsertCounts, UpsertSpec};

use crate::support::{Fixture, batches, into, things};

fn fixture() -> Fixture {
    Fixture::declaring(vec![things(&[("name", String), ("size", Int64)])])
}

fn counts(inserted: u64, updated: u64, unchanged: u64) -> UpsertCounts {
    UpsertCounts { inserted, updated, unchanged, total: inserted + updated + unchanged, repeated: false }
}

#[tokio::test]
async fn rows_are_counted_as_inserted_updated_or_unchanged() {
    let fixture = fixture();
    let spec = into("raw.things");
    let first =
        [json!({"idem_key": "a", "name": "x", "size": 1}), json!({"idem_key": "b", "name": null, "size": 2})];
    assert_eq!(fixture.upsert(&spec, &first).await.unwrap(), counts(2, 0, 0));
    assert_eq!(fixture.upsert(&spec, &first).await.unwrap(), counts(0, 0, 2));
    let second = [
        json!({"idem_key": "c"}),
        json!({"idem_key": "b", "name": null, "size": 3}),
        json!({"idem_key": "a", "name": "x", "size": 1}),
        json!({"idem_key": "d"}),
    ];
    assert_eq!(fixture.upsert(&spec, &second).await.unwrap(), counts(2, 1, 1));
    assert_eq!(
        fixture.rows("raw.things", "idem_key").await,
        [
            json!({"idem_key": "a", "name": "x", "size": 1}),
            json!({"idem_key": "b", "name": null, "size": 3}),
            json!({"idem_key": "c", "name": null, "size": null}),
            json!({"idem_key": "d", "name": null, "size": null}),
        ]
    );
    assert_eq!(fixture.upsert(&spec, &[]).await.unwrap(), counts(0, 0, 0));
}

#[tokio::test]
async fn a_column_that_a_row_leaves_out_keeps_its_value_and_null_replaces_it() {
    let fixture = fixture();
    let spec = into("raw.things");
    fixture.upsert(&spec, &[json!({"idem_key": "a", "name": "x", "size": 1})]).await.unwrap();
    assert_eq!(fixture.upsert(&spec, &[json!({"idem_key": "a", "size": 1})]).await.unwrap(), counts(0, 0, 1));
    assert_eq!(fixture.upsert(&spec, &[json!({"idem_key": "a"})]).await.unwrap(), counts(0, 0, 1));
    assert_eq!(fixture.upsert(&spec, &[json!({"idem_key": "a", "size": 2})]).await.unwrap(), counts(0, 1, 0));
    assert_eq!(
        fixture.rows("raw.things", "idem_key").await[0],
        json!({"idem_key": "a", "name": "x", "size": 2})
    );
    assert_eq!(
        fixture.upsert(&spec, &[json!({"idem_key": "a", "name": null})]).await.unwrap(),
        counts(0, 1, 0)
    );
    assert_eq!(fixture.rows("raw.things", "idem_key").await[0]["name"], json!(null));
}

#[tokio::test]
async fn an_existing_row_keeps_the_columns_to_skip() {
    let fixture = fixture();
    let spec = UpsertSpec { skip_update_columns: vec!["name".into()], ..into("raw.things") };
    fixture.upsert(&spec, &[json!({"idem_key": "a", "name": "x", "size": 1})]).await.unwrap();
    let counted = fixture.upsert(&spec, &[json!({"idem_key": "a", "name": "y", "size": 1})]).await.unwrap();
    assert_eq!(counted, counts(0, 0, 1));
    let counted = fixture.upsert(&spec, &[json!({"idem_key": "a", "name": "y", "size": 2})]).await.unwrap();
    assert_eq!(counted, counts(0, 1, 0));
    assert_eq!(
        fixture.rows("raw.things", "idem_key").await[0],
        json!({"idem_key": "a", "name": "x", "size": 2})
    );
}

#[tokio::test]
async fn rows_of_many_shapes_go_in_one_write() {
    let names: Vec<std::string::String> = (0..40).map(|at| format!("c{at}")).collect();
    let columns: Vec<(&str, _)> = names.iter().map(|name| (name.as_str(), Int64)).collect();
    let fixture = Fixture::declaring(vec![things(&columns)]);
    let rows: Vec<Value> = (0..400)
        .map(|number| json!({"idem_key": format!("{number:03}"), (names[number % 40].as_str()): number}))
        .collect();
    for expected in [counts(400, 0, 0), counts(0, 0, 400)] {
        assert_eq!(fixture.upsert(&into("raw.things"), &rows).await.unwrap(), expected);
    }
    let read = fixture.rows("raw.things", "idem_key").await;
    assert_eq!(read[399]["c39"], json!(399));
    assert_eq!(read[399]["c0"], json!(null));
}

/// `rows` rows with different keys, and after them `last`.
fn many(rows: usize, last: &Value) -> Vec<RowBatch> {
    let mut all = Vec::new();
    let mut batch = RowBatchBuilder::default();
    for number in 0..rows {
        batch.push_line(format!("{{\"idem_key\":\"{number}\",\"size\":{number}}}").as_bytes());
        if batch.is_full() {
            all.push(batch.take());
        }
    }
    batch.push(last);
    all.push(batch.finish());
    all
}

#[tokio::test]
async fn a_key_that_comes_twice_far_apart_is_a_conflict_that_names_both_rows() {
    let fixture = fixture();
    let last = json!({"idem_key": "17", "size": 0});
    for preparation in [0, 1] {
        let rows = batches(many(20_000, &last));
        let outcome = fixture.plane.upsert(&CallMeta::default(), &into("raw.things"), rows).await;
        let error = outcome.unwrap_err();
        assert!(matches!(error, StoracleError::Conflict { .. }), "{error:?}");
        assert_eq!(
            error.to_string(),
            "the key idem_key = \"17\" occurs twice in one write to 'raw.things': in row 18 and in row 20001"
        );
        let before = fixture.rows("raw.things", "idem_key").await.len();
        assert_eq!(before, preparation);
        // the second time the row is there already
        fixture.upsert(&into("raw.things"), &[json!({"idem_key": "17"})]).await.unwrap();
    }
}

#[tokio::test]
async fn the_last_of_two_equal_keys_wins_when_that_is_asked_for() {
    let fixture = fixture();
    let spec = UpsertSpec { last_duplicate_wins: true, ..into("raw.things") };
    let rows = [
        json!({"idem_key": "a", "size": 1}),
        json!({"idem_key": "b", "size": 1}),
        json!({"idem_key": "a", "size": 2}),
    ];
    assert_eq!(fixture.upsert(&spec, &rows).await.unwrap(), counts(2, 1, 0));
    assert_eq!(fixture.rows("raw.things", "idem_key").await[0]["size"], json!(2));
}

#[tokio::test]
async fn a_bad_row_leaves_the_table_as_it_was() {
    let fixture = fixture();
    let spec = into("raw.things");
    fixture.upsert(&spec, &[json!({"idem_key": "5", "name": "before", "size": 5})]).await.unwrap();
    let before = fixture.rows("raw.things", "idem_key").await;
    for (last, says) in [
        (json!({"idem_key": "z", "size": "many"}), "row 5001, column 'size'"),
        (json!({"idem_key": "z", "siez": 1}), "row 5001: 'raw.things' has no column 'siez'; closest: size"),
        (json!({"size": 1}), "row 5001 has no key: column 'idem_key' is missing or null"),
        (json!({"idem_key": null}), "row 5001, column 'idem_key': null does not fit"),
        (json!([1]), "row 5001 is not a JSON object"),
    ] {
        let outcome = fixture.plane.upsert(&CallMeta::default(), &spec, batches(many(5_000, &last))).await;
        let error = outcome.unwrap_err();
        assert!(matches!(error, StoracleError::SchemaMismatch { .. }), "{error:?}");
        assert!(error.to_string().starts_with(says), "{error}");
        assert_eq!(fixture.rows("raw.things", "idem_key").await, before, "{error}");
    }
}

#[tokio::test]
async fn rows_that_break_off_leave_the_table_as_it_was() {
    use futures_util::StreamExt;

    let fixture = fixture();
    let broken = Err(StoracleError::Input("the file ends in the middle".into()));
    let rows = batches(many(3_000, &json!({"idem_key": "z"}))).chain(futures_util::stream::iter([broken]));
    let outcome = fixture.plane.upsert(&CallMeta::default(), &into("raw.things"), Box::pin(rows)).await;
    assert!(matches!(outcome, Err(StoracleError::Input(_))), "{outcome:?}");
    assert!(fixture.rows("raw.things", "idem_key").await.is_empty());
}

#[tokio::test]
async fn a_required_column_is_needed_to_insert_and_not_to_update() {
    let mut schema = things(&[("name", String), ("size", Int64)]);
    schema.columns[1].required = true;
    let fixture = Fixture::declaring(vec![schema]);
    let spec = into("raw.things");
    let error = fixture.upsert(&spec, &[json!({"idem_key": "a"})]).await.unwrap_err().to_string();
    assert_eq!(error, "row 1, column 'name': it is missing; 'raw.things' requires a value");
    let error =
        fixture.upsert(&spec, &[json!({"idem_key": "a", "name": null})]).await.unwrap_err().to_string();
    assert_eq!(error, "row 1, column 'name': null does not fit; 'raw.things' requires a value");
    fixture.upsert(&spec, &[json!({"idem_key": "a", "name": "x"})]).await.unwrap();
    let counted = fixture.upsert(&spec, &[json!({"idem_key": "a", "size": 1})]).await.unwrap();
    assert_eq!(counted, counts(0, 1, 0));
}

#[tokio::test]
async fn a_write_to_what_cannot_take_it_says_why() {
    let fixture = fixture();
    fixture.sqlite().execute_batch("CREATE VIEW \"raw.view\" AS SELECT 1 AS idem_key").unwrap();
    let row = [json!({"idem_key": "a"})];
    for (spec, says) in [
        (into("raw.thigns"), "there is no table 'raw.thigns'; closest: raw.things"),
        (into("things"), "'things' is no table name: it is dataset.table"),
        (into("raw.view"), "'raw.view' is a view: rows cannot be written to it"),
        (
            UpsertSpec { idem_key_field: "size".into(), ..into("raw.things") },
            "'size' does not identify the rows of 'raw.things': its key is (idem_key)",
        ),
        (
            UpsertSpec { idem_key_field: "idem_kye".into(), ..into("raw.things") },
            "'raw.things' has no column 'idem_kye'; closest: idem_key",
        ),
        (
            UpsertSpec { skip_update_columns: vec!["nam".into()], ..into("raw.things") },
            "'raw.things' has no column 'nam'; closest: name",
        ),
    ] {
        // created on the first write that names it
        fixture.plane.create_table(&things(&[("name", String), ("size", Int64)])).await.unwrap();
        let error = fixture.upsert(&spec, &row).await.unwrap_err().to_string();
        assert!(error.starts_with(says), "{error}");
    }
}

#[tokio::test]
async fn any_unique_column_may_be_the_key() {
    let schema = TableSchema { primary_key: Vec::new(), ..things(&[("name", String)]) };
    let fixture = Fixture::declaring(vec![schema]);
    let spec = UpsertSpec { idem_key_field: "name".into(), ..into("raw.things") };
    let row = [json!({"idem_key": "a", "name": "x"})];
    assert!(fixture.upsert(&spec, &row).await.unwrap_err().to_string().contains("does not identify"));
    fixture
        .plane
        .create_table(&TableSchema { primary_key: Vec::new(), ..things(&[("name", String)]) })
        .await
        .unwrap();
    fixture.sqlite().execute_batch("CREATE UNIQUE INDEX by_name ON \"raw.things\" (name)").unwrap();
    assert_eq!(fixture.upsert(&spec, &row).await.unwrap(), counts(1, 0, 0));
    let counted = fixture.upsert(&spec, &[json!({"idem_key": "b", "name": "x"})]).await.unwrap();
    assert_eq!(counted, counts(0, 1, 0));
}
