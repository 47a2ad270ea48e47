//! A key is one work: repeated it gives the first answer, for other work it is refused.

use lorchestra_json::Sha256;
use serde_json::json;
use storacle_client::{CallMeta, StoracleClient, StoracleError, UpsertCounts, standard_tables};

use crate::support::{Fixture, into, one_batch, unread};

fn meta(work: &str) -> CallMeta {
    CallMeta {
        run_id: "run-1".into(),
        idempotency_key: Some("run-1:write".into()),
        manifest_sha256: Some(Sha256::of(work.as_bytes())),
        ..CallMeta::default()
    }
}

#[tokio::test]
async fn a_repeat_gives_the_first_answer_and_reads_no_rows() {
    let fixture = Fixture::new();
    let spec = into(standard_tables::RAW_OBJECTS);
    let rows = [json!({"idem_key": "a"}), json!({"idem_key": "b"})];
    let first = fixture.plane.upsert(&meta("w"), &spec, one_batch(&rows)).await.unwrap();
    assert_eq!(first, UpsertCounts { inserted: 2, total: 2, ..UpsertCounts::default() });
    fixture.upsert(&spec, &[json!({"idem_key": "a", "object_type": "changed since"})]).await.unwrap();

    let again = fixture.plane.upsert(&meta("w"), &spec, unread()).await.unwrap();
    assert_eq!(again, UpsertCounts { repeated: true, ..first });
    let stored = fixture.rows(standard_tables::RAW_OBJECTS, "idem_key").await;
    assert_eq!(stored[0]["object_type"], "changed since");
}

#[tokio::test]
async fn other_work_under_the_same_key_is_a_conflict() {
    let fixture = Fixture::new();
    let spec = into(standard_tables::RAW_OBJECTS);
    fixture.plane.upsert(&meta("w"), &spec, one_batch(&[json!({"idem_key": "a"})])).await.unwrap();
    for outcome in [
        fixture.plane.upsert(&meta("other"), &spec, unread()).await.map(Some),
        fixture.plane.recorded_upsert(&meta("other")).await,
        fixture.plane.recorded_upsert(&CallMeta { manifest_sha256: None, ..meta("w") }).await,
    ] {
        let error = outcome.unwrap_err();
        assert!(matches!(error, StoracleError::Conflict { .. }), "{error:?}");
        assert_eq!(
            error.to_string(),
            "the idempotency key 'run-1:write' was used for other work, by run 'run-1' at 2026-01-01T00:00:00.000000Z"
        );
    }
}

#[tokio::test]
async fn what_is_recorded_is_what_was_written() {
    let fixture = Fixture::new();
    let spec = into(standard_tables::RAW_OBJECTS);
    assert_eq!(fixture.plane.recorded_upsert(&meta("w")).await.unwrap(), None);

    let bad = [json!({"idem_key": "a"}), json!({"idem_key": 1})];
    fixture.plane.upsert(&meta("w"), &spec, one_batch(&bad)).await.unwrap_err();
    assert_eq!(fixture.plane.recorded_upsert(&meta("w")).await.unwrap(), None);

    let first = fixture.plane.upsert(&meta("w"), &spec, one_batch(&bad[..1])).await.unwrap();
    let recorded = fixture.plane.recorded_upsert(&meta("w")).await.unwrap();
    assert_eq!(recorded, Some(UpsertCounts { repeated: true, ..first }));

    let keyless = CallMeta { idempotency_key: None, ..meta("w") };
    fixture.plane.upsert(&keyless, &spec, one_batch(&bad[..1])).await.unwrap();
    assert_eq!(fixture.plane.recorded_upsert(&keyless).await.unwrap(), None);
}
