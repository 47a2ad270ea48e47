//! Which handler performs which op. Explicit: what is not registered does not exist.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::{Completion, StepContext, StepError};
use crate::manifest::StepManifest;
use crate::op::{Backend, OpSpec};

/// Performs the ops of a backend, or one custom op.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Performs `manifest`. Called at least once for a step, each time with the same manifest and key.
    ///
    /// It watches `cx.cancel` and stops when it fires. It may be dropped at any await point.
    async fn execute(&self, cx: &StepContext, manifest: &StepManifest) -> Result<Completion, StepError>;
}

/// A registration that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The backend has a handler already.
    #[error("backend '{0}' already has a handler")]
    BackendTaken(Backend),
    /// The op exists already.
    #[error("op '{0}' is already registered")]
    OpTaken(String),
}

/// Handlers by backend, and by name for custom ops. A value that is passed, not a global.
#[derive(Clone, Default)]
pub struct HandlerRegistry {
    backends: BTreeMap<Backend, Arc<dyn Handler>>,
    custom: BTreeMap<String, (OpSpec, Arc<dyn Handler>)>,
}

impl HandlerRegistry {
    /// Gives `backend` its handler.
    ///
    /// # Errors
    /// When it has one.
    pub fn register(&mut self, backend: Backend, handler: Arc<dyn Handler>) -> Result<(), RegistryError> {
        if self.backends.contains_key(&backend) {
            return Err(RegistryError::BackendTaken(backend));
        }
        self.backends.insert(backend, handler);
        Ok(())
    }

    /// Adds an op of the host's own.
    ///
    /// # Errors
    /// When an op of that name is registered.
    pub fn register_op(&mut self, spec: OpSpec, handler: Arc<dyn Handler>) -> Result<(), RegistryError> {
        if self.custom.contains_key(&spec.name) {
            return Err(RegistryError::OpTaken(spec.name));
        }
        self.custom.insert(spec.name.clone(), (spec, handler));
        Ok(())
    }

    /// The backends that have a handler.
    pub fn backends(&self) -> impl Iterator<Item = Backend> + '_ {
        self.backends.keys().copied()
    }

    /// The specs of the custom ops.
    pub fn custom_ops(&self) -> impl Iterator<Item = &OpSpec> + '_ {
        self.custom.values().map(|(spec, _)| spec)
    }

    /// The handler of `op`.
    #[must_use]
    pub fn get(&self, backend: Backend, op: &str) -> Option<&Arc<dyn Handler>> {
        self.custom.get(op).map(|(_, handler)| handler).or_else(|| self.backends.get(&backend))
    }

    /// Performs `manifest` by the handler of its op.
    ///
    /// # Errors
    /// What the handler says; `handler_not_found` when there is none (it cannot pass compile, but may be gone since).
    pub async fn dispatch(&self, cx: &StepContext, manifest: &StepManifest) -> Result<Completion, StepError> {
        match self.get(manifest.backend, &manifest.op) {
            Some(handler) => handler.execute(cx, manifest).await,
            None => Err(StepError::permanent(
                "handler_not_found",
                format!("No handler registered for backend '{}' (op '{}')", manifest.backend, manifest.op),
            )),
        }
    }
}

impl std::fmt::Debug for HandlerRegistry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HandlerRegistry")
            .field("backends", &self.backends.keys())
            .field("custom", &self.custom.keys())
            .finish()
    }
}
