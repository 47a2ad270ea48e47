//! A text of a job as it is meant: plain, one whole reference, or plain parts with `${ expression }` between them.
//!
//! Only texts that stand in a job definition are read as templates. A value that came out of one is data and is
//! never read again, whatever it looks like.

use std::borrow::Cow;
use std::fmt;

use lorchestra_json::canonical;
use serde_json::Value;

use crate::expression::Expr;
use crate::reference::{Namespace, Reference, ReferenceError};
use crate::scope::{Found, ResolveError, Resolved, Scope};

/// What a text stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Template {
    /// Just text, escapes (`@@`, `$${`) undone.
    Literal(String),
    /// One reference: the value with its type kept.
    Whole(Reference),
    /// A text with values in it.
    Parts(Vec<Part>),
}

/// A part of an interpolated text.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text as it is.
    Text(String),
    /// `${ expression }`.
    Expr {
        /// The expression.
        expr: Expr,
        /// Where it begins in the text as written, in bytes.
        offset: usize,
    },
}

impl Template {
    /// Reads `text`.
    ///
    /// # Errors
    /// When it begins with `@` and is not one whole reference, or when an expression in it is wrong.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if text.starts_with('@') && !text.starts_with("@@") {
            return Reference::parse(text).map(Self::Whole);
        }
        let mut parts = Vec::new();
        let mut plain = String::new();
        // `@@x` is the text `@x`
        let mut rest = usize::from(text.starts_with("@@"));
        while let Some(dollar) = text[rest..].find('$').map(|found| rest + found) {
            plain.push_str(&text[rest..dollar]);
            let after = &text[dollar..];
            rest = if after.starts_with("$${") {
                plain.push_str("${");
                dollar + 3
            } else if after.starts_with("${") {
                let offset = dollar + 2;
                let end = closing_brace(text, offset).ok_or_else(|| {
                    ReferenceError::new(dollar..text.len(), "the expression that begins here has no '}'")
                        .help("a literal '${' is written '$${'")
                })?;
                let expr = Expr::parse(&text[offset..end]).map_err(|error| error.shifted(offset))?;
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Expr { expr, offset });
                end + 1
            } else {
                plain.push('$');
                dollar + 1
            };
        }
        plain.push_str(&text[rest..]);
        if parts.is_empty() {
            return Ok(Self::Literal(plain));
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self::Parts(parts))
    }

    /// Whether it stands for itself.
    #[must_use]
    pub const fn is_literal(&self) -> bool {
        matches!(self, Self::Literal(_))
    }

    /// Every reference in it, in the order written.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        let (whole, parts) = match self {
            Self::Literal(_) => (None, &[][..]),
            Self::Whole(reference) => (Some(reference), &[][..]),
            Self::Parts(parts) => (None, parts.as_slice()),
        };
        let inside = parts.iter().flat_map(|part| match part {
            Part::Expr { expr, .. } => expr.references().collect(),
            Part::Text(_) => Vec::new(),
        });
        whole.into_iter().chain(inside)
    }

    /// Whether all of it can be resolved when the job is compiled.
    #[must_use]
    pub fn is_known_at_compile(&self) -> bool {
        let steps = match self {
            Self::Parts(parts) => {
                parts.iter().any(|part| matches!(part, Part::Expr { expr, .. } if expr.mentions_steps()))
            }
            _ => false,
        };
        !steps && self.references().all(|reference| reference.ns.is_known_at_compile())
    }

    /// Changes references in place; `change` says whether it changed one. Gives whether any was.
    pub fn change_references(&mut self, change: &mut dyn FnMut(&mut Reference) -> bool) -> bool {
        match self {
            Self::Literal(_) => false,
            Self::Whole(reference) => change(reference),
            Self::Parts(parts) => parts.iter_mut().fold(false, |changed, part| match part {
                Part::Expr { expr, .. } => expr.change_references(change) | changed,
                Part::Text(_) => changed,
            }),
        }
    }

    /// What it stands for in `scope`.
    ///
    /// # Errors
    /// When a path does not exist, or leads into a stored artifact that must be read first.
    pub fn resolve(&self, scope: &dyn Scope) -> Result<Resolved, ResolveError> {
        match self {
            Self::Literal(text) => Ok(Resolved::Value(Value::String(text.clone()))),
            Self::Whole(reference) if reference.ns == Namespace::Secret => {
                Err(ResolveError::Type("a secret is known only to the handler that is called".into()))
            }
            Self::Whole(reference) => match scope.lookup(reference) {
                Found::Value(value) => Ok(Resolved::Value(value.into_owned())),
                Found::Artifact(handle) => Ok(Resolved::Artifact(handle.clone())),
                Found::Mixed(output) => Ok(Resolved::Mixed(output)),
                Found::Inside { handle, path } => {
                    Err(ResolveError::NeedsRead { handle: handle.clone(), path })
                }
                Found::Missing { keys, at } => {
                    Err(ResolveError::Missing { reference: reference.to_string(), at, keys })
                }
            },
            Self::Parts(parts) => {
                let mut text = String::new();
                for part in parts {
                    match part {
                        Part::Text(plain) => text.push_str(plain),
                        Part::Expr { expr, .. } => match expr.value(scope)? {
                            Value::String(inner) => text.push_str(&inner),
                            other => canonical::write(&other, &mut text),
                        },
                    }
                }
                Ok(Resolved::Value(Value::String(text)))
            }
        }
    }
}

/// The `}` that ends the expression at byte `from`: the first one outside quotes.
fn closing_brace(text: &str, from: usize) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (offset, byte) in text.bytes().enumerate().skip(from) {
        match (quote, byte) {
            _ if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'}') => return Some(offset),
            (None, _) => {}
        }
    }
    None
}

/// The text that parses to this template.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |text: &str, first: bool| -> String {
            let text = escaped_dollars(text);
            if first && text.starts_with('@') { format!("@{text}") } else { text.into_owned() }
        };
        match self {
            Self::Literal(text) => f.write_str(&plain(text, true)),
            Self::Whole(reference) => write!(f, "{reference}"),
            Self::Parts(parts) => parts.iter().enumerate().try_for_each(|(position, part)| match part {
                Part::Text(text) => f.write_str(&plain(text, position == 0)),
                Part::Expr { expr, .. } => write!(f, "${{ {expr} }}"),
            }),
        }
    }
}

/// `${` as `$${`. A text that ends in `$` never stands before an expression: `$${` is read as the escape.
fn escaped_dollars(text: &str) -> Cow<'_, str> {
    if text.contains("${") { Cow::Owned(text.replace("${", "$${")) } else { Cow::Borrowed(text) }
}
