//! Steps that do nothing, and say so.

use std::sync::Arc;

use compute_client::NoOpComputeClient;
use lorchestra_core::handler::HandlerRegistry;
use lorchestra_core::op::Backend;
use lorchestra_handlers::NoOpHandler;
use serde_json::json;
use storacle_client::NoOpStoracleClient;

use crate::world::{World, manifest};

#[tokio::test]
async fn the_handler_that_does_nothing_completes_every_op_and_says_so() {
    let mut handlers = HandlerRegistry::default();
    for backend in [Backend::DataPlane, Backend::Compute, Backend::Orchestration] {
        handlers.register(backend, Arc::new(NoOpHandler)).unwrap();
    }
    let world = World::with(handlers);
    for spec in lorchestra_handlers::ops() {
        let success = world.perform(&manifest(&spec.name, json!({}))).await.unwrap();
        assert_eq!(success.output.value, json!({"noop": true}), "{}", spec.name);
    }
}

#[tokio::test]
async fn the_clients_that_do_nothing_give_outputs_of_the_usual_shape() {
    let clients = lorchestra_handlers::registry(Arc::new(NoOpStoracleClient), Arc::new(NoOpComputeClient));
    let world = World::with(clients.unwrap());
    for (op, params, expected) in [
        ("storacle.query", json!({"dataset": "a", "table": "b"}), json!({"items": [], "count": 0})),
        (
            "assert.unique",
            json!({"table": "a.b", "columns": ["c"]}),
            json!({"passed": true, "duplicate_count": 0, "samples": []}),
        ),
        ("compute.render", json!({"template": "x"}), json!({"rendered": ""})),
    ] {
        assert_eq!(world.perform(&manifest(op, params)).await.unwrap().output.value, expected, "{op}");
    }
}
