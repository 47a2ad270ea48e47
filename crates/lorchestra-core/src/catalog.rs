//! What compiling must know of the world outside the job: ops, tables, resources. Plain data that the binary fills.

use std::collections::{BTreeMap, BTreeSet};

use lorchestra_json::Sha256;

use crate::op::{Backend, OpSpec};

/// Which resource a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ResourceKind {
    /// A transform: `name@version`.
    Transform,
    /// A template: its path below `templates/`.
    Template,
}

impl ResourceKind {
    /// The word that stands before the name in `resources`: `transform:github/activity@1.0.0`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transform => "transform",
            Self::Template => "template",
        }
    }

    /// The key of resource `name` in an instance's and a manifest's `resources`.
    #[must_use]
    pub fn key(self, name: &str) -> String {
        format!("{}:{name}", self.as_str())
    }
}

/// Everything that exists: if it is not in here, a job that names it does not compile.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// The ops, by name.
    pub ops: BTreeMap<String, OpSpec>,
    /// Ops of the design that nothing implements yet: refused by name.
    pub planned_ops: BTreeSet<String>,
    /// The backends that have a handler.
    pub backends: BTreeSet<Backend>,
    /// The digest of each resource, by its key (`ResourceKind::key`).
    pub resources: BTreeMap<String, Sha256>,
    /// Resources that exist and are wrong, with what is wrong: naming one is an error.
    pub broken_resources: BTreeMap<String, String>,
    /// The columns of each declared table, by `dataset.table`.
    pub tables: BTreeMap<String, Vec<String>>,
}
