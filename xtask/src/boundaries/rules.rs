//! `boundaries.toml` as a value: which crate may use which, who owns what, and what must never be reached.
//! It reads and validates the table; it does not hold it against a graph, `check` does.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::graph::Kind;
use super::pattern::Pattern;

/// The whole table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Rules {
    /// What holds for every member.
    #[serde(default)]
    pub(crate) workspace: WorkspaceRules,
    /// Members that nothing shipped may depend on.
    pub(crate) tools: Option<Tools>,
    /// Named lists of crates for `never`.
    #[serde(default)]
    pub(crate) groups: BTreeMap<String, Named>,
    /// One row per crate.
    pub(crate) crates: BTreeMap<String, Row>,
    /// Paths that are allowed although a rule forbids them.
    #[serde(default)]
    pub(crate) exceptions: Vec<Exception>,
    /// Features that nobody in the graph may turn on.
    #[serde(default)]
    pub(crate) refused_features: Vec<RefusedFeatures>,
}

/// What holds for every member of the workspace.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct WorkspaceRules {
    /// The folder whose every subfolder is a crate of the table.
    pub(crate) folder: Option<String>,
    /// Crates that every member may use.
    #[serde(default)]
    pub(crate) common: Vec<String>,
    /// What members take from the workspace: `package` keys, `lints`, `dependencies`.
    pub(crate) inherit: Option<Inherit>,
}

/// What members take from the workspace's manifest.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inherit {
    /// `package` keys, `lints`, `dependencies`.
    pub(crate) keys: Vec<String>,
    /// Why.
    pub(crate) reason: String,
}

/// Members that are there to build and test the others.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tools {
    /// Folders of members, relative to the workspace: `xtask`, `tests/*`.
    pub(crate) folders: Vec<String>,
    /// Why nothing shipped may depend on them.
    pub(crate) reason: String,
}

/// Some crates and why a rule is made about them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Named {
    /// The crates.
    pub(crate) crates: Vec<Pattern>,
    /// Why.
    pub(crate) reason: String,
}

/// One crate of ours.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Row {
    /// What the crate is for, and so why it has no more edges than these.
    pub(crate) reason: String,
    /// The crate is designed but has no folder yet.
    #[serde(default)]
    pub(crate) planned: bool,
    /// Crates of ours that it may depend on; `*` is all of them.
    #[serde(default)]
    pub(crate) uses: Vec<String>,
    /// Crates of ours that its tests may depend on besides `uses` and the tools.
    #[serde(default)]
    pub(crate) dev_uses: Vec<String>,
    /// Crates that nobody else may declare as a dependency.
    #[serde(default)]
    pub(crate) owns: Vec<Named>,
    /// Crates that it must not reach, over any number of edges.
    #[serde(default)]
    pub(crate) never: Vec<Never>,
    /// When given: the only crates of others that it may declare.
    pub(crate) only: Option<Named>,
}

/// Crates that must not be reached: a list or the name of a group.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Never {
    /// The crates, when the rule names them itself.
    #[serde(default)]
    pub(crate) crates: Vec<Pattern>,
    /// The group that names them.
    pub(crate) group: Option<String>,
    /// Why; a group brings its own reason.
    pub(crate) reason: Option<String>,
    /// The kinds of dependencies that are followed.
    #[serde(default = "normal_and_build")]
    pub(crate) kinds: Vec<Kind>,
}

/// A path that is allowed although a rule forbids it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exception {
    /// Whose rule is excused.
    #[serde(rename = "crate")]
    pub(crate) crate_name: String,
    /// The crate that may be reached; all when absent.
    pub(crate) to: Option<Pattern>,
    /// The crate through which it may be reached; any path when absent.
    pub(crate) via: Option<Pattern>,
    /// Why.
    pub(crate) reason: String,
}

/// Features of one crate that nobody may turn on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefusedFeatures {
    /// The crate.
    #[serde(rename = "crate")]
    pub(crate) crate_name: String,
    /// Its features.
    pub(crate) features: Vec<String>,
    /// Why.
    pub(crate) reason: String,
}

/// The lists a `never` rule stands for, resolved.
pub(crate) struct Forbidden<'a> {
    /// The crates.
    pub(crate) crates: &'a [Pattern],
    /// Why.
    pub(crate) reason: &'a str,
}

fn normal_and_build() -> Vec<Kind> {
    vec![Kind::Normal, Kind::Build]
}

impl Rules {
    /// Reads the table from TOML text; the error says where and what.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let rules: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let problems = rules.problems();
        if problems.is_empty() { Ok(rules) } else { Err(problems.join("\n")) }
    }

    /// Whether the member in `folder` is a tool.
    pub(crate) fn is_tool(&self, folder: &str) -> bool {
        self.tools.iter().flat_map(|tools| &tools.folders).any(|pattern| folder_matches(pattern, folder))
    }

    /// The crates and the reason behind a `never` entry.
    pub(crate) fn forbidden<'a>(&'a self, never: &'a Never) -> Forbidden<'a> {
        match never.group.as_ref().and_then(|group| self.groups.get(group)) {
            Some(group) => {
                Forbidden { crates: &group.crates, reason: never.reason.as_deref().unwrap_or(&group.reason) }
            }
            None => Forbidden { crates: &never.crates, reason: never.reason.as_deref().unwrap_or_default() },
        }
    }

    /// Everything in the table that cannot be meant.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let known: BTreeSet<&str> = self.crates.keys().map(String::as_str).collect();
        let mut expect_known = |place: String, names: &[String]| {
            for name in names.iter().filter(|name| *name != "*" && !known.contains(name.as_str())) {
                problems.push(format!("{place} names `{name}`, which has no row in [crates]"));
            }
        };
        expect_known("workspace.common".to_owned(), &self.workspace.common);
        for (name, row) in &self.crates {
            expect_known(format!("crates.{name}.uses"), &row.uses);
            expect_known(format!("crates.{name}.dev-uses"), &row.dev_uses);
        }
        for (place, reason) in self.reasons() {
            if reason.trim().is_empty() {
                problems.push(format!("{place} has an empty reason"));
            }
        }
        for (name, row) in &self.crates {
            for never in &row.never {
                problems.extend(self.never_problem(never).map(|what| format!("crates.{name}.never {what}")));
            }
        }
        for exception in self.exceptions.iter().filter(|e| e.to.is_none() && e.via.is_none()) {
            problems.push(format!("the exception for `{}` has neither `to` nor `via`", exception.crate_name));
        }
        problems
    }

    fn never_problem(&self, never: &Never) -> Option<String> {
        match (&never.group, never.crates.as_slice()) {
            (Some(group), []) if self.groups.contains_key(group) => None,
            (Some(group), []) => Some(format!("names the group `{group}`, which is not in [groups]")),
            (Some(_), _) => Some("has both `crates` and `group`".to_owned()),
            (None, []) => Some("has neither `crates` nor `group`".to_owned()),
            (None, _) if never.reason.is_none() => Some("has no reason".to_owned()),
            (None, crates) => crates
                .iter()
                .find(|pattern| pattern.feature().is_some())
                .map(|pattern| format!("names `{pattern}`: a feature cannot be followed over several edges")),
        }
    }

    fn reasons(&self) -> Vec<(String, &str)> {
        let mut reasons = Vec::new();
        if let Some(inherit) = &self.workspace.inherit {
            reasons.push(("workspace.inherit".to_owned(), inherit.reason.as_str()));
        }
        if let Some(tools) = &self.tools {
            reasons.push(("tools".to_owned(), tools.reason.as_str()));
        }
        for (name, group) in &self.groups {
            reasons.push((format!("groups.{name}"), &group.reason));
        }
        for (name, row) in &self.crates {
            reasons.push((format!("crates.{name}"), &row.reason));
            for named in row.owns.iter().chain(&row.only) {
                reasons.push((format!("crates.{name}, a rule of it,"), &named.reason));
            }
            for reason in row.never.iter().filter_map(|never| never.reason.as_ref()) {
                reasons.push((format!("crates.{name}.never"), reason));
            }
        }
        for exception in &self.exceptions {
            reasons.push((format!("the exception for `{}`", exception.crate_name), &exception.reason));
        }
        for refused in &self.refused_features {
            reasons.push((format!("refused-features of `{}`", refused.crate_name), &refused.reason));
        }
        reasons
    }
}

/// `tests/*` is every direct subfolder of `tests`; anything else is exact.
fn folder_matches(pattern: &str, folder: &str) -> bool {
    match pattern.strip_suffix("/*") {
        Some(parent) => folder.rsplit_once('/').is_some_and(|(above, _)| above == parent),
        None => pattern == folder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_tools_are_exact_or_direct_subfolders() {
        assert!(folder_matches("xtask", "xtask"));
        assert!(folder_matches("tests/*", "tests/testkit"));
        assert!(!folder_matches("tests/*", "tests/deep/er"));
        assert!(!folder_matches("tests/*", "tests"));
    }

    #[test]
    fn a_table_that_cannot_be_meant_is_refused_with_the_place() {
        let cases = [
            ("[crates.a]\nreason = \"r\"\nuses = [\"b\"]", "crates.a.uses names `b`, which has no row"),
            ("[crates.a]\nreason = \" \"", "crates.a has an empty reason"),
            (
                "[crates.a]\nreason = \"r\"\nnever = [{ group = \"g\" }]",
                "the group `g`, which is not in [groups]",
            ),
            ("[crates.a]\nreason = \"r\"\nnever = [{ crates = [\"x\"] }]", "crates.a.never has no reason"),
            ("[crates.a]\nreason = \"r\"\nnever = [{}]", "has neither `crates` nor `group`"),
            (
                "[crates.a]\nreason = \"r\"\nnever = [{ crates = [\"x/y\"], reason = \"r\" }]",
                "names `x/y`: a feature",
            ),
            ("[crates.a]\nreason = \"r\"\nowned = []", "unknown field `owned`"),
            (
                "[crates.a]\nreason = \"r\"\n[[exceptions]]\ncrate = \"a\"\nreason = \"r\"",
                "neither `to` nor `via`",
            ),
        ];
        for (text, expected) in cases {
            let error = Rules::parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}\n{error}");
        }
    }
}
