//! CSV (RFC 4180) with a header line: each record is an object of its columns.
//!
//! Types are decided once for a file: read it with [`infer_csv_types`], then again with what that found.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

use lorchestra_json::{RowBatch, RowBatchBuilder};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::source::skip_byte_order_mark;
use super::{ColumnType, DEFAULT_MAX_ROW_BYTES, ReadError};

/// How a CSV file is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvOptions {
    /// What stands between two values.
    pub delimiter: u8,
    /// How long a record may be.
    pub max_row_bytes: usize,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self { delimiter: b',', max_row_bytes: DEFAULT_MAX_ROW_BYTES }
    }
}

/// A column of a CSV file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsvColumn {
    /// As the header says.
    pub name: String,
    /// What its values are.
    #[serde(rename = "type")]
    pub kind: ColumnType,
}

/// Reads a whole file and finds for each column the narrowest type that all its values have, in the order of the header.
///
/// A column without any value is `Str`.
///
/// # Errors
/// When the file cannot be read or is not CSV.
pub fn infer_csv_types<R: BufRead>(reader: R, options: &CsvOptions) -> Result<Vec<CsvColumn>, ReadError> {
    let (mut records, header) = Records::open(reader, options)?;
    let mut possible: Vec<Vec<ColumnType>> = vec![ColumnType::ALL.to_vec(); header.len()];
    let mut has_value = vec![false; header.len()];
    while records.read()? {
        for (column, text) in records.record.iter().enumerate() {
            if !text.is_empty() {
                has_value[column] = true;
                possible[column].retain(|kind| kind.parse(text).is_some());
            }
        }
    }
    let kinds = possible
        .iter()
        .zip(has_value)
        .map(|(kinds, has_value)| kinds.first().copied().filter(|_| has_value).unwrap_or(ColumnType::Str));
    Ok(header.into_iter().zip(kinds).map(|(name, kind)| CsvColumn { name, kind }).collect())
}

/// The rows of a CSV file whose columns are `columns`, in any order.
///
/// # Errors
/// When the header cannot be read, or does not have exactly these columns.
pub fn csv<R: BufRead>(
    reader: R,
    options: &CsvOptions,
    columns: &[CsvColumn],
) -> Result<CsvRows<R>, ReadError> {
    let (records, header) = Records::open(reader, options)?;
    if let Some(missing) = columns.iter().find(|column| !header.contains(&column.name)) {
        return Err(ReadError::Header { message: format!("there is no column '{}'", missing.name) });
    }
    let typed = header.into_iter().map(|name| match columns.iter().find(|column| column.name == name) {
        Some(column) => Ok(column.clone()),
        None => Err(ReadError::Header { message: format!("the column '{name}' has no type") }),
    });
    Ok(CsvRows { columns: typed.collect::<Result<_, _>>()?, records, ended: false })
}

/// Batches of a CSV file, from [`csv()`].
pub struct CsvRows<R> {
    records: Records<R>,
    columns: Vec<CsvColumn>,
    ended: bool,
}

impl<R: BufRead> CsvRows<R> {
    fn read_row(&mut self) -> Result<Option<Value>, ReadError> {
        if !self.records.read()? {
            return Ok(None);
        }
        let mut row = Map::new();
        for (column, text) in self.columns.iter().zip(&self.records.record) {
            let value = column.kind.parse(text).ok_or_else(|| ReadError::Value {
                line: self.records.line,
                column: column.name.clone(),
                value: text[..text.floor_char_boundary(100)].to_owned(),
                wanted: column.kind,
            })?;
            row.insert(column.name.clone(), value);
        }
        Ok(Some(row.into()))
    }
}

impl<R: BufRead> Iterator for CsvRows<R> {
    type Item = Result<RowBatch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut rows = RowBatchBuilder::default();
        while !self.ended && !rows.is_full() {
            match self.read_row() {
                Ok(Some(row)) => rows.push(&row),
                Ok(None) => self.ended = true,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        (!rows.is_empty()).then(|| Ok(rows.finish()))
    }
}

/// The records below a header.
struct Records<R> {
    reader: csv::Reader<Metered<R>>,
    bytes: csv::ByteRecord,
    record: csv::StringRecord,
    /// Line on which the record starts.
    line: u64,
    columns: usize,
    max_row_bytes: usize,
}

impl<R: BufRead> Records<R> {
    fn open(mut reader: R, options: &CsvOptions) -> Result<(Self, Vec<String>), ReadError> {
        skip_byte_order_mark(&mut reader).map_err(|source| ReadError::Io { line: 1, source })?;
        let mut records = Self {
            reader: csv::ReaderBuilder::new()
                .delimiter(options.delimiter)
                .buffer_capacity(BUFFER_BYTES)
                .has_headers(false)
                // lengths are compared here: the error then has the right line
                .flexible(true)
                .from_reader(Metered::new(reader, options.max_row_bytes)),
            bytes: csv::ByteRecord::new(),
            record: csv::StringRecord::new(),
            line: 1,
            columns: 0,
            max_row_bytes: options.max_row_bytes,
        };
        let header_error = |message| Err(ReadError::Header { message });
        if !records.read_any()? {
            return header_error("the file is empty".into());
        }
        let header: Vec<String> = records.record.iter().map(|name| name.trim().to_owned()).collect();
        for (position, name) in header.iter().enumerate() {
            if name.is_empty() {
                return header_error(format!("column {} has no name", position + 1));
            }
            if let Some(first) = header[..position].iter().position(|earlier| earlier == name) {
                return header_error(format!(
                    "columns {} and {} are both called '{name}'",
                    first + 1,
                    position + 1
                ));
            }
        }
        records.columns = header.len();
        Ok((records, header))
    }

    /// Reads the next record below the header; false when there is none.
    fn read(&mut self) -> Result<bool, ReadError> {
        let found = self.read_any()?;
        if found && self.record.len() != self.columns {
            return Err(ReadError::Csv {
                line: self.line,
                message: format!("the record has {} values, the header {}", self.record.len(), self.columns),
            });
        }
        Ok(found)
    }

    fn read_any(&mut self) -> Result<bool, ReadError> {
        let limit_bytes = self.max_row_bytes;
        let start = self.reader.position().byte();
        let read = self.reader.read_byte_record(&mut self.bytes);
        let end = self.reader.position().byte();
        let metered = self.reader.get_mut();
        if metered.passed {
            return Err(ReadError::RowTooLong { line: metered.line_from(start), limit_bytes });
        }
        let found = read.map_err(|error| {
            let source = match error.into_kind() {
                csv::ErrorKind::Io(source) => source,
                _ => io::Error::other("the CSV reader failed"),
            };
            ReadError::Io { line: metered.line_from(start), source }
        })?;
        if !found {
            return Ok(false);
        }
        // the record ends with a newline, with the carriage return before one, or with the file
        let last_line = metered.newlines_before(end.saturating_sub(1)) + 1;
        let inside = self.bytes.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
        self.line = last_line.saturating_sub(inside);
        metered.refill(limit_bytes);
        if self.bytes.as_slice().len() > limit_bytes {
            return Err(ReadError::RowTooLong { line: self.line, limit_bytes });
        }
        let bytes = std::mem::take(&mut self.bytes);
        self.record = csv::StringRecord::from_byte_record(bytes).map_err(|error| ReadError::Csv {
            line: self.line,
            message: format!("value {} is not UTF-8", error.utf8_error().field() + 1),
        })?;
        Ok(true)
    }
}

const BUFFER_BYTES: usize = 64 << 10;

/// Limits what one record reads, and knows where lines end: the parser's own count leaves blank lines before a record
/// to that record, and a line feed after a carriage return to the next.
struct Metered<R> {
    reader: R,
    /// How much may still be read. A quote that is never closed would else put the rest of the file into one record.
    left: usize,
    passed: bool,
    read: u64,
    /// Newlines that were passed and forgotten.
    newlines: u64,
    /// Places of the newlines after those.
    newlines_at: VecDeque<u64>,
}

impl<R> Metered<R> {
    fn new(reader: R, max_row_bytes: usize) -> Self {
        let mut metered =
            Self { reader, left: 0, passed: false, read: 0, newlines: 0, newlines_at: VecDeque::new() };
        metered.refill(max_row_bytes);
        metered
    }

    fn refill(&mut self, max_row_bytes: usize) {
        // quotes may double a record's length, and the parser reads ahead
        self.left = max_row_bytes.saturating_mul(2).saturating_add(BUFFER_BYTES);
    }

    /// How many newlines stand before the byte at `place`, which never goes back.
    fn newlines_before(&mut self, place: u64) -> u64 {
        while self.newlines_at.front().is_some_and(|at| *at < place) {
            self.newlines_at.pop_front();
            self.newlines += 1;
        }
        self.newlines
    }

    /// The line of what comes at `place`, after the rest of the line before it.
    fn line_from(&mut self, mut place: u64) -> u64 {
        while self.newlines_at.front().is_some_and(|at| *at <= place) {
            self.newlines_before(place);
            place += u64::from(self.newlines_at.front() == Some(&place));
        }
        self.newlines + 1
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        if count > self.left {
            self.passed = true;
            return Err(io::Error::other("the record is too long"));
        }
        self.left -= count;
        let newlines = (self.read..).zip(&buffer[..count]).filter(|(_, byte)| **byte == b'\n');
        self.newlines_at.extend(newlines.map(|(place, _)| place));
        self.read += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn options() -> CsvOptions {
        CsvOptions { max_row_bytes: 200, ..CsvOptions::default() }
    }

    fn read(text: &str, columns: &[CsvColumn]) -> Result<Vec<Value>, ReadError> {
        let batches: Vec<RowBatch> = csv(text.as_bytes(), &options(), columns)?.collect::<Result<_, _>>()?;
        Ok(batches
            .iter()
            .flat_map(|batch| batch.rows::<Value>().collect::<Vec<_>>())
            .map(Result::unwrap)
            .collect())
    }

    fn infer(text: &str) -> Result<Vec<CsvColumn>, ReadError> {
        infer_csv_types(text.as_bytes(), &options())
    }

    #[test]
    fn types_are_those_that_all_values_of_a_column_have() {
        let text = "\u{feff}id,code,at,day,ok,x,note,none\n\
                    1,007,2026-01-31T10:00:00Z,2026-01-31,true,1,\"a, \"\"b\"\"\nc\",\n\
                    2,8,,2026-02-01,FALSE,2.5,,\n";
        let columns = infer(text).unwrap();
        let described = serde_json::to_string(&columns).unwrap();
        insta::assert_snapshot!(described);
        assert_eq!(
            read(text, &columns).unwrap(),
            [
                json!({"id": 1, "code": "007", "at": "2026-01-31T10:00:00Z", "day": "2026-01-31", "ok": true,
                   "x": 1.0, "note": "a, \"b\"\nc", "none": ""}),
                json!({"id": 2, "code": "8", "at": null, "day": "2026-02-01", "ok": false,
                   "x": 2.5, "note": "", "none": ""}),
            ]
        );
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let long = format!("a\n\"{}\n", "x\n".repeat(200_000));
        for (text, expected) in [
            ("", "the header is not usable: the file is empty"),
            ("a,b,a\n", "the header is not usable: columns 1 and 3 are both called 'a'"),
            ("a,\n", "the header is not usable: column 2 has no name"),
            ("a,b\n1,2\n\n\"x\ny\",2,3\n", "line 4: the record has 3 values, the header 2"),
            ("a,b\r\n1,2\r\n\r\n\"x\r\ny\",2,3\r\n1,2", "line 4: the record has 3 values, the header 2"),
            ("a,b\n1,2\n3", "line 3: the record has 1 values, the header 2"),
            (&long.replace('\n', "\r\n"), "line 2: the row that starts here is longer than 200 bytes"),
            (&long, "line 2: the row that starts here is longer than 200 bytes"),
        ] {
            assert_eq!(infer(text).unwrap_err().to_string(), expected);
        }
        let error = infer_csv_types(b"a,b\n1,\xff\n".as_slice(), &options()).unwrap_err();
        assert_eq!(error.to_string(), "line 2: value 2 is not UTF-8");
        let columns = |name: &str, kind| [CsvColumn { name: name.into(), kind }];
        for (text, given, expected) in [
            (
                "a\n1\nx\n",
                columns("a", ColumnType::Int),
                "line 3, column 'a': \"x\" is not an int (64 bits, without leading zeros)",
            ),
            ("b\n", columns("a", ColumnType::Int), "the header is not usable: there is no column 'a'"),
            ("a,b\n", columns("a", ColumnType::Int), "the header is not usable: the column 'b' has no type"),
        ] {
            assert_eq!(read(text, &given).unwrap_err().to_string(), expected);
        }
    }

    proptest! {
        #[test]
        fn what_was_inferred_reads_every_row(cells in prop::collection::vec("(-?[0-9]{1,20}(\\.[0-9]{1,3})?|true|[a-z\"\n,]{0,3})", 0..30)) {
            let quote = |cell: &String| format!("\"{}\"\n", cell.replace('"', "\"\""));
            let text = format!("a\n{}", cells.iter().map(quote).collect::<String>());
            let rows = read(&text, &infer(&text).unwrap()).unwrap();
            prop_assert_eq!(rows.len(), cells.len());
            for (row, cell) in rows.iter().zip(&cells) {
                if let Some(text) = row["a"].as_str() {
                    prop_assert_eq!(text, cell);
                }
            }
        }
    }
}
