//! Places in a text. They do not know which text: a [`Label`](super::Label) does.

use serde::Serialize;

/// One place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Pos {
    /// Bytes from the start of the text.
    pub offset: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub col: u32,
}

impl Pos {
    /// The first place of every text.
    pub const START: Self = Self { offset: 0, line: 1, col: 1 };
}

/// A stretch of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Span {
    /// Its first character.
    pub start: Pos,
    /// The place after its last character.
    pub end: Pos,
}

impl Span {
    /// The empty stretch at the start of a text, for what is about a file as a whole.
    pub const START: Self = Self { start: Pos::START, end: Pos::START };

    /// The empty stretch at `pos`.
    #[must_use]
    pub fn at(pos: Pos) -> Self {
        Self { start: pos, end: pos }
    }

    /// The place of `inner`, bytes `from..to` of `value`, where `value` was read from this stretch of `text`.
    ///
    /// Marks the very word inside a scalar. Where the scalar is not written as it reads (escapes, folded lines) the
    /// whole stretch is returned: a wide mark is better than a wrong one.
    #[must_use]
    pub fn within(self, text: &str, value: &str, inner: std::ops::Range<usize>) -> Self {
        let written = text.get(self.start.offset as usize..self.end.offset as usize);
        let Some((written, part)) = written.zip(value.get(inner.clone())) else { return self };
        let quote = usize::from(written.starts_with(['\'', '"']));
        if value.contains('\n') || !written[quote..].starts_with(value) {
            return self;
        }
        let before = quote + inner.start;
        let shift = |bytes: usize| {
            let columns = written[..bytes].chars().count();
            Pos {
                offset: self.start.offset.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX)),
                line: self.start.line,
                col: self.start.col.saturating_add(u32::try_from(columns).unwrap_or(u32::MAX)),
            }
        };
        Self { start: shift(before), end: shift(before + part.len()) }
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `value`, standing at `span`.
    #[must_use]
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

impl<T> std::ops::Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u32, end: u32) -> Span {
        Span {
            start: Pos { offset: start, line: 1, col: start + 1 },
            end: Pos { offset: end, line: 1, col: end + 1 },
        }
    }

    #[test]
    fn a_word_inside_a_quoted_scalar_is_marked_after_the_quote() {
        let text = "when: 'run.a > 1'";
        assert_eq!(span(6, 17).within(text, "run.a > 1", 4..5), span(11, 12));
        assert_eq!(span(0, 4).within(text, "when", 0..2), span(0, 2));
    }

    #[test]
    fn a_scalar_that_is_written_with_escapes_is_marked_as_a_whole() {
        let text = r#""a\tb""#;
        assert_eq!(span(0, 6).within(text, "a\tb", 2..3), span(0, 6));
        assert_eq!(span(0, 99).within(text, "a", 0..1), span(0, 99));
    }
}
