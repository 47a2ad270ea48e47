//! What a check found: violations, and the exceptions that were needed. It holds values; `report` words them.

use serde::Serialize;

use super::path::Hop;

/// The rule that was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rule {
    /// Members and rows of the table are not the same set.
    Table,
    /// An edge between crates of ours that the table does not have.
    Uses,
    /// A shipped crate depends on a tool.
    Tools,
    /// A crate that belongs to another one.
    Owns,
    /// A crate that must not be reached.
    Never,
    /// A crate outside a closed list.
    Only,
    /// A feature that nobody may turn on.
    Features,
    /// Something that is not taken from the workspace.
    Inherit,
}

impl Rule {
    /// The name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Uses => "uses",
            Self::Tools => "tools",
            Self::Owns => "owns",
            Self::Never => "never",
            Self::Only => "only",
            Self::Features => "features",
            Self::Inherit => "inherit",
        }
    }
}

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Violation {
    /// The rule.
    pub(crate) rule: Rule,
    /// The crate that breaks it.
    #[serde(rename = "crate")]
    pub(crate) crate_name: String,
    /// What is wrong, in one sentence that names both crates.
    pub(crate) statement: String,
    /// The offending path, crate by crate; empty when the fault is not an edge.
    pub(crate) path: Vec<Hop>,
    /// The place in the table that says so.
    pub(crate) place: String,
    /// Why the rule is there.
    pub(crate) reason: String,
    /// How to mend it.
    pub(crate) help: String,
}

/// An exception that excused something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Excused {
    /// Whose rule was excused.
    #[serde(rename = "crate")]
    pub(crate) crate_name: String,
    /// What it reaches.
    pub(crate) to: String,
    /// Through which crate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) via: Option<String>,
    /// Why that is allowed.
    pub(crate) reason: String,
}

/// The outcome of a check.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Verdict {
    /// Members that were judged.
    pub(crate) members: usize,
    /// Rows that wait for their folder.
    pub(crate) planned: usize,
    /// Packages in the graph.
    pub(crate) packages: usize,
    /// Exceptions that were needed.
    pub(crate) excused: Vec<Excused>,
    /// Broken rules.
    pub(crate) violations: Vec<Violation>,
}
