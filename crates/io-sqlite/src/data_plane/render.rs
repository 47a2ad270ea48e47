//! Rows of a result as newline-delimited JSON, written straight from SQLite's memory.

use lorchestra_json::RowBatchBuilder;
use rusqlite::types::ValueRef;
use rusqlite::{Row, Statement};
use storacle_client::StoracleError;
use storacle_client::table::ColumnType;

use super::{ddl, value};

/// How a column's values become JSON.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// As SQLite holds them.
    Plain,
    /// 0 and 1 are false and true.
    Bool,
    /// Text is compact JSON that we wrote, and stands in the row as it is.
    Json,
    /// Text is said to be JSON, and is checked.
    ParsedJson,
}

/// Writes the rows of one result.
pub(super) struct Renderer {
    /// `{"name":` and `,"name":`, and the form.
    columns: Vec<(Vec<u8>, Form)>,
    names: Vec<String>,
    line: Vec<u8>,
    number: u64,
}

impl Renderer {
    /// For the result of `statement`; text of the columns `parse` is to be parsed.
    ///
    /// # Errors
    /// `InvalidQuery` when two columns have one name.
    pub(super) fn new(statement: &Statement<'_>, parse: &[String]) -> Result<Self, StoracleError> {
        let mut columns: Vec<(Vec<u8>, Form)> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for column in statement.columns() {
            let name = column.name().to_owned();
            if names.contains(&name) {
                return Err(StoracleError::InvalidQuery {
                    message: format!("two columns of the result are called '{name}'; rename one by AS"),
                    position: None,
                });
            }
            let mut prefix = vec![if names.is_empty() { b'{' } else { b',' }];
            append(&mut prefix, name.as_str());
            prefix.push(b':');
            let ours = ddl::declared_type(ColumnType::Json);
            let form = match column.decl_type() {
                Some(declared) if declared == ours => Form::Json,
                _ if parse.contains(&name) => Form::ParsedJson,
                Some(declared) if ddl::logical_type(declared) == ColumnType::Json => Form::ParsedJson,
                Some(declared) if ddl::logical_type(declared) == ColumnType::Bool => Form::Bool,
                _ => Form::Plain,
            };
            columns.push((prefix, form));
            names.push(name);
        }
        Ok(Self { columns, names, line: Vec::new(), number: 0 })
    }

    /// Adds `row` to `batch`.
    ///
    /// # Errors
    /// `SchemaMismatch` naming row and column when a value cannot be JSON.
    pub(super) fn push(&mut self, row: &Row<'_>, batch: &mut RowBatchBuilder) -> Result<(), StoracleError> {
        self.number += 1;
        self.line.clear();
        for (at, (prefix, form)) in self.columns.iter().enumerate() {
            self.line.extend_from_slice(prefix);
            let outcome = match row.get_ref(at) {
                Ok(value) => write(value, *form, &mut self.line),
                Err(error) => Err(error.to_string()),
            };
            outcome.map_err(|reason| StoracleError::SchemaMismatch {
                message: format!("row {} of the result, column '{}': {reason}", self.number, self.names[at]),
            })?;
        }
        self.line.push(b'}');
        batch.push_line(&self.line);
        Ok(())
    }
}

fn write(value: ValueRef<'_>, form: Form, out: &mut Vec<u8>) -> Result<(), String> {
    match value {
        ValueRef::Null => out.extend_from_slice(b"null"),
        ValueRef::Integer(0) if form == Form::Bool => out.extend_from_slice(b"false"),
        ValueRef::Integer(1) if form == Form::Bool => out.extend_from_slice(b"true"),
        ValueRef::Integer(integer) => append(out, &integer),
        ValueRef::Real(double) if double.is_finite() => append(out, &double),
        ValueRef::Real(_) => return Err("an infinite number is no JSON".to_owned()),
        ValueRef::Text(text) if form == Form::Json => {
            // a line break outside of strings is white space: another program may have written it
            let line_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
            if text.iter().any(line_break) {
                out.extend(text.iter().map(|byte| if line_break(byte) { b' ' } else { *byte }));
            } else {
                out.extend_from_slice(text);
            }
        }
        ValueRef::Text(text) if form == Form::ParsedJson => {
            value::rewrite(text, out).map_err(|error| format!("its text is no JSON: {error}"))?;
        }
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).map_err(|_| "its text is not UTF-8".to_owned())?;
            append(out, text);
        }
        ValueRef::Blob(_) => return Err("a blob is no JSON; select hex() of it".to_owned()),
    }
    Ok(())
}

/// Appends a scalar as JSON.
fn append<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, scalar: &T) {
    // text, integers and finite doubles always serialise, and a Vec takes every byte
    let written = serde_json::to_writer(out, scalar);
    debug_assert!(written.is_ok(), "a scalar is JSON");
}
