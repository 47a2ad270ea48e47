//! Edges between crates of ours: only those of the table, and no shipped crate on a tool.
//! Tests may use the tools as well; a crate's build script is held to the same edges as the crate.

use super::super::graph::{Declared, Kind};
use super::super::rules::Row;
use super::super::verdict::{Rule, Violation};
use super::context::Context;

pub(super) fn check(context: &mut Context<'_>) {
    for (position, package, declared) in context.declarations() {
        let Some((_, member)) = context.graph.member(&declared.name) else { continue };
        let is_tool = |folder: &str| context.rules.is_tool(folder);
        let from_tool = package.member.as_ref().is_some_and(|member| is_tool(&member.folder));
        let row = context.rules.crates.get(&package.name);
        let violation = if is_tool(&member.folder) {
            if from_tool || declared.kind == Kind::Dev {
                continue;
            }
            depends_on_tool(&package.name, declared, context)
        } else {
            let Some(row) = row else { continue };
            if allows(row, declared, &context.rules.workspace.common) {
                continue;
            }
            not_in_table(&package.name, declared, row)
        };
        if !context.excuses_direct(&package.name, &declared.name) {
            let path = context.direct_path(position, declared);
            context.report(Violation { path, ..violation });
        }
    }
}

fn allows(row: &Row, declared: &Declared, common: &[String]) -> bool {
    let named = |list: &[String]| list.iter().any(|name| name == "*" || *name == declared.name);
    named(&row.uses) || named(common) || (declared.kind == Kind::Dev && named(&row.dev_uses))
}

fn not_in_table(from: &str, declared: &Declared, row: &Row) -> Violation {
    let allowed = if row.uses.is_empty() { "none".to_owned() } else { row.uses.join(", ") };
    let key = if declared.kind == Kind::Dev { "dev-uses" } else { "uses" };
    Violation {
        rule: Rule::Uses,
        crate_name: from.to_owned(),
        statement: format!("{from} may not depend on {}", declared.name),
        path: Vec::new(),
        place: format!("crates.{from}.uses"),
        reason: row.reason.clone(),
        help: format!(
            "remove the dependency (crates of ours that {from} may use: {allowed}); if the design has changed, \
             add it to crates.{from}.{key} and say why in the same commit"
        ),
    }
}

fn depends_on_tool(from: &str, declared: &Declared, context: &Context<'_>) -> Violation {
    Violation {
        rule: Rule::Tools,
        crate_name: from.to_owned(),
        statement: format!("{from} depends on {}, which is a tool and is never shipped", declared.name),
        path: Vec::new(),
        place: "tools".to_owned(),
        reason: context.rules.tools.as_ref().map(|tools| tools.reason.clone()).unwrap_or_default(),
        help: format!("move {} to [dev-dependencies], or move the shared code into a crate", declared.name),
    }
}
