//! Places of the scanner, counted in characters, to places counted in bytes. Fast on one line of ten megabytes too.

use saphyr_parser::Marker;

use crate::diagnostic::{Pos, Span};

/// A byte offset is noted after each run of this many characters.
const STRIDE: usize = 64;

/// Where characters stand in a text.
pub(super) struct Places<'t> {
    text: &'t str,
    /// Byte offset of every `STRIDE`th character; empty when all characters are one byte.
    noted: Vec<usize>,
}

impl<'t> Places<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let noted = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().step_by(STRIDE).map(|(offset, _)| offset).collect()
        };
        Self { text, noted }
    }

    fn byte_offset(&self, character: usize) -> usize {
        if self.noted.is_empty() {
            return character.min(self.text.len());
        }
        let from = self.noted.get(character / STRIDE).copied().unwrap_or(self.text.len());
        let mut rest = self.text[from..].char_indices();
        rest.nth(character % STRIDE).map_or(self.text.len(), |(offset, _)| from + offset)
    }

    pub(super) fn pos(&self, marker: &Marker) -> Pos {
        // the text has at most `limits::TEXT_BYTES` bytes, so every count fits
        let fit = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Pos {
            offset: fit(self.byte_offset(marker.index())),
            line: fit(marker.line().max(1)),
            col: fit(marker.col() + 1),
        }
    }

    pub(super) fn span(&self, span: &saphyr_parser::Span) -> Span {
        let start = self.pos(&span.start);
        let end = self.pos(&span.end);
        Span { start, end: if end.offset < start.offset { start } else { end } }
    }
}

/// The place of byte `offset` of `text`. A line break is `\n`, `\r` or both, as for the scanner.
pub(super) fn pos_at(text: &str, offset: usize) -> Pos {
    let before = text.get(..offset).unwrap_or(text);
    let breaks = before.replace("\r\n", "\n");
    let mut lines = breaks.split(['\n', '\r']).rev();
    let fit = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let col = fit(lines.next().map_or(0, |line| line.chars().count()) + 1);
    Pos { offset: fit(offset), line: fit(lines.count() + 1), col }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_offsets_are_those_of_the_text() {
        let text: String = "aé😀\n".repeat(100);
        let places = Places::new(&text);
        for (character, (offset, _)) in text.char_indices().enumerate() {
            assert_eq!(places.byte_offset(character), offset);
        }
        assert_eq!(places.byte_offset(400), text.len());
        assert_eq!(places.byte_offset(100_000), text.len());
        assert_eq!(Places::new("abc").byte_offset(2), 2);
    }
}
