//! Passthrough SQL on rows: it reads, binds, and says where it is wrong.

use serde_json::{Value, json};
use storacle_client::table::ColumnType::{Bool, Int64, Json, Timestamp};
use storacle_client::{StoracleError, standard_tables};

use crate::support::{Fixture, into, things};

async fn filled() -> Fixture {
    let fixture =
        Fixture::declaring(vec![things(&[("n", Int64), ("yes", Bool), ("json", Json), ("at", Timestamp)])]);
    let rows: Vec<Value> = (0..3)
        .map(|n| json!({"idem_key": format!("k{n}"), "n": n, "yes": n == 1, "json": {"n": [n]}, "at": "2026-01-01T00:00:00Z"}))
        .collect();
    fixture.upsert(&into("raw.things"), &rows).await.unwrap();
    fixture
}

#[tokio::test]
async fn statements_read_tables_by_their_logical_names() {
    let fixture = filled().await;
    for (sql, params, expected) in [
        ("SELECT n FROM raw.things WHERE idem_key = @key", json!({"key": "k1"}), json!([{"n": 1}])),
        (
            "SELECT n FROM `raw.things` AS t WHERE t.n > @n AND t.n < @n + 2",
            json!({"n": 0}),
            json!([{"n": 1}]),
        ),
        ("SELECT n FROM \"raw.things\" ORDER BY n DESC LIMIT 1", json!({}), json!([{"n": 2}])),
        (
            "WITH big AS (SELECT * FROM raw.things WHERE n >= 1) SELECT a.n, b.yes FROM big AS a JOIN raw.things AS b ON a.n = b.n ORDER BY 1",
            json!({}),
            json!([{"n": 1, "yes": true}, {"n": 2, "yes": false}]),
        ),
        (
            "SELECT t.idem_key AS k, e.value AS v FROM raw.things AS t, json_each(t.json, '$.n') AS e WHERE e.value = 2",
            json!({}),
            json!([{"k": "k2", "v": 2}]),
        ),
        (
            "SELECT json, json ->> '$.n[0]' AS first, 1.0 AS one, 'x' AS t FROM raw.things WHERE n = 2",
            json!({}),
            json!([{"json": {"n": [2]}, "first": 2, "one": 1.0, "t": "x"}]),
        ),
        (
            "SELECT COUNT(*) AS n FROM raw.things WHERE idem_key = @x",
            json!({"x": "' OR 1=1 --"}),
            json!([{"n": 0}]),
        ),
        (
            "SELECT @a AS a, @b AS b, @c AS c, @d AS d",
            json!({"a": null, "b": true, "c": 1.5, "d": [1]}),
            json!([{"a": null, "b": 1, "c": 1.5, "d": "[1]"}]),
        ),
    ] {
        assert_eq!(Value::from(fixture.sql(sql, params).await.unwrap()), expected, "{sql}");
    }
}

#[tokio::test]
async fn whatever_writes_is_refused_and_changes_nothing() {
    let fixture = filled().await;
    let before = fixture.rows("raw.things", "idem_key").await;
    for sql in [
        "DELETE FROM raw.things",
        "INSERT INTO raw.things (idem_key) VALUES ('x')",
        "UPDATE raw.things SET n = 9",
        "DROP TABLE raw.things",
        "SELECT 1; DELETE FROM raw.things",
        "PRAGMA user_version = 7",
        "ATTACH DATABASE '/tmp/other.db' AS other",
        "VACUUM INTO '/tmp/copy.db'",
        "CREATE TABLE raw.other (a)",
        "WITH gone AS (DELETE FROM raw.things RETURNING *) SELECT * FROM gone",
        "SELECT load_extension('x')",
        "",
    ] {
        let error = fixture.sql(sql, json!({})).await.unwrap_err();
        assert!(matches!(error, StoracleError::InvalidQuery { .. }), "{sql}: {error:?}");
    }
    assert_eq!(fixture.rows("raw.things", "idem_key").await, before);
}

#[tokio::test]
async fn tables_of_sqlite_and_of_the_store_itself_are_not_there() {
    let fixture = filled().await;
    for sql in [
        "SELECT * FROM lorchestra_writes",
        "SELECT * FROM sqlite_schema",
        "SELECT * FROM main.sqlite_schema",
        "SELECT * FROM pragma_table_info('raw.things')",
        "SELECT * FROM things",
        "SELECT * FROM raw.thinks",
    ] {
        let error = fixture.sql(sql, json!({})).await.unwrap_err();
        let refused = matches!(error, StoracleError::NotFound { .. } | StoracleError::InvalidQuery { .. });
        assert!(refused, "{sql}: {error:?}");
    }
    let error = fixture.sql("SELECT * FROM raw.thinks", json!({})).await.unwrap_err().to_string();
    assert_eq!(error, "there is no table 'raw.thinks'; closest: raw.things; tables: raw.things");
}

#[tokio::test]
async fn an_error_of_sqlite_names_the_place_in_the_text_as_it_was_written() {
    let fixture = filled().await;
    for (sql, says, place) in [
        ("SELECT n,\n  nope\nFROM raw.things", "no such column: nope", (2, 3)),
        ("SELECT n FROM raw.things WHERE raw . things.n = 1 AND nope = 1", "no such column", (1, 55)),
        ("SELECT n FROM `raw.things` WHERE upperr(n) = 1", "no such function: upperr", (1, 34)),
        ("SELECT \"typo\" FROM raw.things", "no such column: \"typo\"", (1, 8)),
    ] {
        let error = fixture.sql(sql, json!({})).await.unwrap_err();
        let StoracleError::InvalidQuery { message, position } = &error else { panic!("{sql}: {error:?}") };
        assert!(message.starts_with(says), "{message}");
        assert_eq!(*position, Some(place), "{sql}: {message}");
    }
}

#[tokio::test]
async fn parameters_and_columns_must_be_clear() {
    let fixture = filled().await;
    for (sql, params, says) in [
        ("SELECT @a AS a", json!({}), "@a"),
        ("SELECT 1 AS a", json!({"b": 1}), "b"),
        (
            "SELECT @a AS a",
            json!({"a": 9_223_372_036_854_775_808_u64}),
            "parameter @a: 9223372036854775808 does not fit INT64",
        ),
        ("SELECT n, n FROM raw.things", json!({}), "two columns of the result are called 'n'"),
    ] {
        let error = fixture.sql(sql, params).await.unwrap_err();
        assert!(matches!(error, StoracleError::InvalidQuery { .. }), "{sql}: {error:?}");
        assert!(error.to_string().contains(says), "{error}");
    }
    for (sql, says) in [
        ("SELECT 9e999 AS x", "row 1 of the result, column 'x': an infinite number is no JSON"),
        ("SELECT x'00' AS x", "row 1 of the result, column 'x': a blob is no JSON"),
    ] {
        let error = fixture.sql(sql, json!({})).await.unwrap_err();
        assert!(matches!(error, StoracleError::SchemaMismatch { .. }), "{sql}: {error:?}");
        assert!(error.to_string().starts_with(says), "{error}");
    }
}

#[tokio::test]
async fn json_that_another_program_wrote_with_line_breaks_stays_one_row() {
    let fixture = Fixture::new();
    fixture.upsert(&into(standard_tables::RAW_OBJECTS), &[json!({"idem_key": "a"})]).await.unwrap();
    let sqlite = fixture.sqlite();
    sqlite.execute("UPDATE \"raw.raw_objects\" SET payload = '{\r\n \"a\": 1\n}'", []).unwrap();
    sqlite.execute("UPDATE \"raw.raw_objects\" SET payload = '{oops'", []).unwrap_err();
    let rows = fixture.sql("SELECT payload FROM raw.raw_objects", json!({})).await.unwrap();
    assert_eq!(rows, [json!({"payload": {"a": 1}})]);
}
