//! What members take from the workspace's manifest: package keys, lints, and the versions of dependencies.

use super::super::verdict::{Rule, Violation};
use super::context::Context;

const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

pub(super) fn check(context: &mut Context<'_>) {
    let Some(inherit) = &context.rules.workspace.inherit else { return };
    for (_, package, member) in context.graph.members() {
        let missing = inherit.keys.iter().flat_map(|key| not_inherited(&member.manifest, key));
        for (what, help) in missing {
            context.report(Violation {
                rule: Rule::Inherit,
                crate_name: package.name.clone(),
                statement: format!("{} does not take {what} from the workspace", package.name),
                path: Vec::new(),
                place: "workspace.inherit".to_owned(),
                reason: inherit.reason.clone(),
                help: format!("in {}/Cargo.toml write {help}", member.folder),
            });
        }
    }
}

/// What falls under `key` and is not inherited: its name, and what to write instead.
fn not_inherited(manifest: &toml::Table, key: &str) -> Vec<(String, String)> {
    match key {
        "lints" if !is_inherited(manifest.get("lints")) => {
            vec![("its lints".to_owned(), "`[lints]` with `workspace = true`".to_owned())]
        }
        "lints" => Vec::new(),
        "dependencies" => {
            let targets = manifest.get("target").and_then(toml::Value::as_table);
            let of_targets =
                targets.into_iter().flat_map(toml::Table::values).filter_map(toml::Value::as_table);
            std::iter::once(manifest).chain(of_targets).flat_map(own_versions).collect()
        }
        key if !is_inherited(manifest.get("package").and_then(|package| package.get(key))) => {
            vec![(format!("package.{key}"), format!("`{key}.workspace = true` below `[package]`"))]
        }
        _ => Vec::new(),
    }
}

fn own_versions(holder: &toml::Table) -> Vec<(String, String)> {
    let tables = TABLES.iter().filter_map(|table| holder.get(*table)?.as_table());
    tables
        .flatten()
        .filter(|(_, value)| !is_inherited(Some(value)))
        .map(|(name, _)| {
            let what = format!("the version of {name}");
            (
                what,
                format!("`{name} = {{ workspace = true }}`, with the version in the workspace's Cargo.toml"),
            )
        })
        .collect()
}

fn is_inherited(value: Option<&toml::Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
}
