//! Reads rows of one table from their JSON text into cells. Buffers are kept from row to row: a row costs no allocation.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use storacle_client::StoracleError;
use storacle_client::table::TableSchema;

use super::super::closest::suggest;
use super::cell::{BoundCell, Cell, CellSeed, Misfit};

/// Reads rows of one table.
pub(in crate::data_plane) struct RowReader<'t> {
    schema: &'t TableSchema,
    cells: Vec<Cell>,
    texts: Vec<u8>,
}

/// What is wrong with a row that is JSON.
enum Problem {
    UnknownColumn(String),
    Twice(usize),
    Misfit(usize, Misfit),
    NullRefused(usize),
}

impl<'t> RowReader<'t> {
    pub(in crate::data_plane) fn new(schema: &'t TableSchema) -> Self {
        Self { schema, cells: vec![Cell::Absent; schema.columns.len()], texts: Vec::new() }
    }

    /// Reads `line`, which is row `number` (from 1) of the write.
    pub(in crate::data_plane) fn read(&mut self, line: &[u8], number: u64) -> Result<(), StoracleError> {
        self.cells.fill(Cell::Absent);
        self.texts.clear();
        let mut problem = None;
        let mut deserializer = serde_json::Deserializer::from_slice(line);
        let seed = RowSeed {
            schema: self.schema,
            cells: &mut self.cells,
            texts: &mut self.texts,
            problem: &mut problem,
        };
        let outcome = seed.deserialize(&mut deserializer).and_then(|()| deserializer.end());
        match (outcome, problem) {
            (Ok(()), _) => Ok(()),
            (Err(_), Some(problem)) => Err(self.refuse(number, problem)),
            (Err(error), None) => Err(StoracleError::SchemaMismatch {
                message: format!("row {number} is not a JSON object: {error}"),
            }),
        }
    }

    /// The cells of the row read last, in the order of the table's columns.
    pub(in crate::data_plane) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Cell `column` as SQLite takes it.
    pub(in crate::data_plane) fn bind(&self, column: usize) -> BoundCell<'_> {
        self.cells[column].bind(&self.texts)
    }

    /// Cell `column` for messages.
    pub(in crate::data_plane) fn show(&self, column: usize) -> String {
        match &self.cells[column] {
            Cell::Absent | Cell::Null => "null".to_owned(),
            Cell::Int(integer) => integer.to_string(),
            Cell::Float(double) => double.to_string(),
            Cell::Text(range) => format!("{:?}", String::from_utf8_lossy(&self.texts[range.clone()])),
        }
    }

    fn refuse(&self, number: u64, problem: Problem) -> StoracleError {
        let table = &self.schema.table;
        let name = |column: usize| &self.schema.columns[column].name;
        let message = match problem {
            Problem::UnknownColumn(unknown) => {
                let known = self.schema.columns.iter().map(|column| column.name.as_str());
                format!(
                    "row {number}: '{table}' has no column '{unknown}'{}",
                    suggest(&unknown, known, "columns")
                )
            }
            Problem::Twice(column) => format!("row {number}: column '{}' stands there twice", name(column)),
            Problem::Misfit(column, Misfit { shown, expected }) => format!(
                "row {number}, column '{}': {shown} does not fit; '{table}' takes {expected}",
                name(column)
            ),
            Problem::NullRefused(column) => {
                format!(
                    "row {number}, column '{}': null does not fit; '{table}' requires a value",
                    name(column)
                )
            }
        };
        StoracleError::SchemaMismatch { message }
    }
}

struct RowSeed<'r> {
    schema: &'r TableSchema,
    cells: &'r mut [Cell],
    texts: &'r mut Vec<u8>,
    problem: &'r mut Option<Problem>,
}

impl RowSeed<'_> {
    fn refuse<T, E: Error>(&mut self, problem: Problem) -> Result<T, E> {
        *self.problem = Some(problem);
        Err(E::custom("the row does not fit"))
    }
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of column to value")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let schema = self.schema;
        // rows name their columns in one order, mostly: the search begins behind the last one found
        let mut next = 0;
        while let Some(key) = members.next_key_seed(KeySeed { schema, next })? {
            let column = match key {
                Ok(column) => column,
                Err(unknown) => {
                    members.next_value::<IgnoredAny>()?;
                    return self.refuse(Problem::UnknownColumn(unknown));
                }
            };
            if self.cells[column] != Cell::Absent {
                return self.refuse(Problem::Twice(column));
            }
            let declared = &schema.columns[column];
            let mut misfit = None;
            let seed = CellSeed { column_type: declared.column_type, texts: self.texts, misfit: &mut misfit };
            let outcome = members.next_value_seed(seed);
            if let Some(misfit) = misfit {
                return self.refuse(Problem::Misfit(column, misfit));
            }
            let cell = outcome?;
            if cell == Cell::Null && declared.required {
                return self.refuse(Problem::NullRefused(column));
            }
            self.cells[column] = cell;
            next = column + 1;
        }
        Ok(())
    }
}

/// Finds the column a member names; `Err` is a name the table does not have.
struct KeySeed<'r> {
    schema: &'r TableSchema,
    next: usize,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Result<usize, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = Result<usize, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        let columns = &self.schema.columns;
        let found = (self.next..columns.len()).chain(0..self.next).find(|at| columns[*at].name == name);
        Ok(found.ok_or_else(|| name.to_owned()))
    }
}
