//! The boundaries between the crates of a workspace: the table, the graph, and the check of one against the other.

mod check;
mod graph;
mod load;
mod path;
mod pattern;
mod report;
mod rules;
mod verdict;

#[cfg(test)]
mod deny_agreement;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod planted;

pub(crate) use check::check;
pub(crate) use graph::{Graph, Kind};
pub(crate) use load::{load_graph, load_rules};
pub(crate) use report::{Format, render};
pub(crate) use rules::Rules;
