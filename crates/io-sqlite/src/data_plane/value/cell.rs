//! One value of a row, made to fit its column, or refused.

use std::fmt;
use std::ops::Range;

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use storacle_client::table::ColumnType;

use super::super::time;
use super::json::Rewrite;

/// What a row holds for one column; texts stand in the row's shared buffer.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::data_plane) enum Cell {
    /// The row does not name the column.
    #[default]
    Absent,
    /// null.
    Null,
    /// INT64, and BOOL as 0 and 1.
    Int(i64),
    /// FLOAT64.
    Float(f64),
    /// All others, as text.
    Text(Range<usize>),
}

impl Cell {
    /// The cell as SQLite takes it.
    pub(super) fn bind<'b>(&self, texts: &'b [u8]) -> BoundCell<'b> {
        BoundCell(match self {
            Self::Absent | Self::Null => ValueRef::Null,
            Self::Int(integer) => ValueRef::Integer(*integer),
            Self::Float(double) => ValueRef::Real(*double),
            Self::Text(range) => ValueRef::Text(&texts[range.clone()]),
        })
    }
}

/// A cell on its way into a statement.
pub(in crate::data_plane) struct BoundCell<'b>(ValueRef<'b>);

impl ToSql for BoundCell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0))
    }
}

/// A value that does not fit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Misfit {
    /// The beginning of its text.
    pub(super) shown: String,
    /// What would fit.
    pub(super) expected: &'static str,
}

/// What fits a column, in words.
fn expected(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::String => "STRING, a text",
        ColumnType::Int64 => "INT64, an integer of 64 bits",
        ColumnType::Float64 => "FLOAT64, a number a double holds exactly",
        ColumnType::Bool => "BOOL, true or false",
        ColumnType::Timestamp => "TIMESTAMP, an RFC 3339 time with a zone, such as 2026-01-31T12:00:00Z",
        ColumnType::Date => "DATE, a date, such as 2026-01-31",
        ColumnType::Json => "JSON",
    }
}

/// Reads one value into a cell.
pub(super) struct CellSeed<'r> {
    pub(super) column_type: ColumnType,
    pub(super) texts: &'r mut Vec<u8>,
    /// Filled when the value is JSON and does not fit.
    pub(super) misfit: &'r mut Option<Misfit>,
}

impl CellSeed<'_> {
    fn misfit<E: Error>(self, shown: String) -> Result<Cell, E> {
        *self.misfit = Some(Misfit { shown, expected: expected(self.column_type) });
        Err(E::custom("a value does not fit"))
    }

    /// Appends by `write`, and gives the cell of what was appended.
    fn text<E>(texts: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<Cell, E> {
        let start = texts.len();
        write(texts)?;
        Ok(Cell::Text(start..texts.len()))
    }
}

impl<'de> DeserializeSeed<'de> for CellSeed<'_> {
    type Value = Cell;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cell, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CellSeed<'_> {
    type Value = Cell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(expected(self.column_type))
    }

    fn visit_unit<E: Error>(self) -> Result<Cell, E> {
        Ok(Cell::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Cell, E> {
        match self.column_type {
            ColumnType::Bool => Ok(Cell::Int(i64::from(value))),
            ColumnType::Json => Self::text(self.texts, |out| Rewrite(out).visit_bool(value)),
            _ => self.misfit(value.to_string()),
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Cell, E> {
        match self.column_type {
            ColumnType::Int64 => Ok(Cell::Int(value)),
            ColumnType::Float64 => match exact_double(value) {
                Some(double) => Ok(Cell::Float(double)),
                None => self.misfit(value.to_string()),
            },
            ColumnType::Json => Self::text(self.texts, |out| Rewrite(out).visit_i64(value)),
            _ => self.misfit(value.to_string()),
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Cell, E> {
        match (i64::try_from(value), self.column_type) {
            (Ok(value), _) => self.visit_i64(value),
            (Err(_), ColumnType::Json) => Self::text(self.texts, |out| Rewrite(out).visit_u64(value)),
            (Err(_), _) => self.misfit(value.to_string()),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Cell, E> {
        match self.column_type {
            ColumnType::Float64 => Ok(Cell::Float(value)),
            ColumnType::Int64 => match exact_integer(value) {
                Some(integer) => Ok(Cell::Int(integer)),
                None => self.misfit(value.to_string()),
            },
            ColumnType::Json => Self::text(self.texts, |out| Rewrite(out).visit_f64(value)),
            _ => self.misfit(value.to_string()),
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Cell, E> {
        let start = self.texts.len();
        let fits = match self.column_type {
            ColumnType::String => {
                self.texts.extend_from_slice(value.as_bytes());
                true
            }
            ColumnType::Timestamp => time::write_timestamp(value, self.texts),
            ColumnType::Date => {
                self.texts.extend_from_slice(value.as_bytes());
                time::is_date(value)
            }
            ColumnType::Json => return Self::text(self.texts, |out| Rewrite(out).visit_str(value)),
            ColumnType::Int64 | ColumnType::Float64 | ColumnType::Bool => false,
        };
        if fits { Ok(Cell::Text(start..self.texts.len())) } else { self.misfit(shown_text(value)) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Cell, A::Error> {
        if self.column_type == ColumnType::Json {
            return Self::text(self.texts, |out| Rewrite(out).visit_seq(items));
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        self.misfit("a list".to_owned())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Cell, A::Error> {
        if self.column_type == ColumnType::Json {
            return Self::text(self.texts, |out| Rewrite(out).visit_map(members));
        }
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.misfit("a map".to_owned())
    }
}

/// The double that is exactly this integer.
fn exact_double(integer: i64) -> Option<f64> {
    let double = integer as f64;
    // 2^63 as a double would come back as i64::MAX
    (double < 9_223_372_036_854_775_808.0 && double as i64 == integer).then_some(double)
}

/// The integer that is exactly this double: `3.0` is 3 in JSON, and many programs write it so. Beyond 2^53 a double no
/// longer tells which integer was meant.
fn exact_integer(double: f64) -> Option<i64> {
    const EXACT_UP_TO: f64 = 9_007_199_254_740_992.0;
    (double.fract() == 0.0 && double.abs() <= EXACT_UP_TO).then_some(double as i64)
}

fn shown_text(text: &str) -> String {
    const SHOWN: usize = 40;
    let start: String = text.chars().take(SHOWN).collect();
    let more = if start.len() < text.len() { "…" } else { "" };
    format!("{start:?}{more}")
}
