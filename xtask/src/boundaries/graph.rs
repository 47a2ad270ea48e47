//! The dependency graph as a plain value, so that checks are pure functions and tests build small graphs by hand.
//! It does not know where it came from; `load` reads it from cargo.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::pattern::Pattern;

/// When a dependency is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// In the crate itself.
    Normal,
    /// In its build script.
    Build,
    /// In its tests, examples and benches.
    Dev,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Normal => "normal",
            Self::Build => "build",
            Self::Dev => "dev",
        })
    }
}

/// Every package that any member can reach, with all features and for all targets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    /// The packages; edges refer to them by position.
    pub(crate) packages: Vec<Package>,
    /// Names of the folders below the folder of crates.
    pub(crate) folders: Vec<String>,
}

/// One package.
#[derive(Debug, Clone, Default)]
pub(crate) struct Package {
    /// Its name in the registry.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Present when it is a member of the workspace.
    pub(crate) member: Option<Member>,
    /// Its features and what each turns on.
    pub(crate) features: BTreeMap<String, Vec<String>>,
    /// The features that are on in the resolved graph.
    pub(crate) enabled: BTreeSet<String>,
    /// Dependencies as its manifest declares them.
    pub(crate) declared: Vec<Declared>,
    /// Dependencies as they were resolved.
    pub(crate) edges: Vec<Edge>,
}

/// What only a member has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Member {
    /// Its folder, relative to the workspace's root, with `/`.
    pub(crate) folder: String,
    /// Its Cargo.toml.
    pub(crate) manifest: toml::Table,
}

/// A dependency as written in a manifest.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    /// The package's name, whatever the manifest calls it.
    pub(crate) name: String,
    /// The name in code when it differs.
    pub(crate) rename: Option<String>,
    /// When it is needed.
    pub(crate) kind: Kind,
    /// It is there only with a feature.
    pub(crate) optional: bool,
    /// The platform for which it is there.
    pub(crate) target: Option<String>,
    /// The features asked for.
    pub(crate) features: Vec<String>,
    /// The default features are asked for.
    pub(crate) default_features: bool,
}

/// A resolved dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edge {
    /// Position of the package in the graph.
    pub(crate) to: usize,
    /// When it is needed.
    pub(crate) kind: Kind,
}

impl Graph {
    /// The members with their positions, by name.
    pub(crate) fn members(&self) -> Vec<(usize, &Package, &Member)> {
        let mut members: Vec<_> = self
            .packages
            .iter()
            .enumerate()
            .filter_map(|(position, package)| Some((position, package, package.member.as_ref()?)))
            .collect();
        members.sort_by_key(|(_, package, _)| &package.name);
        members
    }

    /// The member called `name`.
    pub(crate) fn member(&self, name: &str) -> Option<(&Package, &Member)> {
        let package =
            self.packages.iter().find(|package| package.name == name && package.member.is_some())?;
        Some((package, package.member.as_ref()?))
    }

    /// The package that `declared`, a dependency of the package at `from`, was resolved to.
    pub(crate) fn resolved(&self, from: usize, declared: &Declared) -> Option<&Package> {
        self.packages[from]
            .edges
            .iter()
            .map(|edge| &self.packages[edge.to])
            .find(|package| package.name == declared.name)
    }
}

impl Package {
    /// The features of `dependency` that this package turns on through `declared`, by itself or through
    /// features of its own, with everything that they turn on in turn.
    pub(crate) fn requested_features(&self, declared: &Declared, dependency: &Package) -> BTreeSet<String> {
        let called = declared.rename.as_deref().unwrap_or(&declared.name);
        let own = self.features.values().flatten().filter_map(|value| {
            let (name, feature) = value.split_once('/')?;
            (name.trim_end_matches('?') == called).then_some(feature)
        });
        let default = declared.default_features.then_some("default");
        let mut open: Vec<&str> =
            declared.features.iter().map(String::as_str).chain(own).chain(default).collect();
        let mut requested = BTreeSet::new();
        while let Some(feature) = open.pop() {
            if requested.insert(feature.to_owned()) {
                let implied = dependency.features.get(feature).into_iter().flatten();
                open.extend(implied.map(String::as_str).filter(|value| !value.contains(['/', ':'])));
            }
        }
        requested
    }
}

impl Declared {
    /// How the dependency is declared, in words: `build, optional, renamed to db`.
    pub(crate) fn manner(&self) -> String {
        let mut words = vec![self.kind.to_string()];
        if self.optional {
            words.push("optional".to_owned());
        }
        words.extend(self.rename.iter().map(|rename| format!("renamed to `{rename}`")));
        words.extend(self.target.iter().map(|target| format!("only for {target}")));
        words.join(", ")
    }

    /// Whether `pattern` means this dependency; a pattern with a feature means it only when that is turned on.
    pub(crate) fn is_meant_by(
        &self,
        pattern: &Pattern,
        declarer: &Package,
        resolved: Option<&Package>,
    ) -> bool {
        let feature_is_on = |feature: &str| match resolved {
            Some(dependency) => declarer.requested_features(self, dependency).contains(feature),
            None => self.features.iter().any(|asked| asked == feature),
        };
        pattern.matches(&self.name) && pattern.feature().is_none_or(feature_is_on)
    }
}
