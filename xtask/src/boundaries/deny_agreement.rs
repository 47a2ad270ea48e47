//! deny.toml and boundaries.toml say the same: cargo-deny sees the whole tree of a build, the table sees the workspace,
//! and neither may forget what the other knows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde::Deserialize;

use super::load_rules;
use super::rules::Rules;
use crate::workspace::Workspace;

#[derive(Deserialize)]
struct Deny {
    bans: Bans,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
    features: Vec<Features>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    crate_name: String,
    #[serde(default)]
    wrappers: Vec<String>,
    reason: String,
}

#[derive(Deserialize)]
struct Features {
    #[serde(rename = "crate")]
    crate_name: String,
    deny: Vec<String>,
    reason: String,
}

fn own() -> (Deny, Rules) {
    let root = Workspace::own().root().to_path_buf();
    let deny = toml::from_str(&fs::read_to_string(root.join("deny.toml")).unwrap()).unwrap();
    (deny, load_rules(&root.join("boundaries.toml")).unwrap())
}

/// Who may depend on `name` directly, by the table: owners that exist, and whoever is excepted.
fn allowed(rules: &Rules, name: &str) -> Option<BTreeSet<String>> {
    let mut is_owned = false;
    let mut allowed = BTreeSet::new();
    for (owner, row) in &rules.crates {
        let patterns = row.owns.iter().flat_map(|named| &named.crates);
        if patterns.filter(|pattern| pattern.feature().is_none()).any(|pattern| pattern.matches(name)) {
            is_owned = true;
            if !row.planned {
                allowed.insert(owner.clone());
            }
        }
    }
    let excepted = rules.exceptions.iter().filter(|e| e.to.as_ref().is_some_and(|to| to.matches(name)));
    allowed.extend(excepted.map(|exception| exception.crate_name.clone()));
    is_owned.then_some(allowed)
}

#[test]
fn every_ban_is_owned_in_the_table_and_lets_nobody_else_through() {
    let (deny, rules) = own();
    for ban in &deny.bans.deny {
        let name = &ban.crate_name;
        assert!(!ban.reason.trim().is_empty(), "{name} is banned without a reason");
        let Some(allowed) = allowed(&rules, name) else {
            let forbidden = rules.groups.values().flat_map(|group| &group.crates).any(|p| p.matches(name));
            assert!(forbidden || ban.wrappers.is_empty(), "deny.toml wraps {name}, which nobody owns");
            continue;
        };
        let ours: BTreeSet<String> =
            ban.wrappers.iter().filter(|wrapper| rules.crates.contains_key(*wrapper)).cloned().collect();
        let extra: Vec<_> = ours.difference(&allowed).collect();
        assert!(extra.is_empty(), "deny.toml lets {extra:?} depend on {name}, and boundaries.toml does not");
    }
}

#[test]
fn everything_that_a_crate_owns_is_banned_for_others() {
    let (deny, rules) = own();
    for (owner, row) in &rules.crates {
        for pattern in row.owns.iter().flat_map(|named| &named.crates).filter(|p| p.feature().is_none()) {
            let banned = deny.bans.deny.iter().any(|ban| match pattern.exact_crate() {
                Some(name) => ban.crate_name == name,
                // cargo-deny has no patterns: at least one crate of the family stands for it
                None => pattern.matches(&ban.crate_name),
            });
            assert!(banned, "{owner} owns {pattern}, and deny.toml does not know it");
        }
    }
}

#[test]
fn refused_features_are_the_same() {
    let (deny, rules) = own();
    let mut table: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for refused in &rules.refused_features {
        let features = refused.features.iter().map(String::as_str);
        table.entry(refused.crate_name.as_str()).or_default().extend(features);
    }
    let mut denied: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for features in &deny.bans.features {
        assert!(!features.reason.trim().is_empty(), "{} without a reason", features.crate_name);
        denied.insert(&features.crate_name, features.deny.iter().map(String::as_str).collect());
    }
    assert_eq!(denied, table);
}
