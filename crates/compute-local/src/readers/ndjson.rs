//! One JSON value a line. Blank lines are no rows.

use std::io::BufRead;

use lorchestra_json::{RowBatch, RowBatchBuilder};

use super::ReadError;
use super::check::check;
use super::source::{Line, read_line, skip_byte_order_mark};

/// The rows of an NDJSON file; each line may be up to `max_row_bytes` long.
pub fn ndjson<R: BufRead>(reader: R, max_row_bytes: usize) -> NdjsonRows<R> {
    NdjsonRows { reader, max_row_bytes, buffer: Vec::new(), line: 0, ended: false }
}

/// Batches of an NDJSON file, from [`ndjson`].
#[derive(Debug)]
pub struct NdjsonRows<R> {
    reader: R,
    max_row_bytes: usize,
    buffer: Vec<u8>,
    line: u64,
    ended: bool,
}

impl<R: BufRead> NdjsonRows<R> {
    /// Adds the next line to `rows`; false when there is none.
    fn read_row(&mut self, rows: &mut RowBatchBuilder) -> Result<bool, ReadError> {
        self.line += 1;
        let line = self.line;
        let io = |source| ReadError::Io { line, source };
        if line == 1 {
            skip_byte_order_mark(&mut self.reader).map_err(io)?;
        }
        match read_line(&mut self.reader, &mut self.buffer, self.max_row_bytes).map_err(io)? {
            Line::End => return Ok(false),
            Line::TooLong => return Err(ReadError::RowTooLong { line, limit_bytes: self.max_row_bytes }),
            Line::Read => {}
        }
        if !self.buffer.trim_ascii().is_empty() {
            check(&self.buffer).map_err(|error| ReadError::Json {
                line,
                column: error.column() as u64,
                message: without_place(&error),
            })?;
            rows.push_line(&self.buffer);
        }
        Ok(true)
    }
}

impl<R: BufRead> Iterator for NdjsonRows<R> {
    type Item = Result<RowBatch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut rows = RowBatchBuilder::default();
        while !self.ended && !rows.is_full() {
            match self.read_row(&mut rows) {
                Ok(true) => {}
                Ok(false) => self.ended = true,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        (!rows.is_empty()).then(|| Ok(rows.finish()))
    }
}

/// What serde_json says, without the line and column it appends: those are of the row, not of the file.
pub(super) fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Vec<RowBatch>, ReadError> {
        ndjson(text, 100).collect()
    }

    fn lines(text: &[u8]) -> Vec<String> {
        let batches = read(text).unwrap();
        let lines = batches.iter().flat_map(RowBatch::lines);
        lines.map(|line| String::from_utf8(line.to_vec()).unwrap()).collect()
    }

    #[test]
    fn lines_are_rows_as_they_stand_and_blank_lines_are_none() {
        assert_eq!(lines(b""), [""; 0]);
        assert_eq!(
            lines(b"\xef\xbb\xbf{\"a\": 1}\r\n\n 9007199254740993 \n\t\n[]"),
            ["{\"a\": 1}", "9007199254740993", "[]"]
        );
    }

    #[test]
    fn a_bad_line_is_named_with_its_number() {
        for (text, expected) in [
            (b"1\n\n{\"a\": }\n".as_slice(), "line 3, column 7: expected value"),
            (b"1 2", "line 1, column 3: trailing characters"),
            (b"\"\xff\"", "line 1, column 2: invalid unicode code point"),
            (b"1e999", "line 1, column 5: number out of range"),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), expected);
        }
        let long = format!("1\n\"{}\"\n2", "x".repeat(100));
        let error = read(long.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, "line 2: the row that starts here is longer than 100 bytes");
    }

    #[test]
    fn nothing_comes_after_an_error() {
        let mut rows = ndjson(b"oops\n1".as_slice(), 100);
        assert!(rows.next().is_some_and(|first| first.is_err()));
        assert!(rows.next().is_none());
    }

    #[test]
    fn batches_hold_at_most_1024_rows() {
        let sizes: Vec<usize> = read(&b"1\n".repeat(2500)).unwrap().iter().map(RowBatch::len).collect();
        assert_eq!(sizes, [1024, 1024, 452]);
    }
}
