//! `log.dump`.

use lorchestra_core::artifact::ArtifactKind;
use serde_json::{Value, json};

use crate::world::{With, World, manifest};

#[tokio::test]
async fn items_are_counted_wherever_they_stand() {
    let world = World::new();
    let inline = manifest("log.dump", json!({"items": [1, "two", null]}));
    let rows = world.store("{\"a\":1}\n".repeat(5000), ArtifactKind::Rows).await;
    let rows = manifest("log.dump", json!({"items": null})).with_artifact("/items", rows);
    let list = world.store("[1, \"two\"]", ArtifactKind::Json).await;
    let list = manifest("log.dump", json!({"items": null})).with_artifact("/items", list);
    for (manifest, expected) in [(inline, 3), (rows, 5000), (list, 2)] {
        let success = world.perform(&manifest).await.unwrap();
        assert_eq!(success.output.value, json!({"items_count": expected}));
    }
}

#[tokio::test]
async fn what_is_no_list_is_refused() {
    let world = World::new();
    for items in [Value::Null, json!({"a": 1})] {
        let error = world.perform(&manifest("log.dump", json!({"items": items}))).await.unwrap_err();
        assert_eq!(error.error_type, "invalid_params");
    }
}
