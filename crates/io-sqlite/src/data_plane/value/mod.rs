//! Rows of JSON as cells of a table, and JSON values as parameters of a statement. Nothing here runs SQL.

mod cell;
mod json;
mod param;
mod row;

pub(super) use cell::Cell;
pub(super) use json::rewrite;
pub(super) use param::bindable;
pub(super) use row::RowReader;
