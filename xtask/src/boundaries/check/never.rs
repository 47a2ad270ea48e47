//! Crates that must not be reached over any number of edges; each kind of dependency is followed by itself.

use std::collections::BTreeSet;

use super::super::graph::{Kind, Package};
use super::super::path::{Hop, Reach};
use super::super::pattern::Pattern;
use super::super::rules::Never;
use super::super::verdict::{Rule, Violation};
use super::context::Context;

pub(super) fn check(context: &mut Context<'_>) {
    let rules = context.rules;
    for (position, package, _) in context.graph.members() {
        let Some(row) = rules.crates.get(&package.name) else { continue };
        for kind in [Kind::Normal, Kind::Build, Kind::Dev] {
            let of_kind = |never: &&Never| never.kinds.contains(&kind);
            if !row.never.iter().any(|never| of_kind(&never)) {
                continue;
            }
            let reach = Reach::search(context.graph, position, kind, |_| false);
            for never in row.never.iter().filter(of_kind) {
                let crates = rules.forbidden(never).crates;
                let forbidden = |package: &Package| is_forbidden(crates, package);
                // an excused path must not hide what lies behind it, so each goal is judged by itself
                let mut judged = BTreeSet::new();
                for path in reach.paths_to(forbidden) {
                    let Some(goal) = path.last().map(|hop| hop.name.clone()) else { continue };
                    if !judged.insert(goal.clone()) {
                        continue;
                    }
                    let path = without_exceptions(context, position, kind, &goal, path);
                    if let Some(path) = path {
                        report(context, package, never, kind, path);
                    }
                }
            }
        }
    }
}

fn is_forbidden(crates: &[Pattern], package: &Package) -> bool {
    crates.iter().any(|pattern| pattern.matches(&package.name))
}

/// The path to `goal` that no exception excuses: `path` itself, another one, or none.
fn without_exceptions(
    context: &mut Context<'_>,
    start: usize,
    kind: Kind,
    goal: &str,
    path: Vec<Hop>,
) -> Option<Vec<Hop>> {
    let exceptions = context.exceptions_for(&context.graph.packages[start].name, goal);
    if exceptions.is_empty() {
        return Some(path);
    }
    let excused = |package: &Package| {
        exceptions.iter().any(|(_, exception)| match &exception.via {
            Some(via) => via.matches(&package.name),
            None => package.name == goal,
        })
    };
    let left = Reach::search(context.graph, start, kind, excused).paths_to(|package| package.name == goal);
    let needed =
        |pattern: Option<&Pattern>| pattern.is_none_or(|via| path.iter().any(|hop| via.matches(&hop.name)));
    for (position, exception) in exceptions {
        if needed(exception.via.as_ref()) {
            context.note_excused(position, goal);
        }
    }
    left.into_iter().next()
}

fn report(context: &mut Context<'_>, package: &Package, never: &Never, kind: Kind, path: Vec<Hop>) {
    let goal = path.last().map(|hop| hop.name.clone()).unwrap_or_default();
    let first = path.get(1).map(|hop| hop.name.clone()).unwrap_or_default();
    let group = never.group.as_ref().map(|group| format!(": group {group}")).unwrap_or_default();
    let direct = path.len() == 2;
    let how = if direct { "depends on" } else { "reaches" };
    let kinds = if kind == Kind::Normal { String::new() } else { format!(" ({kind} dependencies)") };
    let help = if direct {
        format!("remove {goal} from {}; the work belongs to a crate that may have it", package.name)
    } else {
        format!("drop {first}, or the feature of it that brings {goal} (`cargo tree -e features -i {goal}`)")
    };
    let violation = Violation {
        rule: Rule::Never,
        crate_name: package.name.clone(),
        statement: format!("{} {how} {goal}, which it must never do{kinds}", package.name),
        path,
        place: format!("crates.{}.never{group}", package.name),
        reason: context.rules.forbidden(never).reason.to_owned(),
        help,
    };
    context.report(violation);
}
