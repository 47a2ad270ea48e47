//! References: `@run.read.items[0]` as data, and the one grammar by which they are read (jobs.md §2).
//!
//! ```text
//! ref   := '@' ns path?          ns := ctx | payload | self | run | item | index | secret
//! path  := ( '.' ident | '[' int ']' | '["' any '"]' )+
//! ```
//!
//! What a reference stands for is not decided here: `scope` looks values up, `template` says where in a text
//! references may stand.

use std::fmt;
use std::ops::Range;

use crate::diagnostic::did_you_mean;

/// What a reference begins with: where its value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Namespace {
    /// The context the job is compiled with.
    Ctx,
    /// The payload of the run, defaults filled in.
    Payload,
    /// The job's own top-level keys.
    Self_,
    /// Outputs of steps, and the run's envelope.
    Run,
    /// The element of a loop.
    Item,
    /// The position in a loop.
    Index,
    /// A secret, by name.
    Secret,
}

impl Namespace {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Ctx, Self::Payload, Self::Self_, Self::Run, Self::Item, Self::Index, Self::Secret];

    /// The name as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ctx => "ctx",
            Self::Payload => "payload",
            Self::Self_ => "self",
            Self::Run => "run",
            Self::Item => "item",
            Self::Index => "index",
            Self::Secret => "secret",
        }
    }

    /// The namespace of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|namespace| namespace.as_str() == name)
    }

    /// Whether its values are known when a job is compiled.
    #[must_use]
    pub const fn is_known_at_compile(self) -> bool {
        matches!(self, Self::Ctx | Self::Payload | Self::Self_)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One part of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// A member of a map.
    Key(String),
    /// A position in a list; a negative one counts from the end.
    Index(i64),
}

impl Segment {
    /// The key, where it is one.
    #[must_use]
    pub fn as_key(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            Self::Index(_) => None,
        }
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) if is_ident(key) => write!(f, ".{key}"),
            Self::Key(key) => write!(f, "[{}]", serde_json::Value::from(key.as_str())),
            Self::Index(position) => write!(f, "[{position}]"),
        }
    }
}

/// A reference. Printed, it is the text that parses to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Where its value comes from.
    pub ns: Namespace,
    /// The way to the value from there.
    pub path: Vec<Segment>,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.ns)?;
        self.path.iter().try_for_each(|segment| write!(f, "{segment}"))
    }
}

impl Reference {
    /// Reads a text that is exactly one reference.
    ///
    /// # Errors
    /// When it is not: where it went wrong and how it is written right.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let Some(after_at) = text.strip_prefix('@') else {
            return Err(ReferenceError::new(0..text.len(), "a reference begins with '@'"));
        };
        let name = ident_at(after_at, 0);
        let at = 1..1 + name.len().max(1);
        let Some(ns) = Namespace::parse(name) else { return Err(unknown_namespace(name, at)) };
        let (path, end) = read_path(text, at.end)?;
        let reference = Self { ns, path };
        reference.check_form(1..end)?;
        if end < text.len() {
            return Err(trailing(text, end, &reference));
        }
        Ok(reference)
    }

    /// The step whose output this leads into, and the path within that output.
    #[must_use]
    pub fn step(&self) -> Option<(&str, &[Segment])> {
        match (self.ns, self.path.split_first()) {
            (Namespace::Run, Some((Segment::Key(first), rest))) if first != "envelope" => Some((first, rest)),
            _ => None,
        }
    }

    /// The first `depth` segments, as text: where on its way a reference got to.
    #[must_use]
    pub fn prefix(&self, depth: usize) -> String {
        let path = self.path.iter().take(depth).cloned().collect();
        Self { ns: self.ns, path }.to_string()
    }

    /// What the grammar cannot say: a secret has exactly a name, an index has nothing below it.
    pub(crate) fn check_form(&self, at: Range<usize>) -> Result<(), ReferenceError> {
        match (self.ns, self.path.as_slice()) {
            (Namespace::Secret, [Segment::Key(_)]) | (Namespace::Index, []) => Ok(()),
            (Namespace::Secret, _) => {
                Err(ReferenceError::new(at, "a secret is one name").help("it is written @secret.NAME"))
            }
            (Namespace::Index, _) => {
                Err(ReferenceError::new(at, "@index is a number: nothing stands below it"))
            }
            _ => Ok(()),
        }
    }
}

/// A text that is not what it sets out to be: a reference, an expression, or a text with either inside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ReferenceError {
    /// The bytes of the text where it went wrong.
    pub at: Range<usize>,
    /// What is wrong there.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl ReferenceError {
    pub(crate) fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), help: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same error of a text in which this one begins at `offset`.
    pub(crate) fn shifted(mut self, offset: usize) -> Self {
        self.at = self.at.start + offset..self.at.end + offset;
        self
    }
}

/// Whether `text` may stand after a dot as it is.
#[must_use]
pub fn is_ident(text: &str) -> bool {
    !text.is_empty() && ident_at(text, 0).len() == text.len()
}

/// The identifier that begins at byte `from`; empty when none does.
pub(crate) fn ident_at(text: &str, from: usize) -> &str {
    let rest = text.get(from..).unwrap_or("");
    let end =
        rest.bytes().position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_')).unwrap_or(rest.len());
    if rest.starts_with(|first: char| first.is_ascii_digit()) { "" } else { &rest[..end] }
}

/// Reads the path that begins at byte `from`; gives it and the byte after it.
pub(crate) fn read_path(text: &str, from: usize) -> Result<(Vec<Segment>, usize), ReferenceError> {
    let mut path = Vec::new();
    let mut end = from;
    loop {
        let (segment, next) = match text.as_bytes().get(end) {
            Some(b'.') => read_key(text, end + 1)?,
            Some(b'[') => read_bracket(text, end)?,
            _ => return Ok((path, end)),
        };
        path.push(segment);
        end = next;
    }
}

fn read_key(text: &str, from: usize) -> Result<(Segment, usize), ReferenceError> {
    let name = ident_at(text, from);
    if !name.is_empty() {
        return Ok((Segment::Key(name.to_owned()), from + name.len()));
    }
    let found = text[from..].chars().next();
    let at = from..from + found.map_or(0, char::len_utf8);
    let error = match found {
        None => ReferenceError::new(from - 1..from, "a name must follow the '.'"),
        Some(found) => ReferenceError::new(at, format!("a name must follow the '.', not '{found}'")),
    };
    let rest: String =
        text[from..].chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-')).collect();
    Err(match found {
        Some('0'..='9') if rest.bytes().all(|byte| byte.is_ascii_digit()) => {
            error.help(format!("a position in a list is written [{rest}]"))
        }
        Some(_) if !rest.is_empty() => {
            error.help(format!("a key with other characters is written [{}]", quote(&rest)))
        }
        _ => error,
    })
}

fn read_bracket(text: &str, from: usize) -> Result<(Segment, usize), ReferenceError> {
    const FORMS: &str = "brackets hold a position, [0], or a key in double quotes, [\"a key\"]";
    let inside = from + 1;
    let (segment, end) = if text[inside..].starts_with('"') {
        let (key, end) = read_quoted(text, inside)?;
        (Segment::Key(key), end)
    } else {
        let length = text[inside..]
            .bytes()
            .enumerate()
            .position(|(position, byte)| !(byte.is_ascii_digit() || (position == 0 && byte == b'-')))
            .unwrap_or(text.len() - inside);
        let end = inside + length;
        if length == 0 {
            return Err(ReferenceError::new(from..inside, "a position or a quoted key must follow the '['")
                .help(FORMS));
        }
        let position = text[inside..end].parse().map_err(|_| {
            ReferenceError::new(inside..end, format!("'{}' is not an integer of 64 bits", &text[inside..end]))
                .help(FORMS)
        })?;
        (Segment::Index(position), end)
    };
    if text.as_bytes().get(end) != Some(&b']') {
        return Err(ReferenceError::new(from..end, "the '[' is not closed by ']'").help(FORMS));
    }
    Ok((segment, end + 1))
}

/// Reads the JSON string whose opening quote is at byte `from`.
fn read_quoted(text: &str, from: usize) -> Result<(String, usize), ReferenceError> {
    let mut escaped = false;
    for (offset, byte) in text.bytes().enumerate().skip(from + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => {
                let end = offset + 1;
                return serde_json::from_str(&text[from..end])
                    .map(|key| (key, end))
                    .map_err(|_| ReferenceError::new(from..end, "the quoted key is not a JSON string"));
            }
            _ => {}
        }
    }
    Err(ReferenceError::new(from..text.len(), "the quoted key has no closing '\"'"))
}

fn quote(key: &str) -> String {
    serde_json::Value::from(key).to_string()
}

fn unknown_namespace(name: &str, at: Range<usize>) -> ReferenceError {
    const TEXT: &str = "a text that begins with '@' is written '@@…'";
    let all = Namespace::ALL.map(|namespace| format!("@{namespace}")).join(", ");
    if name.is_empty() {
        return ReferenceError::new(0..1, "a namespace must follow the '@'")
            .help(format!("one of {all}; {TEXT}"));
    }
    let close = did_you_mean(name, Namespace::ALL.map(Namespace::as_str));
    let close = close.map(|close| format!("{close} ")).unwrap_or_default();
    ReferenceError::new(at, format!("unknown namespace '{name}'"))
        .help(format!("{close}References begin with {all}; {TEXT}"))
}

fn trailing(text: &str, end: usize, reference: &Reference) -> ReferenceError {
    let rest = &text[end..];
    let found = rest.chars().next().unwrap_or(' ');
    let bare = &text[1..end];
    let error = ReferenceError::new(
        end..text.len(),
        format!("the reference ends before '{found}': '{}'", &text[..end]),
    );
    let word: String = rest.chars().take_while(|c| !c.is_whitespace() && !matches!(c, '.' | '[')).collect();
    match reference.path.last() {
        Some(Segment::Key(last)) if !word.is_empty() => {
            let whole = format!("{last}{word}");
            let before = reference.prefix(reference.path.len() - 1);
            error.help(format!(
                "a key with other characters is written {before}[{}]; text after a value, ${{ {bare} }}{rest}",
                quote(&whole)
            ))
        }
        _ => error.help(format!("a value inside a text is written ${{ {bare} }}{rest}")),
    }
}
