//! Real workspaces on disk, one per rule, read by the real cargo; the report of each is a snapshot.
//! One is a stranger's project, with a layout and a table of its own, and keeps all its rules.

use std::fs;
use std::path::PathBuf;

use super::report::{Format, render};
use super::{check, load_graph, load_rules};
use crate::workspace::Workspace;

fn folders() -> Vec<PathBuf> {
    let holder = Workspace::own().root().join("tests/fixtures/boundaries");
    let mut folders: Vec<PathBuf> = fs::read_dir(holder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

#[test]
fn each_fixture_breaks_its_rule_and_says_how_to_mend_it() {
    let mut names = Vec::new();
    for folder in folders() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let rules = load_rules(&folder.join("boundaries.toml")).unwrap();
        let graph = load_graph(&folder.join("Cargo.toml"), &rules).unwrap();
        let verdict = check(&graph, &rules);
        insta::assert_snapshot!(format!("fixture_{name}"), render(&verdict, "boundaries.toml", Format::Text));
        let broken: Vec<&str> = verdict.violations.iter().map(|violation| violation.rule.name()).collect();
        match name.as_str() {
            "strangers-project" => assert!(broken.is_empty(), "{broken:?}"),
            "exceptions" => assert_eq!(broken, ["never", "table"]),
            rule => {
                assert!(!broken.is_empty() && broken.iter().all(|name| *name == rule), "{rule}: {broken:?}")
            }
        }
        names.push(name);
    }
    let rules = ["features", "inherit", "never", "only", "owns", "table", "tools", "uses"];
    let missing: Vec<_> = rules.iter().filter(|rule| !names.iter().any(|name| name == *rule)).collect();
    assert!(missing.is_empty(), "rules without a fixture: {missing:?}");
}

#[test]
fn the_json_report_has_the_same_facts() {
    let folder = Workspace::own().root().join("tests/fixtures/boundaries/never");
    let rules = load_rules(&folder.join("boundaries.toml")).unwrap();
    let verdict = check(&load_graph(&folder.join("Cargo.toml"), &rules).unwrap(), &rules);
    insta::assert_snapshot!("json_report", render(&verdict, "boundaries.toml", Format::Json));
}
