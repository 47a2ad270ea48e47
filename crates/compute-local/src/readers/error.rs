//! What can be wrong with a file of rows. Lines count from 1.

use std::io;

use super::ColumnType;

/// Why a file of rows could not be read to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The bytes could not be read.
    #[error("line {line}: the file could not be read")]
    Io {
        /// The line that was being read.
        line: u64,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The text is not JSON where JSON must stand.
    #[error("line {line}, column {column}: {message}")]
    Json {
        /// Where.
        line: u64,
        /// Byte of the line, from 1.
        column: u64,
        /// What is wrong there.
        message: String,
    },
    /// A row is longer than it may be.
    #[error("line {line}: the row that starts here is longer than {limit_bytes} bytes")]
    RowTooLong {
        /// Where the row starts.
        line: u64,
        /// How long it may be.
        limit_bytes: usize,
    },
    /// The text is not CSV.
    #[error("line {line}: {message}")]
    Csv {
        /// Where the record starts.
        line: u64,
        /// What is wrong with it.
        message: String,
    },
    /// The first line of a CSV file cannot serve as its header.
    #[error("the header is not usable: {message}")]
    Header {
        /// Which column, and why.
        message: String,
    },
    /// A value is not of its column's type.
    #[error("line {line}, column '{column}': {value:?} is not {}", wanted.described())]
    Value {
        /// Where the record starts.
        line: u64,
        /// The column's name.
        column: String,
        /// The text that stands there, cut if it is long.
        value: String,
        /// The column's type.
        wanted: ColumnType,
    },
}
