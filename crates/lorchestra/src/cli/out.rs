//! The two streams: results on stdout, talk on stderr. A reader that closed its end is no error.

use std::io::{IsTerminal, Write};

use serde_json::Value;

use super::args::{Color, Output};

/// The version of the JSON that commands print.
const JSON_VERSION: u32 = 1;

/// A line of a result.
pub(super) fn line(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{text}");
}

/// Result bytes as they are.
pub(super) fn bytes(bytes: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(bytes);
}

/// A line of talk.
pub(super) fn talk(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(stderr, "{text}");
}

/// One document under `kind`, as JSON or NDJSON.
pub(super) fn json(output: Output, kind: &str, value: &Value) {
    let document = serde_json::json!({"version": JSON_VERSION, "kind": kind, kind: value});
    match output {
        Output::Ndjson => line(&document.to_string()),
        _ => line(&serde_json::to_string_pretty(&document).unwrap_or_default()),
    }
}

/// Whether talk may be coloured.
pub(super) fn stderr_is_coloured(color: Color) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            stderr_is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    }
}

/// Whether a person looks at the talk.
pub(super) fn stderr_is_terminal() -> bool {
    std::io::stderr().is_terminal()
}
