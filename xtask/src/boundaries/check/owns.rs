//! Crates that belong to one crate: nobody else declares them, in whatever kind, name, feature or platform.

use super::super::verdict::{Rule, Violation};
use super::context::Context;

pub(super) fn check(context: &mut Context<'_>) {
    let rules = context.rules;
    for (position, package, declared) in context.declarations() {
        let resolved = context.graph.resolved(position, declared);
        for (owner, row) in rules.crates.iter().filter(|(owner, _)| **owner != package.name) {
            let owned = row.owns.iter().find_map(|named| {
                let pattern = named.crates.iter().find(|p| declared.is_meant_by(p, package, resolved))?;
                Some((pattern, &named.reason))
            });
            let Some((pattern, reason)) = owned else { continue };
            let also_mine = rules.crates.get(&package.name).is_some_and(|row| {
                row.owns
                    .iter()
                    .flat_map(|named| &named.crates)
                    .any(|pattern| declared.is_meant_by(pattern, package, resolved))
            });
            if also_mine || context.excuses_direct(&package.name, &declared.name) {
                continue;
            }
            let what = match pattern.feature() {
                Some(feature) => format!("the feature `{feature}` of {}", declared.name),
                None => declared.name.clone(),
            };
            let path = context.direct_path(position, declared);
            context.report(Violation {
                rule: Rule::Owns,
                crate_name: package.name.clone(),
                statement: format!("{} depends on {what}, which belongs to {owner}", package.name),
                path,
                place: format!("crates.{owner}.owns: {pattern}"),
                reason: reason.clone(),
                help: format!(
                    "remove the dependency and ask {owner} through a trait that both know{}",
                    if row.planned { "; the owner is planned and has no folder yet" } else { "" }
                ),
            });
        }
    }
}
