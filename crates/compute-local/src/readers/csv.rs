//! CSV (RFC 4180) with a header line: each record is an object of its columns.
//!
//! Types are decided once for a file: read it with [`infer_csv_types`], then again with what that found.

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
                line: self.records.line(),
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
    record: csv::StringRecord,
    max_row_bytes: usize,
}

impl<R: BufRead> Records<R> {
    fn open(mut reader: R, options: &CsvOptions) -> Result<(Self, Vec<String>), ReadError> {
        skip_byte_order_mark(&mut reader).map_err(|source| ReadError::Io { line: 1, source })?;
        let metered =
            Metered { reader, left: options.max_row_bytes.saturating_add(BUFFER_BYTES), passed: false };
        let mut records = Self {
            reader: csv::ReaderBuilder::new()
                .delimiter(options.delimiter)
                .buffer_capacity(BUFFER_BYTES)
                .has_headers(false)
                .from_reader(metered),
            record: csv::StringRecord::new(),
            max_row_bytes: options.max_row_bytes,
        };
        let header_error = |message| Err(ReadError::Header { message });
        if !records.read()? {
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
        Ok((records, header))
    }

    fn line(&self) -> u64 {
        self.record.position().map_or(1, csv::Position::line)
    }

    /// Reads the next record; false when there is none.
    fn read(&mut self) -> Result<bool, ReadError> {
        let line = self.reader.position().line();
        let limit_bytes = self.max_row_bytes;
        let read = self.reader.read_record(&mut self.record);
        let metered = self.reader.get_mut();
        metered.left = limit_bytes.saturating_add(BUFFER_BYTES);
        if metered.passed || (read.is_ok() && self.record.as_slice().len() > limit_bytes) {
            return Err(ReadError::RowTooLong { line, limit_bytes });
        }
        read.map_err(|error| {
            let line = error.position().map_or(line, csv::Position::line);
            match error.into_kind() {
                csv::ErrorKind::Io(source) => ReadError::Io { line, source },
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => ReadError::Csv {
                    line,
                    message: format!("the record has {len} values, the header {expected_len}"),
                },
                csv::ErrorKind::Utf8 { err, .. } => {
                    ReadError::Csv { line, message: format!("value {} is not UTF-8", err.field() + 1) }
                }
                _ => ReadError::Csv { line, message: "the record is not CSV".into() },
            }
        })
    }
}

const BUFFER_BYTES: usize = 64 << 10;

/// Lets `left` bytes through. A quote that is never closed would else put the rest of the file into one record.
struct Metered<R> {
    reader: R,
    left: usize,
    passed: bool,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        if count > self.left {
            self.passed = true;
            return Err(io::Error::other("the record is too long"));
        }
        self.left -= count;
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
