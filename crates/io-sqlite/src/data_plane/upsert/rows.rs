//! What an upsert does with each row: insert, update or leave as it is; and what it refuses.

use lorchestra_json::RowBatch;
use rusqlite::Connection;
use rusqlite::ffi::ErrorCode;
use storacle_client::{StoracleError, UpsertCounts};

use super::super::catalog::{self, Stored};
use super::super::closest::suggest;
use super::super::error;
use super::super::value::{Cell, RowReader};
use super::Upsert;
use super::shape::{Shape, Times};
use super::touched::Touched;

/// So many shapes of rows are kept prepared; a write with more prepares again.
const SHAPES_KEPT: usize = 32;

/// Writes the rows of one upsert.
pub(super) struct RowWriter<'c> {
    connection: &'c Connection,
    stored: &'c Stored,
    last_duplicate_wins: bool,
    key: usize,
    /// Of each column: whether an existing row keeps it.
    keeps: Vec<bool>,
    times: Times,
    row: RowReader<'c>,
    shapes: Vec<Shape<'c>>,
    /// The shape of the row before: mostly it is this row's too.
    current: usize,
    touched: Touched,
    /// Whether the row before was there: mostly this one is, or is not, too, and one statement less is needed.
    expect_existing: bool,
    counts: UpsertCounts,
}

/// What became of a row.
enum Outcome {
    Inserted,
    Updated,
    Unchanged,
}

impl<'c> RowWriter<'c> {
    pub(super) fn new(
        connection: &'c Connection,
        stored: &'c Stored,
        upsert: &Upsert,
    ) -> Result<Self, StoracleError> {
        let key = column(stored, &upsert.spec.idem_key_field)?;
        let table = &stored.schema.table;
        let name = &stored.schema.columns[key].name;
        if !catalog::is_unique(connection, table, name).map_err(|error| error::of_write(&error))? {
            return Err(StoracleError::SchemaMismatch {
                message: format!(
                    "'{name}' does not identify the rows of '{table}': its key is ({}), and it has no unique \
                     index over '{name}' alone",
                    stored.schema.primary_key.join(", ")
                ),
            });
        }
        let mut keeps = vec![false; stored.schema.columns.len()];
        for name in &upsert.spec.skip_update_columns {
            keeps[column(stored, name)?] = true;
        }
        let now = upsert.now.to_string();
        let run = match upsert.meta.run_started_at_us {
            Some(micros) => lorchestra_core::clock::Timestamp::from_micros(micros).to_string(),
            None => now.clone(),
        };
        Ok(Self {
            connection,
            stored,
            last_duplicate_wins: upsert.spec.last_duplicate_wins,
            key,
            keeps,
            times: Times { now, run },
            row: RowReader::new(&stored.schema),
            shapes: Vec::new(),
            current: 0,
            touched: Touched::default(),
            expect_existing: false,
            counts: UpsertCounts::default(),
        })
    }

    /// Writes all rows of a batch.
    pub(super) fn write(&mut self, batch: &RowBatch) -> Result<(), StoracleError> {
        for line in batch.lines() {
            let number = self.counts.total + 1;
            self.row.read(line, number)?;
            if matches!(self.row.cells()[self.key], Cell::Absent | Cell::Null) {
                return Err(StoracleError::SchemaMismatch {
                    message: format!(
                        "row {number} has no key: column '{}' is missing or null",
                        self.stored.schema.columns[self.key].name
                    ),
                });
            }
            let outcome = self.write_row(number)?;
            self.counts.total = number;
            match outcome {
                Outcome::Inserted => self.counts.inserted += 1,
                Outcome::Updated => self.counts.updated += 1,
                Outcome::Unchanged => self.counts.unchanged += 1,
            }
        }
        Ok(())
    }

    /// What was done.
    pub(super) fn finish(self) -> UpsertCounts {
        self.counts
    }

    fn write_row(&mut self, number: u64) -> Result<Outcome, StoracleError> {
        let sqlite = |error: rusqlite::Error| refuse(number, &error);
        let at = self.shape().map_err(sqlite)?;
        let shape = &mut self.shapes[at];
        let row = &self.row;
        if shape.missing.is_none() && !self.expect_existing {
            if shape.insert.execute(row, &self.times, 0).map_err(sqlite)? == 1 {
                self.touched.insert(self.connection.last_insert_rowid(), number);
                return Ok(Outcome::Inserted);
            }
            self.expect_existing = true;
        }
        let Some((row_id, is_equal)) = shape.find(row, &self.times).map_err(sqlite)? else {
            if let Some(column) = shape.missing {
                return Err(self.refuse_missing(number, column));
            }
            self.expect_existing = false;
            shape.insert.execute(row, &self.times, 0).map_err(sqlite)?;
            self.touched.insert(self.connection.last_insert_rowid(), number);
            return Ok(Outcome::Inserted);
        };
        if !self.touched.meet(row_id, number) && !self.last_duplicate_wins {
            return Err(self.refuse_duplicate(number, row_id));
        }
        let (statement, outcome) = if is_equal {
            (&mut shape.freshen, Outcome::Unchanged)
        } else {
            (&mut shape.update, Outcome::Updated)
        };
        if let Some(statement) = statement {
            statement.execute(row, &self.times, row_id).map_err(sqlite)?;
        }
        Ok(outcome)
    }

    /// The position of the row's shape, prepared.
    fn shape(&mut self) -> rusqlite::Result<usize> {
        let cells = self.row.cells();
        let is_current = self.shapes.get(self.current).is_some_and(|shape| shape.fits(cells));
        if !is_current {
            self.current = match self.shapes.iter().position(|shape| shape.fits(cells)) {
                Some(known) => known,
                None => {
                    if self.shapes.len() == SHAPES_KEPT {
                        self.shapes.remove(0);
                    }
                    let shape = Shape::prepare(self.connection, self.stored, self.key, &self.keeps, cells)?;
                    self.shapes.push(shape);
                    self.shapes.len() - 1
                }
            };
        }
        Ok(self.current)
    }

    fn refuse_missing(&self, number: u64, column: usize) -> StoracleError {
        let schema = &self.stored.schema;
        StoracleError::SchemaMismatch {
            message: format!(
                "row {number}, column '{}': it is missing; '{}' requires a value",
                schema.columns[column].name, schema.table
            ),
        }
    }

    fn refuse_duplicate(&self, number: u64, row_id: i64) -> StoracleError {
        let first = match self.touched.first(row_id) {
            Some(first) => format!("row {first}"),
            None => "an earlier row".to_owned(),
        };
        StoracleError::Conflict {
            message: format!(
                "the key {} = {} occurs twice in one write to '{}': in {first} and in row {number}",
                self.stored.schema.columns[self.key].name,
                self.row.show(self.key),
                self.stored.schema.table
            ),
        }
    }
}

/// The position of the column called `name`.
fn column(stored: &Stored, name: &str) -> Result<usize, StoracleError> {
    let columns = &stored.schema.columns;
    columns.iter().position(|column| column.name == name).ok_or_else(|| {
        let known = columns.iter().map(|column| column.name.as_str());
        StoracleError::NotFound {
            message: format!(
                "'{}' has no column '{name}'{}",
                stored.schema.table,
                suggest(name, known, "columns")
            ),
        }
    })
}

/// An error of SQLite at one row; a constraint names the row that broke it.
fn refuse(number: u64, problem: &rusqlite::Error) -> StoracleError {
    match error::code(problem) {
        Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig) => {
            StoracleError::SchemaMismatch { message: format!("row {number}: {}", error::text(problem)) }
        }
        _ => error::of_write(problem),
    }
}
