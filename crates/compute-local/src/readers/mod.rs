//! Files of rows as row batches: NDJSON, JSON, CSV.
//!
//! Each reader is an iterator over batches that reads as far as it is asked, in memory bounded by a batch and a row. It
//! reads what it is given and opens nothing. After its first error it ends; that error says on which line.

mod cell;
mod check;
mod csv;
mod error;
mod json;
mod ndjson;
mod source;

pub use self::cell::ColumnType;
pub use self::csv::{CsvColumn, CsvOptions, CsvRows, csv, infer_csv_types};
pub use self::error::ReadError;
pub use self::json::{JsonRows, json};
pub use self::ndjson::{NdjsonRows, ndjson};

/// How long one row of a file may be, unless the caller says otherwise.
pub const DEFAULT_MAX_ROW_BYTES: usize = 16 << 20;
