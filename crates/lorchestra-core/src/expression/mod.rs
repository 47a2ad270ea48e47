//! The expression language of `if`, `when` and `${}` (jobs.md §2): small, total, with Jinja's syntax.
//!
//! Literals, lists, references with or without `@`, `steps.<id>.status`, `== != < <= > >= in not in and or not`,
//! `is [not] defined`, `is [not] none`, `length(x)` (also `x | length`), parentheses. There are no other filters, no
//! calls, no loops, no arithmetic and no coercion: unlike kinds are not compared, they are an error. Reading ends
//! on every text, and judging costs no more than the text and the values are long.

mod ast;
mod check;
mod eval;
mod lexer;
mod order;
mod parser;

pub use ast::{Expr, Name, Occurrence};
pub use check::{Known, Problem};
