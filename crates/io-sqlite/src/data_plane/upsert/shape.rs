//! The statements for rows of one shape. Rows of a shape name the same columns; which others are stamped, which an
//! existing row keeps and which are compared follows from that alone.

use rusqlite::{Connection, Statement};
use storacle_client::table::{Column, Stamp};

use super::super::catalog::Stored;
use super::super::ddl::quoted;
use super::super::value::{Cell, RowReader};

/// Where the value of a parameter comes from.
#[derive(Clone, Copy)]
enum Source {
    Column(usize),
    /// The time of the write.
    Now,
    /// The run's clock.
    RunTime,
    /// The row id given with the call.
    RowId,
}

/// Values that are the same for every row of a write.
pub(super) struct Times {
    pub(super) now: String,
    pub(super) run: String,
}

/// A statement and what its parameters are.
pub(super) struct Bound<'c> {
    statement: Statement<'c>,
    sources: Vec<Source>,
}

impl<'c> Bound<'c> {
    fn prepare(connection: &'c Connection, sql: &str, sources: Vec<Source>) -> rusqlite::Result<Self> {
        Ok(Self { statement: connection.prepare(sql)?, sources })
    }

    fn bind(&mut self, row: &RowReader<'_>, times: &Times, row_id: i64) -> rusqlite::Result<()> {
        for (position, source) in self.sources.iter().enumerate() {
            let at = position + 1;
            match source {
                Source::Column(column) => self.statement.raw_bind_parameter(at, row.bind(*column))?,
                Source::Now => self.statement.raw_bind_parameter(at, times.now.as_str())?,
                Source::RunTime => self.statement.raw_bind_parameter(at, times.run.as_str())?,
                Source::RowId => self.statement.raw_bind_parameter(at, row_id)?,
            }
        }
        Ok(())
    }

    /// Executes it for `row`; how many rows it changed.
    pub(super) fn execute(
        &mut self,
        row: &RowReader<'_>,
        times: &Times,
        row_id: i64,
    ) -> rusqlite::Result<usize> {
        self.bind(row, times, row_id)?;
        self.statement.raw_execute()
    }
}

/// The statements of one shape.
pub(super) struct Shape<'c> {
    /// Of each column: whether the rows name it.
    present: Vec<bool>,
    /// Inserts the row; does nothing when its key is there.
    pub(super) insert: Bound<'c>,
    /// Row id and equality of the row that has the key.
    probe: Bound<'c>,
    /// Sets what the row names and what a change stamps.
    pub(super) update: Option<Bound<'c>>,
    /// Sets what is stamped whether or not the row changed.
    pub(super) freshen: Option<Bound<'c>>,
    /// A required column that the rows leave out: they can only update.
    pub(super) missing: Option<usize>,
}

impl<'c> Shape<'c> {
    /// The statements for rows like the one just read.
    pub(super) fn prepare(
        connection: &'c Connection,
        stored: &Stored,
        key: usize,
        keeps: &[bool],
        cells: &[Cell],
    ) -> rusqlite::Result<Self> {
        let columns = &stored.schema.columns;
        let table = quoted(&stored.schema.table);
        let present: Vec<bool> = cells.iter().map(|cell| *cell != Cell::Absent).collect();
        let key_name = quoted(&columns[key].name);

        let stamped_on_insert = |column: &Column| {
            column.stamp.map(|stamp| match stamp {
                Stamp::Insert | Stamp::Change => Source::Now,
                Stamp::Always => Source::RunTime,
            })
        };
        let inserted = assignments(columns, |at, column| {
            if present[at] { Some(Source::Column(at)) } else { stamped_on_insert(column) }
        });
        let names: Vec<&str> = inserted.iter().map(|(name, _)| name.as_str()).collect();
        let places = vec!["?"; names.len()].join(", ");
        let insert = Bound::prepare(
            connection,
            &format!(
                "INSERT INTO {table} ({}) VALUES ({places}) ON CONFLICT ({key_name}) DO NOTHING",
                names.join(", ")
            ),
            inserted.iter().map(|(_, source)| *source).collect(),
        )?;

        let given = |at: usize| present[at] && at != key && !keeps[at];
        let compared = assignments(columns, |at, column| {
            (given(at) && column.stamp.is_none()).then_some(Source::Column(at))
        });
        let equal: Vec<String> = compared.iter().map(|(name, _)| format!("{name} IS ?")).collect();
        let equal = if equal.is_empty() { "1".to_owned() } else { equal.join(" AND ") };
        let probe = Bound::prepare(
            connection,
            &format!("SELECT _rowid_, {equal} FROM {table} WHERE {key_name} = ?"),
            compared.iter().map(|(_, source)| *source).chain([Source::Column(key)]).collect(),
        )?;

        let updated = assignments(columns, |at, column| match column.stamp {
            _ if given(at) => Some(Source::Column(at)),
            _ if present[at] || keeps[at] => None,
            Some(Stamp::Change) => Some(Source::Now),
            Some(Stamp::Always) => Some(Source::RunTime),
            Some(Stamp::Insert) | None => None,
        });
        let freshened = assignments(columns, |at, column| match column.stamp {
            Some(Stamp::Always) if given(at) => Some(Source::Column(at)),
            Some(Stamp::Always) if !present[at] && !keeps[at] => Some(Source::RunTime),
            _ => None,
        });
        let missing = (0..columns.len()).find(|at| {
            let column = &columns[*at];
            column.required && !present[*at] && !stored.has_default[*at] && column.stamp.is_none()
        });
        Ok(Self {
            insert,
            probe,
            update: set(connection, &table, &updated)?,
            freshen: set(connection, &table, &freshened)?,
            missing,
            present,
        })
    }

    /// Whether a row with these cells is of this shape.
    pub(super) fn fits(&self, cells: &[Cell]) -> bool {
        self.present.iter().zip(cells).all(|(present, cell)| *present == (*cell != Cell::Absent))
    }

    /// The row id of the stored row with `row`'s key, and whether it is equal in all that is compared.
    pub(super) fn find(
        &mut self,
        row: &RowReader<'_>,
        times: &Times,
    ) -> rusqlite::Result<Option<(i64, bool)>> {
        self.probe.bind(row, times, 0)?;
        let mut found = self.probe.statement.raw_query();
        match found.next()? {
            Some(found) => Ok(Some((found.get(0)?, found.get(1)?))),
            None => Ok(None),
        }
    }
}

/// Quoted name and source of the columns that `choose` gives a source.
fn assignments(
    columns: &[Column],
    choose: impl Fn(usize, &Column) -> Option<Source>,
) -> Vec<(String, Source)> {
    columns
        .iter()
        .enumerate()
        .filter_map(|(at, column)| choose(at, column).map(|source| (quoted(&column.name), source)))
        .collect()
}

/// `UPDATE … SET … WHERE _rowid_ = ?`; `None` when there is nothing to set.
fn set<'c>(
    connection: &'c Connection,
    table: &str,
    assigned: &[(String, Source)],
) -> rusqlite::Result<Option<Bound<'c>>> {
    if assigned.is_empty() {
        return Ok(None);
    }
    let places: Vec<String> = assigned.iter().map(|(name, _)| format!("{name} = ?")).collect();
    let sql = format!("UPDATE {table} SET {} WHERE _rowid_ = ?", places.join(", "));
    let sources = assigned.iter().map(|(_, source)| *source).chain([Source::RowId]).collect();
    Bound::prepare(connection, &sql, sources).map(Some)
}
