//! Closed lists: a crate with `only` declares nothing else of others. Tests are not held to it.

use super::super::graph::Kind;
use super::super::verdict::{Rule, Violation};
use super::context::Context;

pub(super) fn check(context: &mut Context<'_>) {
    let rules = context.rules;
    for (position, package, declared) in context.declarations() {
        let Some(only) = rules.crates.get(&package.name).and_then(|row| row.only.as_ref()) else { continue };
        let is_ours = context.graph.member(&declared.name).is_some();
        let listed = only.crates.iter().any(|pattern| pattern.matches(&declared.name));
        if declared.kind == Kind::Dev || is_ours || listed {
            continue;
        }
        if context.excuses_direct(&package.name, &declared.name) {
            continue;
        }
        let allowed = only.crates.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let path = context.direct_path(position, declared);
        context.report(Violation {
            rule: Rule::Only,
            crate_name: package.name.clone(),
            statement: format!("{} depends on {}, which is not on its list", package.name, declared.name),
            path,
            place: format!("crates.{}.only", package.name),
            reason: only.reason.clone(),
            help: format!("do without it; {} may use: {allowed}", package.name),
        });
    }
}
