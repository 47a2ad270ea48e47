//! The words and forms of a verdict: text for people, JSON for programs. It judges nothing.

use std::fmt::Write as _;

use clap::ValueEnum;
use serde_json::json;

use super::path::Hop;
use super::verdict::{Verdict, Violation};

/// The form of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The report of `verdict`; `table` is the file that holds the rules.
pub(crate) fn render(verdict: &Verdict, table: &str, format: Format) -> String {
    match format {
        Format::Text => text(verdict, table),
        Format::Json => {
            let ok = verdict.violations.is_empty();
            let report = json!({"format_version": 1, "ok": ok, "table": table, "verdict": verdict});
            format!("{report:#}\n")
        }
    }
}

fn text(verdict: &Verdict, table: &str) -> String {
    let mut out = String::new();
    for violation in &verdict.violations {
        out.push_str(&violation_text(violation, table));
        out.push('\n');
    }
    for excused in &verdict.excused {
        let via = excused.via.as_ref().map(|via| format!(" via {via}")).unwrap_or_default();
        let (crate_name, to, reason) = (&excused.crate_name, &excused.to, &excused.reason);
        let _ = writeln!(out, "excepted: {crate_name} -> {to}{via}: {reason}");
    }
    let counts = [
        counted(verdict.members, "member"),
        format!("{} planned", verdict.planned),
        counted(verdict.packages, "package"),
        counted(verdict.violations.len(), "violation"),
    ];
    let _ = writeln!(out, "boundaries: {}", counts.join(", "));
    out
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn violation_text(violation: &Violation, table: &str) -> String {
    let mut out = format!("error[{}]: {}\n", violation.rule.name(), violation.statement);
    for (depth, hop) in violation.path.iter().enumerate() {
        let lead = if depth == 0 {
            "  path:   ".to_owned()
        } else {
            format!("{}└─ ", " ".repeat(7 + 3 * depth))
        };
        let _ = writeln!(out, "{lead}{}", hop_text(hop));
    }
    let _ = writeln!(out, "  rule:   {table}, {}", violation.place);
    let _ = writeln!(out, "  reason: {}", violation.reason);
    let _ = writeln!(out, "  help:   {}", violation.help);
    out
}

fn hop_text(hop: &Hop) -> String {
    let version = if hop.version.is_empty() { String::new() } else { format!(" {}", hop.version) };
    let manner = hop.manner.as_ref().map(|manner| format!(" ({manner})")).unwrap_or_default();
    format!("{}{version}{manner}", hop.name)
}
