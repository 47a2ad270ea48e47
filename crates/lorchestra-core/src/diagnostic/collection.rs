//! One finding, and the list of all findings of a check. They are not errors of a call: they are its result.

use std::sync::Arc;

use serde::Serialize;

use super::{Code, Source, Sources, Span, render};

/// Whether a finding stops what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The definition cannot be used.
    Error,
    /// The definition can be used, but somebody should look.
    Warning,
}

/// A marked place, with a word on what is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Name of the text.
    pub source: Arc<str>,
    /// The place in it.
    pub span: Span,
    /// What is there; empty where the diagnostic's message says it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Its kind; each has a page.
    pub code: Code,
    /// Whether it stops what was asked.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<Label>,
    /// Other places that belong to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Label>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// What else is worth knowing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Diagnostic {
    /// An error without a place; see [`Diagnostic::at`].
    #[must_use]
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            primary: None,
            labels: Vec::new(),
            help: None,
            notes: Vec::new(),
        }
    }

    /// A warning without a place.
    #[must_use]
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// The same, at `span` of `source`.
    #[must_use]
    pub fn at(mut self, source: &Source, span: Span) -> Self {
        self.primary = Some(Label { source: Arc::clone(source.name()), span, message: String::new() });
        self
    }

    /// The same, with another place that belongs to it.
    #[must_use]
    pub fn label(mut self, source: &Source, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label { source: Arc::clone(source.name()), span, message: message.into() });
        self
    }

    /// The same, with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same, with advice where there is some.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// The same, with a note.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The order in which a reader meets them: by file, then by place; what has no place comes first.
    fn reading_order(&self) -> (Option<&str>, u32) {
        let place = self.primary.as_ref();
        (place.map(|label| label.source.as_ref()), place.map_or(0, |label| label.span.start.offset))
    }
}

/// A hostile text can hold a problem in every few bytes: after this many of one text the rest is only counted.
const SHOWN_OF_A_TEXT: usize = 1_000;

/// All findings of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics {
    findings: Vec<Diagnostic>,
    #[serde(skip)]
    left_out: usize,
}

impl Diagnostics {
    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.findings.push(diagnostic);
    }

    /// Adds a finding of a text that may be hostile: past a thousand it is only counted.
    pub(crate) fn push_of_text(&mut self, diagnostic: Diagnostic) {
        // the first error is kept whatever stands before it: it decides whether the text can be used
        let is_full = self.findings.len() >= SHOWN_OF_A_TEXT;
        if is_full && (diagnostic.severity == Severity::Warning || self.has_errors()) {
            self.left_out += 1;
        } else {
            self.push(diagnostic);
        }
    }

    /// Adds all findings of another check.
    pub fn append(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.left_out += other.left_out;
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// How many findings, without those that were only counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.findings.len()
    }

    /// Whether one of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// The findings, in the order they were added.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.findings.iter()
    }

    /// Brings the findings into the order of the text they speak about.
    pub fn sort(&mut self) {
        self.findings.sort_by(|left, right| left.reading_order().cmp(&right.reading_order()));
    }

    /// All findings as plain text, one blank line between them.
    #[must_use]
    pub fn render(&self, sources: &Sources) -> String {
        let mut texts: Vec<String> =
            self.findings.iter().map(|diagnostic| render(diagnostic, sources)).collect();
        if self.left_out > 0 {
            texts.push(format!("{} more problems are not shown\n", self.left_out));
        }
        texts.join("\n")
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, more: I) {
        self.findings.extend(more);
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.findings.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.findings.iter()
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(findings: I) -> Self {
        Self { findings: findings.into_iter().collect(), left_out: 0 }
    }
}
