//! Holds a graph against the table. Pure: no cargo, no files, no output.

mod context;
mod features;
mod inherit;
mod never;
mod only;
mod owns;
mod table;
mod uses;

#[cfg(test)]
mod tests;

use super::graph::Graph;
use super::rules::Rules;
use super::verdict::Verdict;
use context::Context;

/// Everything in `graph` that `rules` do not allow.
pub(crate) fn check(graph: &Graph, rules: &Rules) -> Verdict {
    let mut context = Context::new(graph, rules);
    table::check(&mut context);
    uses::check(&mut context);
    owns::check(&mut context);
    never::check(&mut context);
    only::check(&mut context);
    features::check(&mut context);
    inherit::check(&mut context);
    table::check_exceptions(&mut context);
    context.verdict
}
