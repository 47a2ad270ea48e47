//! The table of this workspace judged by itself: every edge it forbids is planted into the real graph, in every manner
//! a manifest can declare it, and must be found. Nothing here names a crate; the cases come from the table.

use super::check;
use super::graph::{Declared, Edge, Graph, Kind, Package};
use super::pattern::Pattern;
use super::rules::Rules;
use super::verdict::{Rule, Violation};
use super::{load_graph, load_rules};
use crate::workspace::Workspace;

fn own() -> (Graph, Rules) {
    let root = Workspace::own().root().to_path_buf();
    let rules = load_rules(&root.join("boundaries.toml")).unwrap();
    let graph = load_graph(&root.join("Cargo.toml"), &rules).unwrap();
    (graph, rules)
}

/// A dependency on `name` in each manner that a manifest knows.
fn manners(name: &str, features: &[String]) -> Vec<Declared> {
    let plain = Declared {
        name: name.to_owned(),
        rename: None,
        kind: Kind::Normal,
        optional: false,
        target: None,
        features: features.to_vec(),
        default_features: false,
    };
    vec![
        plain.clone(),
        Declared { rename: Some("harmless".to_owned()), ..plain.clone() },
        Declared { optional: true, ..plain.clone() },
        Declared { target: Some("cfg(windows)".to_owned()), ..plain.clone() },
        Declared { kind: Kind::Build, ..plain },
    ]
}

/// The graph with more dependencies of the package at `from`.
fn planted(graph: &Graph, from: usize, declared: &[Declared]) -> Graph {
    let mut graph = graph.clone();
    for declared in declared {
        let known = graph.packages.iter().position(|package| package.name == declared.name);
        let to = known.unwrap_or_else(|| {
            let name = declared.name.clone();
            graph.packages.push(Package { name, version: "1.0.0".to_owned(), ..Package::default() });
            graph.packages.len() - 1
        });
        graph.packages[from].declared.push(declared.clone());
        graph.packages[from].edges.push(Edge { to, kind: declared.kind });
    }
    graph
}

/// The violations of `rule` in a graph with every manner of depending on `name` planted at `from`.
fn violations_when_planted(
    (graph, rules): &(Graph, Rules),
    from: usize,
    manners: &[Declared],
    rule: Rule,
) -> Vec<Violation> {
    let crate_name = &graph.packages[from].name;
    let verdict = check(&planted(graph, from, manners), rules);
    let is_expected = |violation: &Violation| {
        violation.rule == rule
            && violation.crate_name == *crate_name
            && violation.path.last().is_some_and(|hop| hop.name == manners[0].name)
    };
    verdict.violations.into_iter().filter(is_expected).collect()
}

#[test]
fn the_workspace_as_it_is_keeps_its_boundaries() {
    let (graph, rules) = own();
    let statements: Vec<String> = check(&graph, &rules).violations.into_iter().map(|v| v.statement).collect();
    assert_eq!(statements, Vec::<String>::new());
}

#[test]
fn whatever_a_crate_owns_is_refused_to_every_other_in_every_manner() {
    let own = own();
    let (graph, rules) = &own;
    let mut cases = 0;
    for (owner, row) in &rules.crates {
        for pattern in row.owns.iter().flat_map(|named| &named.crates) {
            let owned = pattern.example();
            let features: Vec<String> = pattern.feature().map(str::to_owned).into_iter().collect();
            let manners = manners(&owned, &features);
            for (position, package, _) in graph.members() {
                let excepted = rules.exceptions.iter().any(|exception| {
                    exception.crate_name == package.name
                        && exception.to.as_ref().is_some_and(|to| to.matches(&owned))
                });
                if package.name == *owner || excepted {
                    continue;
                }
                let found = violations_when_planted(&own, position, &manners, Rule::Owns);
                assert_eq!(found.len(), manners.len(), "{} -> {owned}: {found:?}", package.name);
                for violation in &found {
                    assert!(violation.statement.contains(owner.as_str()), "{violation:?}");
                    assert!(!violation.reason.is_empty(), "{violation:?}");
                }
                cases += found.len();
            }
        }
    }
    assert!(cases > 500, "the table owns too little to be believed: {cases} cases");
}

#[test]
fn every_edge_between_crates_of_ours_that_the_table_lacks_is_refused() {
    let own = own();
    let (graph, rules) = &own;
    for (position, package, member) in graph.members() {
        let Some(row) = rules.crates.get(&package.name) else { continue };
        for (_, other, other_member) in graph.members() {
            let is_tool = rules.is_tool(&other_member.folder);
            let mut listed = row.uses.iter().chain(&rules.workspace.common);
            let allowed = listed.any(|name| name == "*" || *name == other.name);
            let between_tools = is_tool && rules.is_tool(&member.folder);
            if package.name == other.name || between_tools || (allowed && !is_tool) {
                continue;
            }
            let manners = manners(&other.name, &[]);
            let expected = if is_tool { Rule::Tools } else { Rule::Uses };
            let found = violations_when_planted(&own, position, &manners, expected);
            assert_eq!(found.len(), manners.len(), "{} -> {}: {found:?}", package.name, other.name);
        }
    }
}

#[test]
fn whatever_a_crate_must_never_reach_is_found_behind_another_crate() {
    let (graph, rules) = own();
    for (position, package, _) in graph.members() {
        let Some(row) = rules.crates.get(&package.name) else { continue };
        let forbidden: Vec<String> =
            row.never.iter().flat_map(|never| rules.forbidden(never).crates).map(Pattern::example).collect();
        let bridge = manners("a-harmless-bridge", &[]).remove(0);
        let with_bridge = planted(&graph, position, &[bridge]);
        let bridge_position = with_bridge.packages.len() - 1;
        let behind: Vec<Declared> = forbidden.iter().map(|name| manners(name, &[]).remove(0)).collect();
        let verdict = check(&planted(&with_bridge, bridge_position, &behind), &rules);
        for name in forbidden {
            let found = verdict.violations.iter().any(|violation| {
                let names: Vec<&str> = violation.path.iter().map(|hop| hop.name.as_str()).collect();
                violation.rule == Rule::Never && names == [&package.name, "a-harmless-bridge", &name]
            });
            assert!(found, "{} -> a-harmless-bridge -> {name}", package.name);
        }
    }
}
