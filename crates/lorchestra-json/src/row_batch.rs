//! Rows in motion: newline-delimited JSON in one shared buffer with the offset of each row.
//!
//! A batch is bytes first: a consumer that only passes rows on never parses them. It does not know tables or types.

use std::fmt;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A full batch holds at most this many bytes, unless a single row is larger than that.
pub const MAX_BATCH_BYTES: usize = 1 << 20;
/// A full batch holds at most this many rows.
pub const MAX_BATCH_ROWS: usize = 1024;

/// Rows as newline-delimited JSON: each row is one line, each line ends with `\n`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct RowBatch {
    bytes: Bytes,
    /// End of row i, after its newline.
    ends: Vec<u32>,
}

/// A row that is not JSON of the wanted shape.
#[derive(Debug)]
pub struct RowError {
    /// Position of the row in its batch, from 0.
    pub row: usize,
    source: serde_json::Error,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {} is not the JSON that is expected: {}", self.row, self.source)
    }
}

impl std::error::Error for RowError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl RowBatch {
    /// One batch of all `rows`, however many.
    #[must_use]
    pub fn of(rows: &[Value]) -> Self {
        let mut builder = RowBatchBuilder::default();
        for row in rows {
            builder.push(row);
        }
        builder.finish()
    }

    /// Splits newline-delimited JSON into rows; blank lines are left out and a missing last newline is forgiven.
    ///
    /// Lines are not parsed here, so a line that is no JSON shows when the row is read.
    #[must_use]
    pub fn from_ndjson(bytes: &[u8]) -> Self {
        let mut builder = RowBatchBuilder::default();
        for line in bytes.split(|byte| *byte == b'\n') {
            builder.push_line(line);
        }
        builder.finish()
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All rows as newline-delimited JSON.
    #[must_use]
    pub fn ndjson(&self) -> &Bytes {
        &self.bytes
    }

    /// The JSON text of each row, without its newline.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = &[u8]> + '_ {
        (0..self.len()).map(|row| self.line(row))
    }

    /// The JSON text of row `row`, shared with the batch.
    ///
    /// # Panics
    /// When `row` is not below `len()`.
    #[must_use]
    pub fn slice(&self, row: usize) -> Bytes {
        let (start, end) = self.bounds(row);
        self.bytes.slice(start..end)
    }

    /// Row `row` as `T`.
    ///
    /// # Errors
    /// When the row's text is not JSON of that shape.
    ///
    /// # Panics
    /// When `row` is not below `len()`.
    pub fn row<T: DeserializeOwned>(&self, row: usize) -> Result<T, RowError> {
        serde_json::from_slice(self.line(row)).map_err(|source| RowError { row, source })
    }

    /// Every row as `T`, in order.
    pub fn rows<T: DeserializeOwned>(&self) -> impl Iterator<Item = Result<T, RowError>> + '_ {
        (0..self.len()).map(|row| self.row(row))
    }

    fn bounds(&self, row: usize) -> (usize, usize) {
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
        (start, self.ends[row] as usize - 1)
    }

    fn line(&self, row: usize) -> &[u8] {
        let (start, end) = self.bounds(row);
        &self.bytes[start..end]
    }
}

impl fmt::Debug for RowBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowBatch({} rows, {} bytes)", self.len(), self.bytes.len())
    }
}

/// Gathers rows until a batch is full.
#[derive(Debug, Default)]
pub struct RowBatchBuilder {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl RowBatchBuilder {
    /// Adds a row.
    pub fn push(&mut self, row: &Value) {
        // a Value always serialises: its keys are strings and a Vec takes every byte
        if serde_json::to_writer(&mut self.bytes, row).is_ok() {
            self.end_row();
        }
    }

    /// Adds a row that is JSON text already, on one line. A blank line adds nothing.
    pub fn push_line(&mut self, line: &[u8]) {
        let line = line.trim_ascii();
        debug_assert!(!line.contains(&b'\n'), "a row is one line");
        if !line.is_empty() {
            self.bytes.extend_from_slice(line);
            self.end_row();
        }
    }

    fn end_row(&mut self) {
        self.bytes.push(b'\n');
        // a batch that passes 4 GiB would need rows of gigabytes: readers limit a line long before
        self.ends.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }

    /// Whether the next row belongs into another batch.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.ends.len() >= MAX_BATCH_ROWS || self.bytes.len() >= MAX_BATCH_BYTES
    }

    /// Whether no row was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The batch gathered so far; the builder starts afresh.
    pub fn take(&mut self) -> RowBatch {
        std::mem::take(self).finish()
    }

    /// The batch gathered.
    #[must_use]
    pub fn finish(self) -> RowBatch {
        RowBatch { bytes: self.bytes.into(), ends: self.ends }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_come_back_as_they_went_in() {
        let rows = vec![json!({"a": "line\nbreak"}), json!(null), json!([1, 2.5])];
        let batch = RowBatch::of(&rows);
        assert_eq!(batch.len(), 3);
        assert_eq!(batch.rows::<Value>().collect::<Result<Vec<_>, _>>().unwrap(), rows);
        assert_eq!(RowBatch::from_ndjson(batch.ndjson()), batch);
        assert_eq!(&batch.slice(1)[..], b"null");
    }

    #[test]
    fn blank_lines_and_carriage_returns_are_no_rows() {
        let batch = RowBatch::from_ndjson(b"\r\n{\"a\":1}\r\n\n  \n2");
        assert_eq!(batch.lines().collect::<Vec<_>>(), [b"{\"a\":1}".as_slice(), b"2"]);
    }

    #[test]
    fn a_row_that_is_no_json_is_named() {
        let batch = RowBatch::from_ndjson(b"1\n{oops");
        let error = batch.row::<Value>(1).unwrap_err();
        assert!(error.to_string().starts_with("row 1 is not the JSON"), "{error}");
    }

    #[test]
    fn a_builder_is_full_at_1024_rows_or_one_mebibyte() {
        let mut builder = RowBatchBuilder::default();
        for row in 0..MAX_BATCH_ROWS {
            assert!(!builder.is_full());
            builder.push(&json!(row));
        }
        assert!(builder.is_full());
        assert_eq!(builder.take().len(), MAX_BATCH_ROWS);
        assert!(builder.is_empty());
        builder.push(&json!("x".repeat(MAX_BATCH_BYTES)));
        assert!(builder.is_full());
    }
}
