//! Features that nobody may turn on, because cargo unifies them: one crate's wish changes everybody's build.

use std::collections::BTreeSet;

use super::super::graph::{Declared, Graph, Kind, Package};
use super::super::path::{Hop, Reach};
use super::super::verdict::{Rule, Violation};
use super::context::Context;

pub(super) fn check(context: &mut Context<'_>) {
    let (graph, rules) = (context.graph, context.rules);
    for refused in &rules.refused_features {
        for feature in &refused.features {
            let mut culprits = culprits(graph, &refused.crate_name, feature);
            let is_on =
                graph.packages.iter().any(|p| p.name == refused.crate_name && p.enabled.contains(feature));
            if culprits.is_empty() && is_on {
                culprits.push(Vec::new());
            }
            for path in culprits {
                let culprit = match path.as_slice() {
                    [.., culprit, _] => culprit.name.clone(),
                    _ => refused.crate_name.clone(),
                };
                context.report(Violation {
                    rule: Rule::Features,
                    statement: format!(
                        "{culprit} turns on the feature `{feature}` of {}, which nobody may",
                        refused.crate_name
                    ),
                    crate_name: culprit,
                    path,
                    place: format!("refused-features: {}/{feature}", refused.crate_name),
                    reason: refused.reason.clone(),
                    help: format!(
                        "turn it off; `cargo tree --all-features -e features -i {}` shows who asks for what",
                        refused.crate_name
                    ),
                });
            }
        }
    }
}

/// A path from a member to `target` for each package whose declaration turns `feature` on. Members count for
/// whatever they declare; other packages when the feature is really on.
fn culprits(graph: &Graph, target: &str, feature: &str) -> Vec<Vec<Hop>> {
    let asks = |from: usize, declared: &Declared| {
        let package = &graph.packages[from];
        let dependency = graph.resolved(from, declared);
        let expanded = dependency.map(|d| package.requested_features(declared, d));
        let on = dependency.is_some_and(|d| d.enabled.contains(feature)) || package.member.is_some();
        let asked = expanded.map_or_else(
            || declared.features.iter().any(|f| f == feature),
            |features: BTreeSet<String>| features.contains(feature),
        );
        declared.name == target && asked && on
    };
    let mut paths = Vec::new();
    for (position, package) in graph.packages.iter().enumerate() {
        let is_ours = package.member.is_some();
        let asked = package.declared.iter().find(|d| (is_ours || d.kind != Kind::Dev) && asks(position, d));
        let Some(declared) = asked else { continue };
        let mut path = path_to(graph, position);
        let version = graph.resolved(position, declared).map(|d| d.version.clone()).unwrap_or_default();
        let manner = format!("{}, feature `{feature}`", declared.manner());
        path.push(Hop { name: target.to_owned(), version, manner: Some(manner) });
        paths.push(path);
    }
    paths
}

/// The path from the nearest member, or just the package when no member reaches it.
fn path_to(graph: &Graph, position: usize) -> Vec<Hop> {
    let package = &graph.packages[position];
    if package.member.is_some() {
        return vec![Hop::start(package)];
    }
    let same = |other: &Package| other.name == package.name && other.version == package.version;
    let from_members = graph.members().into_iter().flat_map(|(start, _, _)| {
        [Kind::Normal, Kind::Build, Kind::Dev]
            .into_iter()
            .flat_map(move |kind| Reach::search(graph, start, kind, |_| false).paths_to(same))
    });
    from_members.min_by_key(Vec::len).unwrap_or_else(|| vec![Hop::start(package)])
}
