//! The words of an expression. References are read whole, by the grammar of `reference`.

use std::ops::Range;

use serde_json::{Number, Value};

use crate::diagnostic::did_you_mean;
use crate::reference::{Namespace, Reference, ReferenceError, Segment, ident_at, read_path};

/// A word and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) word: Word,
    pub(super) at: Range<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Word {
    Literal(Value),
    Reference(Reference),
    StepStatus(String),
    /// `and or not in is defined length`, operators and brackets.
    Symbol(&'static str),
    End,
}

const KEYWORDS: [&str; 7] = ["and", "or", "not", "in", "is", "defined", "length"];
/// Longer ones first.
const SYMBOLS: [&str; 12] = ["==", "!=", "<=", ">=", "<", ">", "(", ")", "[", "]", ",", "|"];
const ROOTS: [&str; 7] = ["ctx", "payload", "self", "run", "item", "index", "steps"];

/// All words of `text`, `End` last.
pub(super) fn words(text: &str) -> Result<Vec<Token>, ReferenceError> {
    let mut tokens = Vec::new();
    let mut from = 0;
    loop {
        from += text[from..].len() - text[from..].trim_start().len();
        let Some(first) = text[from..].chars().next() else {
            tokens.push(Token { word: Word::End, at: from..from });
            return Ok(tokens);
        };
        let (word, end) = match first {
            '\'' | '"' => quoted(text, from)?,
            '0'..='9' => number(text, from)?,
            '-' if text[from + 1..].starts_with(|next: char| next.is_ascii_digit()) => number(text, from)?,
            '@' => name(text, from, from + 1, &tokens)?,
            first if first.is_ascii_alphabetic() || first == '_' => name(text, from, from, &tokens)?,
            first => symbol(text, from, first)?,
        };
        tokens.push(Token { word, at: from..end });
        from = end;
    }
}

fn symbol(text: &str, from: usize, first: char) -> Result<(Word, usize), ReferenceError> {
    if let Some(symbol) = SYMBOLS.into_iter().find(|symbol| text[from..].starts_with(symbol)) {
        return Ok((Word::Symbol(symbol), from + symbol.len()));
    }
    let error = ReferenceError::new(
        from..from + first.len_utf8(),
        format!("'{first}' has no meaning in an expression"),
    );
    Err(match first {
        '=' => error.help("equality is written '=='"),
        '!' => error.help("negation is written 'not'"),
        '&' => error.help("conjunction is written 'and'"),
        '{' | '}' | '$' => error.help("an expression stands without braces of its own"),
        '+' | '-' | '*' | '/' | '%' | '~' => {
            error.help("there is no arithmetic: compute the value in a step")
        }
        _ => error,
    })
}

/// The name whose letters begin at byte `start`: a keyword, a constant or a reference.
fn name(text: &str, from: usize, start: usize, before: &[Token]) -> Result<(Word, usize), ReferenceError> {
    let root = ident_at(text, start);
    let end = start + root.len();
    if from == start {
        let constant = match root {
            "true" | "True" => Some(Value::Bool(true)),
            "false" | "False" => Some(Value::Bool(false)),
            "none" | "None" | "null" => Some(Value::Null),
            _ => None,
        };
        if let Some(value) = constant {
            return Ok((Word::Literal(value), end));
        }
        if let Some(keyword) = KEYWORDS.into_iter().find(|keyword| *keyword == root) {
            return Ok((Word::Symbol(keyword), end));
        }
    }
    if root == "secret" {
        return Err(ReferenceError::new(from..end, "a secret cannot stand in an expression")
            .help("a secret is given to an op as a whole param: '@secret.NAME'"));
    }
    if root == "steps" {
        return step_status(text, from, end);
    }
    let Some(ns) = Namespace::parse(root) else {
        return Err(unknown_name(text, root, from..end, before.last().map(|token| &token.word)));
    };
    let (path, end) = read_path(text, end)?;
    let reference = Reference { ns, path };
    reference.check_form(from..end)?;
    Ok((Word::Reference(reference), end))
}

fn step_status(text: &str, from: usize, after_root: usize) -> Result<(Word, usize), ReferenceError> {
    let (path, end) = read_path(text, after_root)?;
    match path.as_slice() {
        [Segment::Key(step), Segment::Key(field)] if field == "status" => {
            Ok((Word::StepStatus(step.clone()), end))
        }
        _ => Err(ReferenceError::new(from..end, "of a step only the status is known here")
            .help("it is written steps.<step_id>.status; an output is run.<step_id>.<field>")),
    }
}

fn unknown_name(text: &str, root: &str, at: Range<usize>, before: Option<&Word>) -> ReferenceError {
    if root.is_empty() {
        return ReferenceError::new(at, "a namespace must follow the '@'")
            .help(format!("one of {}", ROOTS.join(", ")));
    }
    match before {
        Some(Word::Symbol("|")) => {
            return ReferenceError::new(at, format!("unknown filter '{root}'"))
                .help("'| length' is the only filter: compute other values in a step");
        }
        Some(Word::Symbol("is")) => {
            return ReferenceError::new(at, format!("unknown test '{root}'"))
                .help("after 'is' stands 'defined' or 'none', or 'not' and one of them");
        }
        _ => {}
    }
    let error = ReferenceError::new(at.clone(), format!("unknown name '{root}'"));
    if text[at.end..].starts_with('(') {
        return error.help("there are no calls but length(…)");
    }
    let close = did_you_mean(root, ROOTS.into_iter().chain(KEYWORDS));
    let close = close.map(|close| format!("{close} ")).unwrap_or_default();
    error.help(format!("{close}A text is written '{root}'; references begin with {}", ROOTS.join(", ")))
}

fn number(text: &str, from: usize) -> Result<(Word, usize), ReferenceError> {
    let bytes = text.as_bytes();
    let digits = |start: usize| {
        start + bytes[start.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let mut end = digits(from + usize::from(bytes[from] == b'-'));
    let mut is_float = false;
    if bytes.get(end) == Some(&b'.') && digits(end + 1) > end + 1 {
        end = digits(end + 1);
        is_float = true;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if digits(end + 1 + sign) > end + 1 + sign {
            end = digits(end + 1 + sign);
            is_float = true;
        }
    }
    let written = &text[from..end];
    if text[end..].starts_with(|next: char| next.is_alphanumeric() || matches!(next, '_' | '.')) {
        return Err(ReferenceError::new(from..end, format!("'{written}' is followed by more than a number")));
    }
    let number = if is_float {
        written.parse().ok().and_then(Number::from_f64)
    } else {
        written.parse::<i64>().map(Number::from).or_else(|_| written.parse::<u64>().map(Number::from)).ok()
    };
    let number = number.ok_or_else(|| {
        ReferenceError::new(from..end, format!("'{written}' does not fit a number of 64 bits"))
    })?;
    Ok((Word::Literal(Value::Number(number)), end))
}

/// A text in single or double quotes, with the escapes `\\ \' \" \n \t \r` and `\uXXXX`.
fn quoted(text: &str, from: usize) -> Result<(Word, usize), ReferenceError> {
    let mut characters = text[from..].char_indices().map(|(offset, character)| (from + offset, character));
    let open = characters.next().map_or('"', |(_, open)| open);
    let mut value = String::new();
    while let Some((offset, character)) = characters.next() {
        match character {
            '\\' => {
                let escape = characters.next().map(|(_, escape)| escape);
                let decoded = match escape {
                    Some(plain @ ('\\' | '\'' | '"' | '/')) => Some(plain),
                    Some('n') => Some('\n'),
                    Some('t') => Some('\t'),
                    Some('r') => Some('\r'),
                    Some('b') => Some('\u{8}'),
                    Some('f') => Some('\u{c}'),
                    Some('u') => unicode(text, offset + 2).inspect(|_| {
                        characters.nth(3);
                    }),
                    _ => None,
                };
                let Some(decoded) = decoded else {
                    return Err(ReferenceError::new(offset..offset + 1, "unknown escape in a text")
                        .help(r#"escapes are \\ \' \" \n \t \r and \uXXXX"#));
                };
                value.push(decoded);
            }
            end if end == open => return Ok((Word::Literal(Value::String(value)), offset + 1)),
            plain => value.push(plain),
        }
    }
    Err(ReferenceError::new(from..text.len(), format!("the text has no closing {open}")))
}

/// The character whose four hex digits begin at byte `from`.
fn unicode(text: &str, from: usize) -> Option<char> {
    let digits = text.get(from..from + 4)?;
    let all_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    char::from_u32(u32::from_str_radix(digits, 16).ok().filter(|_| all_hex)?)
}
