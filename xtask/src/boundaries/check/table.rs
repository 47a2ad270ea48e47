//! Rows and members are the same set: every member has a row or is a tool, every row has a member or is planned,
//! and every exception excuses something.

use super::super::verdict::{Rule, Violation};
use super::context::Context;

const REASON: &str = "a crate that the table does not describe is a crate without a boundary";

pub(super) fn check(context: &mut Context<'_>) {
    let (graph, rules) = (context.graph, context.rules);
    let fault = |crate_name: &str, statement: String, place: String, help: String| Violation {
        rule: Rule::Table,
        crate_name: crate_name.to_owned(),
        statement,
        path: Vec::new(),
        place,
        reason: REASON.to_owned(),
        help,
    };
    for (_, package, member) in graph.members() {
        if !rules.crates.contains_key(&package.name) && !rules.is_tool(&member.folder) {
            context.report(fault(
                &package.name,
                format!("{} ({}) is in the workspace and not in the table", package.name, member.folder),
                "crates".to_owned(),
                format!("add [crates.{}] with its reason and the crates it may use", package.name),
            ));
        }
    }
    for (name, row) in &rules.crates {
        let place = format!("crates.{name}");
        let has_folder = graph.member(name).is_some() || graph.folders.contains(name);
        match (row.planned, has_folder, graph.member(name).is_some()) {
            (true, true, _) => context.report(fault(
                name,
                format!("{name} is marked as planned, but it has a folder"),
                format!("{place}.planned"),
                "remove `planned = true`; a crate that exists is held to its row".to_owned(),
            )),
            (false, _, false) => context.report(fault(
                name,
                format!("{name} has a row in the table and is not in the workspace"),
                place,
                "remove the row, or mark it `planned = true` until the crate's folder exists".to_owned(),
            )),
            _ => {}
        }
    }
    for folder in &graph.folders {
        let is_member = graph
            .members()
            .iter()
            .any(|(_, _, member)| member.folder.rsplit('/').next().is_some_and(|last| last == folder));
        if !is_member && !rules.crates.contains_key(folder) {
            context.report(fault(
                folder,
                format!("the folder {folder} stands among the crates and is no member of the workspace"),
                "workspace.folder".to_owned(),
                "remove the folder, or make it a crate with a row".to_owned(),
            ));
        }
    }
}

pub(super) fn check_exceptions(context: &mut Context<'_>) {
    for exception in context.unused_exceptions() {
        let to = exception.to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
        let via = exception.via.as_ref().map(|via| format!(" via {via}")).unwrap_or_default();
        context.report(Violation {
            rule: Rule::Table,
            crate_name: exception.crate_name.clone(),
            statement: format!("the exception for {}{to}{via} excuses nothing", exception.crate_name),
            path: Vec::new(),
            place: "exceptions".to_owned(),
            reason: "an exception that is not needed hides the next violation".to_owned(),
            help: "remove the exception".to_owned(),
        });
    }
}
