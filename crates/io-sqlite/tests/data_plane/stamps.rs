//! Columns that the data plane fills.

use serde_json::{Value, json};
use storacle_client::{CallMeta, StoracleClient, standard_tables};

use crate::support::{Fixture, into, one_batch};

const HOUR_MS: u64 = 3_600_000;

async fn raw(fixture: &Fixture, payload: Value) -> Value {
    let row = json!({"idem_key": "a", "payload": payload});
    fixture.upsert(&into(standard_tables::RAW_OBJECTS), &[row]).await.unwrap();
    fixture.rows(standard_tables::RAW_OBJECTS, "idem_key").await.remove(0)
}

#[tokio::test]
async fn first_seen_is_the_insert_and_last_seen_the_last_change() {
    let fixture = Fixture::new();
    let row = raw(&fixture, json!({"v": 1})).await;
    assert_eq!(row["first_seen"], "2026-01-01T00:00:00.000000Z");
    assert_eq!(row["last_seen"], "2026-01-01T00:00:00.000000Z");
    fixture.clock.advance_ms(HOUR_MS);
    let row = raw(&fixture, json!({"v": 1})).await;
    assert_eq!(row["last_seen"], "2026-01-01T00:00:00.000000Z", "an equal row has not changed");
    fixture.clock.advance_ms(HOUR_MS);
    let row = raw(&fixture, json!({"v": 2})).await;
    assert_eq!(row["first_seen"], "2026-01-01T00:00:00.000000Z");
    assert_eq!(row["last_seen"], "2026-01-01T02:00:00.000000Z");
}

#[tokio::test]
async fn a_stamp_that_a_row_gives_is_taken_and_alone_is_no_change() {
    let fixture = Fixture::new();
    let spec = into(standard_tables::RAW_OBJECTS);
    let row = |seen: &str, v: u64| json!({"idem_key": "a", "last_seen": seen, "payload": {"v": v}});
    fixture.upsert(&spec, &[row("2020-01-01T00:00:00Z", 1)]).await.unwrap();
    let counted = fixture.upsert(&spec, &[row("2021-01-01T00:00:00Z", 1)]).await.unwrap();
    assert_eq!((counted.updated, counted.unchanged), (0, 1));
    let stored = fixture.rows(standard_tables::RAW_OBJECTS, "idem_key").await;
    assert_eq!(stored[0]["last_seen"], "2020-01-01T00:00:00.000000Z");
    fixture.upsert(&spec, &[row("2022-01-01T00:00:00Z", 2)]).await.unwrap();
    let stored = fixture.rows(standard_tables::RAW_OBJECTS, "idem_key").await;
    assert_eq!(stored[0]["last_seen"], "2022-01-01T00:00:00.000000Z");
}

#[tokio::test]
async fn canonicalized_at_is_the_runs_clock_also_of_rows_that_stay_equal() {
    let fixture = Fixture::new();
    let spec = into(standard_tables::CANONICAL_OBJECTS);
    let row = json!({"idem_key": "a#x", "payload": {"v": 1}});
    for (micros, expected, unchanged) in [
        (1_700_000_000_000_000, "2023-11-14T22:13:20.000000Z", 0),
        (1_700_000_060_000_000, "2023-11-14T22:14:20.000000Z", 1),
    ] {
        let meta = CallMeta { run_started_at_us: Some(micros), ..CallMeta::default() };
        let counts = fixture.plane.upsert(&meta, &spec, one_batch(std::slice::from_ref(&row))).await.unwrap();
        assert_eq!(counts.unchanged, unchanged);
        let stored = fixture.rows(standard_tables::CANONICAL_OBJECTS, "idem_key").await;
        assert_eq!(stored[0]["canonicalized_at"], expected);
        assert_eq!(stored[0]["created_at"], "2026-01-01T00:00:00.000000Z");
        fixture.clock.advance_ms(HOUR_MS);
    }
    // without a run, the time of the write
    fixture.upsert(&spec, &[row]).await.unwrap();
    let stored = fixture.rows(standard_tables::CANONICAL_OBJECTS, "idem_key").await;
    assert_eq!(stored[0]["canonicalized_at"], "2026-01-01T02:00:00.000000Z");
}
