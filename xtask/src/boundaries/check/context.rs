//! What every check works on: the graph, the table, and the findings so far. It judges exceptions, no rule.

use super::super::graph::{Declared, Graph, Package};
use super::super::path::Hop;
use super::super::rules::{Exception, Rules};
use super::super::verdict::{Excused, Verdict, Violation};

/// The inputs of a check and what it has found.
pub(super) struct Context<'a> {
    /// The graph.
    pub(super) graph: &'a Graph,
    /// The table.
    pub(super) rules: &'a Rules,
    /// The findings.
    pub(super) verdict: Verdict,
    /// Per exception of the table: it excused something.
    used: Vec<bool>,
}

impl<'a> Context<'a> {
    pub(super) fn new(graph: &'a Graph, rules: &'a Rules) -> Self {
        let verdict = Verdict {
            members: graph.members().len(),
            planned: rules.crates.values().filter(|row| row.planned).count(),
            packages: graph.packages.len(),
            ..Verdict::default()
        };
        Self { graph, rules, verdict, used: vec![false; rules.exceptions.len()] }
    }

    pub(super) fn report(&mut self, violation: Violation) {
        self.verdict.violations.push(violation);
    }

    /// The exceptions that let `crate_name` reach `to`, with their positions in the table.
    pub(super) fn exceptions_for(&self, crate_name: &str, to: &str) -> Vec<(usize, &'a Exception)> {
        let excuses = |exception: &Exception| {
            exception.crate_name == crate_name
                && exception.to.as_ref().is_none_or(|pattern| pattern.matches(to))
        };
        self.rules.exceptions.iter().enumerate().filter(|(_, exception)| excuses(exception)).collect()
    }

    /// Whether the table excuses a direct dependency; notes the exception as used.
    pub(super) fn excuses_direct(&mut self, crate_name: &str, to: &str) -> bool {
        let found = self.exceptions_for(crate_name, to).into_iter().find(|(_, e)| e.via.is_none());
        match found {
            Some((position, _)) => {
                self.note_excused(position, to);
                true
            }
            None => false,
        }
    }

    /// Notes that the exception at `position` was needed to reach `to`.
    pub(super) fn note_excused(&mut self, position: usize, to: &str) {
        let exception = &self.rules.exceptions[position];
        self.used[position] = true;
        let excused = Excused {
            crate_name: exception.crate_name.clone(),
            to: to.to_owned(),
            via: exception.via.as_ref().map(ToString::to_string),
            reason: exception.reason.clone(),
        };
        if !self.verdict.excused.contains(&excused) {
            self.verdict.excused.push(excused);
        }
    }

    /// Exceptions that excused nothing.
    pub(super) fn unused_exceptions(&self) -> Vec<&'a Exception> {
        self.rules.exceptions.iter().zip(&self.used).filter(|(_, used)| !**used).map(|(e, _)| e).collect()
    }

    /// The path of a declared dependency of the package at `from`.
    pub(super) fn direct_path(&self, from: usize, declared: &Declared) -> Vec<Hop> {
        let version = self.graph.resolved(from, declared).map(|package| package.version.clone());
        vec![
            Hop::start(&self.graph.packages[from]),
            Hop {
                name: declared.name.clone(),
                version: version.unwrap_or_default(),
                manner: Some(declared.manner()),
            },
        ]
    }

    /// Every declared dependency of every member: position of the member, the member, the declaration.
    pub(super) fn declarations(&self) -> Vec<(usize, &'a Package, &'a Declared)> {
        let graph = self.graph;
        let of_member = |(position, package, _)| {
            let package: &'a Package = package;
            package.declared.iter().map(move |declared| (position, package, declared))
        };
        graph.members().into_iter().flat_map(of_member).collect()
    }
}
