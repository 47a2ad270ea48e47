//! `if`, judged here, and `when`, checked here and judged in the run.

use crate::diagnostic::{Spanned, codes};
use crate::expression::Expr;
use crate::scope::ResolveError;

use super::pass::{Pass, Text};
use super::references::Site;

impl Pass<'_> {
    /// The value of an `if`; `None` when it is wrong, or its values are not known.
    pub(super) fn judge_if(&mut self, condition: &Spanned<String>) -> Option<bool> {
        let expr = self.condition(condition, Site::If)?;
        let known = expr.references().all(|reference| self.values.root(reference.ns).is_some());
        if !known {
            return None;
        }
        match expr.judge(&self.values) {
            Ok(holds) => Some(holds),
            Err(error) => {
                let code = match error {
                    ResolveError::Missing { .. } => codes::UNKNOWN_REFERENCE,
                    _ => codes::EXPRESSION_KIND,
                };
                let error = self.error(code, error.to_string(), condition.span);
                self.report(error);
                None
            }
        }
    }

    /// The text of a `when` as the run will read it.
    pub(super) fn when(&mut self, condition: &Spanned<String>, step: usize) -> String {
        let Some(mut expr) = self.condition(condition, Site::Dispatch(step)) else {
            return condition.value.clone();
        };
        if expr.change_references(&mut |reference| self.without_alias(reference)) {
            expr.to_string()
        } else {
            condition.value.clone()
        }
    }

    /// Reads and checks a condition; `None`, reported, when something is wrong with it.
    fn condition(&mut self, condition: &Spanned<String>, site: Site<'_>) -> Option<Expr> {
        let text = Text::of(condition);
        let expr = match Expr::parse(text.text) {
            Ok(expr) => expr,
            Err(error) => {
                let span = self.place(text, error.at.clone());
                let diagnostic = self.error(codes::EXPRESSION_SYNTAX, error.message, span);
                self.report(diagnostic.maybe_help(error.help));
                return None;
            }
        };
        if !self.check_names(&expr, text, 0, site) {
            return None;
        }
        let problems = expr.check_condition(&|reference| self.values.known_of(reference));
        let right = problems.is_empty();
        for problem in problems {
            let diagnostic = self.error(codes::EXPRESSION_KIND, problem.message, condition.span);
            self.report(diagnostic.maybe_help(problem.help));
        }
        right.then_some(expr)
    }
}
