//! Passthrough SQL: judged by the parser, its tables renamed, its values bound. That nothing is written, the
//! connection guarantees once more. Errors are told with the place in the text as its author wrote it.

use std::collections::BTreeSet;

use rusqlite::Connection;
use storacle_client::builder::Dialect;
use storacle_client::passthrough::{check_parameters, judge};
use storacle_client::{SqlQuery, StoracleError};

use super::query::Reading;
use super::{catalog, error};

/// What may stand where a table stands without being one. Everything else without a dataset is SQLite's or ours.
const TABLE_FUNCTIONS: [&str; 2] = ["json_each", "json_tree"];

/// The statement, and the tables it reads.
pub(super) fn prepare(query: &SqlQuery) -> Result<(Reading, BTreeSet<String>), StoracleError> {
    let judged = judge(&query.sql, Dialect::Sqlite)?;
    check_parameters(&judged, query.params.keys())?;
    for name in &judged.tables {
        let is_function = TABLE_FUNCTIONS.iter().any(|function| name.eq_ignore_ascii_case(function));
        if !name.contains('.') && !is_function {
            return Err(StoracleError::NotFound {
                message: format!("there is no table '{name}': a table is called dataset.table"),
            });
        }
    }
    let written = query.sql.clone();
    let explain = Box::new(move |connection: &Connection, problem: &rusqlite::Error| {
        explain(connection, &written, problem)
    });
    let query = SqlQuery { sql: judged.sql, params: query.params.clone() };
    Ok((Reading { query, parse_json_columns: Vec::new(), explain }, judged.tables))
}

fn explain(connection: &Connection, written: &str, problem: &rusqlite::Error) -> StoracleError {
    let text = error::text(problem);
    if let Some(table) = text.strip_prefix("no such table: ") {
        return catalog::not_found(connection, table);
    }
    let position = match problem {
        rusqlite::Error::SqlInputError { sql, offset, .. } => {
            usize::try_from(*offset).ok().and_then(|offset| place(written, sql, offset))
        }
        _ => None,
    };
    match error::of_read(problem) {
        StoracleError::InvalidQuery { message, .. } => {
            let message = match position {
                Some((line, column)) => format!("{message} (line {line}, column {column} of the SQL)"),
                None => message,
            };
            StoracleError::InvalidQuery { message, position }
        }
        other => other,
    }
}

/// The line and column (in characters, from 1) in `written` of the byte `offset` in `sent`. The two differ in quotes
/// around the names of tables and in the white space between the names' parts, nowhere else.
fn place(written: &str, sent: &str, offset: usize) -> Option<(u64, u64)> {
    const QUOTES: [char; 4] = ['"', '`', '[', ']'];
    let is_common = |c: &char| !QUOTES.contains(c) && !c.is_whitespace();
    let (before, after) = sent.split_at_checked(offset)?;
    let before = before.chars().filter(is_common).count();
    let mut at = written.char_indices().filter(|(_, c)| is_common(c)).nth(before)?.0;
    if after.starts_with(QUOTES) && written[..at].ends_with(QUOTES) {
        at -= 1;
    }
    let line_start = written[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = written[..at].matches('\n').count() + 1;
    let column = written[line_start..at].chars().count() + 1;
    Some((u64::try_from(line).ok()?, u64::try_from(column).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_sent_text_is_found_in_the_written_one() {
        let written = "SELECT a\nFROM `raw.x` AS é, raw . y\nWHERE nope = 1";
        let sent = "SELECT a\nFROM \"raw.x\" AS é, \"raw.y\"\nWHERE nope = 1";
        let find = |name: &str| place(written, sent, sent.find(name).unwrap());
        assert_eq!(find("SELECT"), Some((1, 1)));
        assert_eq!(find("nope"), Some((3, 7)));
        assert_eq!(find("AS é"), Some((2, 14)));
        assert_eq!(place(written, sent, sent.len()), None);
        assert_eq!(place(written, sent, 10_000), None);
    }
}
