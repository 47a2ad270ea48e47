//! What the jq loader and compiler complain about, as lines and columns of the program.

use compute_client::Problem;
use jaq_core::compile::Undefined;
use jaq_core::load::{self, lex};

use super::functions::why_left_out;

/// Mistakes of syntax, and modules that cannot be loaded.
pub(super) fn of_loading(source: &str, errors: load::Errors<&str, ()>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (_, error) in errors {
        match error {
            load::Error::Lex(errors) => problems.extend(errors.into_iter().map(|(expected, found)| {
                at(source, found, format!("expected {}{}", what(&expected), but_found(found)))
            })),
            load::Error::Parse(errors) => problems.extend(errors.into_iter().map(|(expected, found)| {
                at(source, found, format!("expected {}{}", expected.as_str(), but_found(found)))
            })),
            load::Error::Io(errors) => problems.extend(errors.into_iter().map(|(path, _)| {
                at(source, path, "modules are not supported: a transform is one file".into())
            })),
        }
    }
    problems
}

/// Names that mean nothing.
pub(super) fn of_compiling(source: &str, errors: jaq_core::compile::Errors<&str, ()>) -> Vec<Problem> {
    let errors = errors.into_iter().flat_map(|(_, errors)| errors);
    let problem = |(name, undefined): (&str, Undefined)| {
        let message = match (why_left_out(name), &undefined) {
            (Some(reason), _) => format!("transforms do not have {name}: {reason}"),
            (None, Undefined::Filter(arity)) => format!("there is no function {name}/{arity}"),
            (None, _) => format!("there is no {} {name}", undefined.as_str()),
        };
        at(source, name, message)
    };
    errors.map(problem).collect()
}

fn what(expected: &lex::Expect<&str>) -> &'static str {
    match expected {
        lex::Expect::Delim("(") => "a closing parenthesis",
        lex::Expect::Delim("[") => "a closing bracket",
        lex::Expect::Delim("{") => "a closing brace",
        lex::Expect::Delim(_) => "a closing quote",
        lex::Expect::Digit => "a digit",
        lex::Expect::Ident => "an identifier",
        lex::Expect::Escape => "an escape sequence",
        lex::Expect::Unicode => "four hexadecimal digits",
        _ => "a token",
    }
}

fn but_found(found: &str) -> String {
    let first_line = found.lines().next().unwrap_or_default();
    let end = first_line.floor_char_boundary(40);
    match &first_line[..end] {
        "" => ", found the end of the program".into(),
        shown => format!(", found `{shown}`"),
    }
}

/// `part` is a slice of `source` in all errors of the program itself.
fn at(source: &str, part: &str, message: String) -> Problem {
    let offset = (part.as_ptr() as usize).wrapping_sub(source.as_ptr() as usize);
    let before = source.get(..offset).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Problem {
        line: before.matches('\n').count() + 1,
        column: Some(before[line_start..].chars().count() + 1),
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::super::check_transform;

    #[test]
    fn mistakes_are_named_with_line_and_column() {
        for (source, expected) in [
            ("", "1:1: expected term, found the end of the program"),
            (".a |\n  nowhere(1)", "2:3: there is no function nowhere/1"),
            ("# é\n\"é\" + $x", "2:7: there is no variable $x"),
            ("{a: 1", "1:6: expected a closing brace, found the end of the program"),
            (".a )", "1:4: expected a token, found `)`"),
            ("if . then 1", "1:12: expected else or end, found the end of the program"),
            ("1 2", "1:3: expected nothing, found `2`"),
            ("import \"lib\" as lib; .", "1:9: modules are not supported: a transform is one file"),
        ] {
            let problems = check_transform(source).unwrap_err();
            let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert_eq!(text, [expected], "{source}");
        }
    }

    #[test]
    fn all_unknown_names_are_reported_at_once() {
        assert_eq!(check_transform("f | g | $h").unwrap_err().len(), 3);
    }
}
