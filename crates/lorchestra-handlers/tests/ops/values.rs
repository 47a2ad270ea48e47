//! Values that must be in memory: filled in where they belong, and bounded.

use std::sync::Arc;

use lorchestra_core::artifact::{ArtifactKind, Handle, LIST_LIMIT_BYTES, LIST_LIMIT_ITEMS};
use lorchestra_core::handler::{SecretError, SecretSource};
use lorchestra_core::manifest::SecretAt;
use serde_json::{Value, json};

use crate::world::{With, World, manifest};

fn render(handle: Handle) -> lorchestra_core::manifest::StepManifest {
    let params = json!({"template": "{{ rows | length }}", "context": {"rows": null}});
    manifest("compute.render", params).with_artifact("/context/rows", handle)
}

#[tokio::test]
async fn a_value_too_large_for_memory_is_refused_by_its_handle_alone() {
    let world = World::new();
    let small = world.store("[]", ArtifactKind::Json).await;
    for handle in [
        Handle { bytes: LIST_LIMIT_BYTES + 1, ..small.clone() },
        Handle { kind: ArtifactKind::Rows, count: Some(LIST_LIMIT_ITEMS + 1), ..small.clone() },
    ] {
        // nothing is stored under the handle's name any more: it is not even opened
        world.artifacts.damage(handle.sha256, b"");
        let error = world.perform(&render(handle)).await.unwrap_err();
        assert_eq!((error.error_type.as_str(), error.retryable), ("invalid_params", false));
        assert!(error.message.contains("/context/rows"), "{error}");
        assert!(error.message.contains("100000 items and 67108864 bytes"), "{error}");
    }
}

#[tokio::test]
async fn a_list_whose_handle_does_not_know_its_length_is_bounded_too() {
    let world = World::new();
    let items = usize::try_from(LIST_LIMIT_ITEMS).unwrap() + 1;
    let list = world.store(json!(vec![0; items]).to_string(), ArtifactKind::Json).await;
    let error = world.perform(&render(list)).await.unwrap_err();
    assert!(error.message.contains("has 100001 items"), "{error}");
}

#[tokio::test]
async fn text_that_looks_like_a_secret_or_an_artifact_stays_text() {
    let world = World::new();
    let context = json!({"a": "@secret.TOKEN", "b": {"$artifact": "sha256:00"}});
    let params = json!({"template": "{{ a }} {{ b['$artifact'] }}", "context": context});
    let success = world.perform(&manifest("compute.render", params)).await.unwrap();
    assert_eq!(success.output.value["rendered"], "@secret.TOKEN sha256:00");
}

struct Vault;

impl SecretSource for Vault {
    fn secret(&self, name: &str) -> Result<String, SecretError> {
        match name {
            "TOKEN" => Ok("hush".into()),
            _ => Err(SecretError { name: name.into(), why: "the vault has none of that name".into() }),
        }
    }
}

#[tokio::test]
async fn a_secret_is_filled_in_where_it_belongs_and_one_that_is_not_there_is_named() {
    let mut world = World::new();
    world.secrets = Arc::new(Vault);
    let mut manifest =
        manifest("compute.render", json!({"template": "{{ token }}", "context": {"token": null}}));
    manifest.secrets = vec![SecretAt { at: "/context/token".into(), name: "TOKEN".into() }];
    assert_eq!(world.perform(&manifest).await.unwrap().output.value["rendered"], "hush");
    assert_eq!(manifest.resolved_params["context"]["token"], Value::Null);
    manifest.secrets[0].name = "OTHER".into();
    let error = world.perform(&manifest).await.unwrap_err();
    assert_eq!((error.error_type.as_str(), error.retryable), ("secret", false));
    assert_eq!(error.message, "secret 'OTHER' is not available: the vault has none of that name");
}

#[tokio::test]
async fn an_artifact_that_is_gone_fails_the_step_by_its_name() {
    let world = World::new();
    let handle = Handle {
        sha256: lorchestra_json::Sha256::of(b"gone"),
        kind: ArtifactKind::Json,
        bytes: 4,
        count: None,
        fields: None,
    };
    let error = world.perform(&render(handle.clone())).await.unwrap_err();
    assert_eq!(error.error_type, "artifact_store");
    assert!(error.message.contains(&handle.sha256.to_string()), "{error}");
    assert_eq!(Value::Null, json!(error.retry_after_ms));
}
