//! One JSON document: the elements of its array are the rows, or its object is the only one.
//!
//! Elements are cut out of the text one by one, so that an array of any length is read in bounded memory.

use std::io::{self, BufRead};

use lorchestra_json::{RowBatch, RowBatchBuilder};

use super::ReadError;
use super::check::check;
use super::ndjson::without_place;
use super::source::Cursor;

/// The rows of a JSON document; each element may be up to `max_row_bytes` long.
pub fn json<R: BufRead>(reader: R, max_row_bytes: usize) -> JsonRows<R> {
    JsonRows { cursor: Cursor::new(reader), max_row_bytes, buffer: Vec::new(), at: At::Start }
}

/// Batches of a JSON document, from [`json`].
pub struct JsonRows<R> {
    cursor: Cursor<R>,
    max_row_bytes: usize,
    buffer: Vec<u8>,
    at: At,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Start,
    /// Before an element.
    Element,
    /// After the last element, or after an error.
    End,
}

impl<R: BufRead> JsonRows<R> {
    fn read_row(&mut self, rows: &mut RowBatchBuilder) -> Result<(), ReadError> {
        if self.at == At::Start {
            self.cursor.skip_byte_order_mark().map_err(|source| self.io(source))?;
            match self.peek_past_space()? {
                Some(b'[') => {
                    self.cursor.pass(b'[');
                    self.at = At::Element;
                    if self.peek_past_space()? == Some(b']') {
                        self.cursor.pass(b']');
                        return self.end();
                    }
                }
                Some(b'{') => {
                    self.read_element(rows, false)?;
                    return self.end();
                }
                _ => return Err(self.error("expected an array of rows, or one object")),
            }
        }
        self.peek_past_space()?;
        self.read_element(rows, true)?;
        match self.peek_past_space()? {
            Some(b',') => {
                self.cursor.pass(b',');
                Ok(())
            }
            Some(b']') => {
                self.cursor.pass(b']');
                self.end()
            }
            _ => Err(self.error("expected `,` or `]` after an element of the array")),
        }
    }

    /// Reads up to the comma or bracket that ends the element, or to the brace that closes it.
    fn read_element(&mut self, rows: &mut RowBatchBuilder, in_array: bool) -> Result<(), ReadError> {
        let (line, column) = (self.cursor.line, self.cursor.column);
        self.buffer.clear();
        let mut depth = 0_usize;
        let mut in_string = false;
        let mut escaped = false;
        while let Some(byte) = self.cursor.peek().map_err(|source| self.io(source))? {
            if in_string {
                in_string = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
            } else {
                match byte {
                    b',' | b']' if depth == 0 && in_array => break,
                    b'"' => in_string = true,
                    b'[' | b'{' => depth += 1,
                    b']' | b'}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            if self.buffer.len() == self.max_row_bytes {
                return Err(ReadError::RowTooLong { line, limit_bytes: self.max_row_bytes });
            }
            self.buffer.push(byte);
            self.cursor.pass(byte);
            if depth == 0 && byte == b'}' && !in_string && !in_array {
                break;
            }
        }
        check(&self.buffer).map_err(|error| ReadError::Json {
            line: line + (error.line() as u64).saturating_sub(1),
            column: error.column() as u64 + if error.line() <= 1 { column - 1 } else { 0 },
            message: without_place(&error),
        })?;
        remove_space(&mut self.buffer);
        rows.push_line(&self.buffer);
        Ok(())
    }

    /// After the document only white space may stand.
    fn end(&mut self) -> Result<(), ReadError> {
        self.at = At::End;
        match self.peek_past_space()? {
            None => Ok(()),
            Some(_) => Err(self.error("expected the end of the file; one value a line is NDJSON")),
        }
    }

    fn peek_past_space(&mut self) -> Result<Option<u8>, ReadError> {
        self.cursor.peek_past_space().map_err(|source| self.io(source))
    }

    fn io(&self, source: io::Error) -> ReadError {
        ReadError::Io { line: self.cursor.line, source }
    }

    fn error(&self, message: &str) -> ReadError {
        ReadError::Json { line: self.cursor.line, column: self.cursor.column, message: message.into() }
    }
}

/// Removes the white space between the tokens of JSON that was checked; a row is one line.
fn remove_space(json: &mut Vec<u8>) {
    let mut in_string = false;
    let mut escaped = false;
    json.retain(|byte| {
        if in_string {
            in_string = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
            true
        } else {
            in_string = *byte == b'"';
            !byte.is_ascii_whitespace()
        }
    });
}

impl<R: BufRead> Iterator for JsonRows<R> {
    type Item = Result<RowBatch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut rows = RowBatchBuilder::default();
        while self.at != At::End && !rows.is_full() {
            if let Err(error) = self.read_row(&mut rows) {
                self.at = At::End;
                return Some(Err(error));
            }
        }
        (!rows.is_empty()).then(|| Ok(rows.finish()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn read(text: &str) -> Result<Vec<String>, ReadError> {
        // a buffer of three bytes: no state may depend on where a piece ends
        let reader = io::BufReader::with_capacity(3, text.as_bytes());
        let batches: Vec<RowBatch> = json(reader, 60).collect::<Result<_, _>>()?;
        let lines = batches.iter().flat_map(RowBatch::lines);
        Ok(lines.map(|line| String::from_utf8(line.to_vec()).unwrap()).collect())
    }

    #[test]
    fn the_elements_of_an_array_or_one_object_are_the_rows() {
        for (text, expected) in [
            ("[]", &[] as &[&str]),
            (" [ ] \n", &[]),
            ("\u{feff}[1]", &["1"]),
            (
                "[1, \"a, ]\\\" }\", [2, [3]],\n{\"a\" :\n null}\n]\n",
                &["1", "\"a, ]\\\" }\"", "[2,[3]]", "{\"a\":null}"],
            ),
            (
                "{\"a\": [{}, \"}\"],\r\n \"b\": 9007199254740993}\n",
                &["{\"a\":[{},\"}\"],\"b\":9007199254740993}"],
            ),
        ] {
            assert_eq!(read(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_mistake_is_named_with_line_and_column_of_the_file() {
        for (text, expected) in [
            ("", "line 1, column 1: expected an array of rows, or one object"),
            ("7", "line 1, column 1: expected an array of rows, or one object"),
            ("[1,\n {\"a\":\n oops}]", "line 3, column 2: expected value"),
            ("[1, 2 3]", "line 1, column 7: trailing characters"),
            ("[1,]", "line 1, column 3: EOF while parsing a value"),
            ("[1", "line 1, column 3: expected `,` or `]` after an element of the array"),
            ("[{]", "line 1, column 3: key must be a string"),
            (
                "{\"a\": 1}\n{\"a\": 2}",
                "line 2, column 1: expected the end of the file; one value a line is NDJSON",
            ),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), expected, "{text}");
        }
        let error = read(&format!("[1,\n\"{}\"]", "x".repeat(60))).unwrap_err();
        assert_eq!(error.to_string(), "line 2: the row that starts here is longer than 60 bytes");
    }

    proptest! {
        #[test]
        fn pretty_printed_rows_come_back(texts in prop::collection::vec("[\\[\\]{},\":\\\\ \n\ta]{0,4}", 0..20)) {
            let rows: Vec<Value> = texts.iter().map(|text| serde_json::json!({ "t": [text] })).collect();
            let pretty = serde_json::to_string_pretty(&rows).unwrap();
            let back: Vec<Value> = read(&pretty).unwrap().iter().map(|row| serde_json::from_str(row).unwrap()).collect();
            prop_assert_eq!(back, rows);
        }
    }
}
