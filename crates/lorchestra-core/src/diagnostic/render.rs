//! Diagnostics as plain text: place, code, message, the source line with a marker, help.
//!
//! ```text
//! jobs/read.yaml:6:5: error[LO0102]: unknown key 'retyr' in step 'read'
//!   |
//! 6 |     retyr: {max_attempts: 3}
//!   |     ^^^^^
//!   = help: did you mean 'retry'?
//! ```
//!
//! Columns are counted in characters. Colours and wide characters are the terminal's business, not done here.

use std::fmt::Write;

use super::{Diagnostic, Label, Severity, Sources};

/// A longer source line is shown as a window around the marker.
const SHOWN_COLUMNS: usize = 120;
/// A longer name or value is cut in messages.
const QUOTED_CHARS: usize = 60;

/// `diagnostic` as plain text that ends with a line break.
#[must_use]
pub fn render(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut out = String::new();
    if let Some(label) = &diagnostic.primary {
        out.push_str(&place(label));
        out.push_str(": ");
    }
    line(&mut out, format_args!("{severity}[{}]: {}", diagnostic.code, diagnostic.message));
    let mut margin = 0;
    if let Some(label) = &diagnostic.primary {
        margin = snippet(&mut out, label, '^', sources);
    }
    for label in &diagnostic.labels {
        let indent = " ".repeat(margin);
        line(&mut out, format_args!("{indent}::: {}: {}", place(label), label.message));
        snippet(&mut out, label, '-', sources);
    }
    let indent = " ".repeat(margin + usize::from(margin > 0));
    for note in &diagnostic.notes {
        line(&mut out, format_args!("{indent}= note: {note}"));
    }
    if let Some(help) = &diagnostic.help {
        line(&mut out, format_args!("{indent}= help: {help}"));
    }
    out
}

/// `name` between single quotes, cut when it is long, control characters escaped.
pub(crate) fn quoted(name: &str) -> String {
    format!("'{}'", clipped(name))
}

/// `text` without what would disturb a terminal, cut when it is long.
pub(crate) fn clipped(text: &str) -> String {
    let mut shown: String = text.chars().take(QUOTED_CHARS).map(visible).collect();
    if text.chars().nth(QUOTED_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

/// `character`, or a stand-in of the same width for one that moves the cursor or turns the writing direction.
fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        control if control.is_control() => '\u{fffd}',
        plain => plain,
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let written = writeln!(out, "{text}");
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
}

fn place(label: &Label) -> String {
    format!("{}:{}:{}", label.source, label.span.start.line, label.span.start.col)
}

/// Shows the first line of `label` with its marker; returns the width of the margin, 0 when there is no such line.
fn snippet(out: &mut String, label: &Label, marker: char, sources: &Sources) -> usize {
    let start = label.span.start;
    let Some(source_line) = sources.text(&label.source).and_then(|text| line_at(text, start.offset)) else {
        return 0;
    };
    let column = start.col.saturating_sub(1) as usize;
    let line_length = source_line.chars().count();
    let marked = if label.span.end.line == start.line {
        label.span.end.col.saturating_sub(start.col) as usize
    } else {
        line_length.saturating_sub(column)
    };
    let first = if line_length <= SHOWN_COLUMNS { 0 } else { column.saturating_sub(SHOWN_COLUMNS / 3) };
    let last = line_length.min(first + SHOWN_COLUMNS);
    let (left, right) = (if first > 0 { "…" } else { "" }, if last < line_length { "…" } else { "" });
    let shown: String = source_line.chars().skip(first).take(last - first).map(visible).collect();
    let padding = " ".repeat(column - first + left.chars().count());
    let markers: String =
        std::iter::repeat_n(marker, marked.min(last.saturating_sub(column)).max(1)).collect();

    let number = start.line.to_string();
    let indent = " ".repeat(number.len());
    line(out, format_args!("{indent} |"));
    line(out, format_args!("{}", format!("{number} | {left}{shown}{right}").trim_end()));
    line(out, format_args!("{indent} | {padding}{markers}"));
    number.len()
}

/// The line that holds byte `offset`, without its line break.
fn line_at(text: &str, offset: u32) -> Option<&str> {
    let (before, after) = text.split_at_checked(offset as usize)?;
    let start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let end = after.find(['\n', '\r']).map_or(text.len(), |at| before.len() + at);
    text.get(start..end)
}

#[cfg(test)]
mod tests {
    use super::super::{Diagnostic, Pos, Source, Sources, Span, codes};
    use super::*;

    fn span(text: &str, from: usize, to: usize) -> Span {
        let pos = |offset: usize| {
            let before = &text[..offset];
            let line = before.matches('\n').count() + 1;
            let col = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
            Pos { offset: offset as u32, line: line as u32, col: col as u32 }
        };
        Span { start: pos(from), end: pos(to) }
    }

    #[test]
    fn a_diagnostic_shows_place_line_marker_and_help() {
        let text = "a: 1\n\tretyr: é\n";
        let source = Source::new("x.yaml", text);
        let diagnostic = Diagnostic::error(codes::UNKNOWN_KEY, "unknown key 'retyr'")
            .at(&source, span(text, 6, 11))
            .label(&source, span(text, 0, 1), "this one is fine")
            .note("keys are case-sensitive")
            .help("did you mean 'retry'?");
        assert_eq!(
            render(&diagnostic, &Sources::from(&source)),
            "x.yaml:2:2: error[LO0102]: unknown key 'retyr'\n  |\n2 |  retyr: é\n  |  ^^^^^\n ::: x.yaml:1:1: this one \
             is fine\n  |\n1 | a: 1\n  | -\n  = note: keys are case-sensitive\n  = help: did you mean 'retry'?\n"
        );
    }

    #[test]
    fn a_long_line_is_shown_around_the_marker() {
        let text = format!("[{}x]", "1, ".repeat(1000));
        let source = Source::new("x.yaml", &text);
        let diagnostic = Diagnostic::error(codes::YAML_SYNTAX, "oops").at(&source, span(&text, 3001, 3002));
        let rendered = render(&diagnostic, &Sources::from(&source));
        let lines: Vec<&str> = rendered.lines().collect();
        assert!(lines[2].chars().count() < 130, "{rendered}");
        let marked = lines[2].chars().nth(lines[3].chars().count() - 1);
        assert_eq!(marked, Some('x'), "{rendered}");
    }

    #[test]
    fn what_disturbs_a_terminal_is_replaced() {
        assert_eq!(quoted("a\u{1b}[31m\u{202e}b"), "'a\u{fffd}[31m\u{fffd}b'");
        let source = Source::new("x.yaml", "a: \u{1b}[31m");
        let diagnostic = Diagnostic::error(codes::YAML_SYNTAX, "oops").at(&source, Span::START);
        assert!(!render(&diagnostic, &Sources::from(&source)).contains('\u{1b}'));
    }

    #[test]
    fn a_diagnostic_as_data_names_code_severity_and_place() {
        let source = Source::new("x.yaml", "a");
        let diagnostic = Diagnostic::error(codes::YAML_SYNTAX, "oops").at(&source, Span::START);
        assert_eq!(
            serde_json::to_value(&diagnostic).unwrap(),
            serde_json::json!({"code": "LO0001", "severity": "error", "message": "oops", "primary": {
                "source": "x.yaml",
                "span": {"start": {"offset": 0, "line": 1, "col": 1}, "end": {"offset": 0, "line": 1, "col": 1}},
            }})
        );
    }
}
