//! Bytes on their way in: without byte order mark, counted by line, limited.

use std::io::{self, BufRead};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Takes a UTF-8 byte order mark off the start, if there is one.
///
/// A reader whose first piece is shorter than the mark keeps it, and then the JSON or the header is refused.
pub(super) fn skip_byte_order_mark(reader: &mut impl BufRead) -> io::Result<()> {
    if reader.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
        reader.consume(BYTE_ORDER_MARK.len());
    }
    Ok(())
}

/// What `read_line` found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line is in the buffer, without its newline.
    Read,
    /// It is longer than it may be.
    TooLong,
    /// There is none left.
    End,
}

/// Puts the next line into `line`, which never grows past `max_len`.
pub(super) fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>, max_len: usize) -> io::Result<Line> {
    line.clear();
    loop {
        let available = match reader.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            return Ok(if line.is_empty() { Line::End } else { Line::Read });
        }
        let newline = available.iter().position(|byte| *byte == b'\n');
        let piece = &available[..newline.unwrap_or(available.len())];
        if line.len() + piece.len() > max_len {
            return Ok(Line::TooLong);
        }
        line.extend_from_slice(piece);
        let used = piece.len() + usize::from(newline.is_some());
        reader.consume(used);
        if newline.is_some() {
            return Ok(Line::Read);
        }
    }
}

/// Byte after byte, with its place.
pub(super) struct Cursor<R> {
    reader: R,
    /// Line of the next byte, from 1.
    pub(super) line: u64,
    /// Column of the next byte, from 1.
    pub(super) column: u64,
}

impl<R: BufRead> Cursor<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, line: 1, column: 1 }
    }

    pub(super) fn skip_byte_order_mark(&mut self) -> io::Result<()> {
        skip_byte_order_mark(&mut self.reader)
    }

    /// The next byte, which stays the next one.
    pub(super) fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.reader.fill_buf() {
                Ok(available) => return Ok(available.first().copied()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Goes past `byte`, which `peek` gave.
    pub(super) fn pass(&mut self, byte: u8) {
        self.reader.consume(1);
        if byte == b'\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
    }

    /// The next byte that is not white space.
    pub(super) fn peek_past_space(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.peek()? {
                Some(byte @ (b' ' | b'\t' | b'\r' | b'\n')) => self.pass(byte),
                other => return Ok(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_never_longer_than_its_limit() {
        let mut reader = io::BufReader::with_capacity(2, b"abc\n\nde".as_slice());
        let mut line = Vec::new();
        for expected in [b"abc".as_slice(), b"", b"de"] {
            assert_eq!(read_line(&mut reader, &mut line, 3).unwrap(), Line::Read);
            assert_eq!(line, expected);
        }
        assert_eq!(read_line(&mut reader, &mut line, 3).unwrap(), Line::End);
        assert_eq!(read_line(&mut b"abcd".as_slice(), &mut line, 3).unwrap(), Line::TooLong);
    }
}
