//! Typed fields of a spanned map: each says what it takes, and what it got instead. Knows no field by name.

use serde_json::Number;

use crate::diagnostic::{
    Code, Diagnostic, Diagnostics, Source, Span, Spanned, clipped, codes, did_you_mean, quoted,
};
use crate::yaml::{Key, Node, Value};

/// The longest time that may be written, in seconds: thirty years, far from where clocks overflow.
pub(crate) const MAX_SECONDS: f64 = 1e9;

/// Reads fields of one text and reports what does not fit.
pub(crate) struct Fields<'a> {
    pub(crate) source: &'a Source,
    pub(crate) diagnostics: &'a mut Diagnostics,
}

impl Fields<'_> {
    pub(crate) fn error(&self, code: Code, message: impl Into<String>, span: Span) -> Diagnostic {
        Diagnostic::error(code, message).at(self.source, span)
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push_of_text(diagnostic);
    }

    /// `'timeout_s' must be a number greater than 0, got str "soon"`.
    pub(crate) fn must_be(&self, code: Code, name: &str, expected: &str, node: &Node) -> Diagnostic {
        self.error(code, format!("{} must be {expected}, got {}", quoted(name), describe(node)), node.span)
    }

    fn wrong_type<T>(&mut self, name: &str, expected: &str, node: &Node) -> Option<T> {
        self.report(self.must_be(codes::WRONG_TYPE, name, expected, node));
        None
    }

    pub(crate) fn map<'n>(&mut self, name: &str, node: &'n Node) -> Option<&'n [(Key, Node)]> {
        node.as_map().or_else(|| self.wrong_type(name, "a dict", node))
    }

    pub(crate) fn list<'n>(&mut self, name: &str, expected: &str, node: &'n Node) -> Option<&'n [Node]> {
        node.as_seq().or_else(|| self.wrong_type(name, expected, node))
    }

    pub(crate) fn string(&mut self, name: &str, node: &Node) -> Option<Spanned<String>> {
        match &node.value {
            Value::Str(text) => Some(Spanned::new(text.clone(), node.span)),
            _ => self.wrong_type(name, "a string", node),
        }
    }

    pub(crate) fn non_empty(&mut self, name: &str, node: &Node) -> Option<Spanned<String>> {
        match &node.value {
            Value::Str(text) if !text.is_empty() => Some(Spanned::new(text.clone(), node.span)),
            Value::Str(_) => {
                self.report(self.must_be(codes::INVALID_VALUE, name, "a string that is not empty", node));
                None
            }
            scalar => {
                let diagnostic = self.must_be(codes::WRONG_TYPE, name, "a string", node);
                let quotable =
                    matches!(scalar, Value::Int(_) | Value::UInt(_) | Value::Float(_) | Value::Bool(_));
                self.report(if quotable {
                    diagnostic.help("quote it to make it a string")
                } else {
                    diagnostic
                });
                None
            }
        }
    }

    /// A condition: the text of an expression; `true` and `false` may stand without quotes.
    pub(crate) fn expression(&mut self, name: &str, node: &Node) -> Option<Spanned<String>> {
        match &node.value {
            Value::Bool(flag) => Some(Spanned::new(flag.to_string(), node.span)),
            Value::Str(text) if !text.trim().is_empty() => Some(Spanned::new(text.clone(), node.span)),
            _ => self.wrong_type(name, "an expression", node),
        }
    }

    pub(crate) fn boolean(&mut self, name: &str, node: &Node) -> Option<bool> {
        match node.value {
            Value::Bool(flag) => Some(flag),
            _ => {
                let diagnostic = self.must_be(codes::WRONG_TYPE, name, "true or false", node);
                self.report(diagnostic);
                None
            }
        }
    }

    /// An integer from `least` to `most`.
    pub(crate) fn integer(&mut self, name: &str, node: &Node, least: u64, most: u64) -> Option<u64> {
        let integer = match node.value {
            Value::Int(integer) => u64::try_from(integer).ok(),
            Value::UInt(integer) => Some(integer),
            _ => return self.wrong_type(name, &format!("an integer of at least {least}"), node),
        };
        integer.filter(|integer| (least..=most).contains(integer)).or_else(|| {
            let too_small = integer.is_none_or(|integer| integer < least);
            let expected = if too_small {
                format!("an integer of at least {least}")
            } else {
                format!("an integer of at most {most}")
            };
            self.report(self.must_be(codes::INVALID_VALUE, name, &expected, node));
            None
        })
    }

    /// Seconds, as a number greater than 0.
    pub(crate) fn seconds(&mut self, name: &str, node: &Node) -> Option<f64> {
        let seconds = self.number(name, "a number greater than 0", node)?.as_f64()?;
        if seconds > 0.0 && seconds <= MAX_SECONDS {
            // below a millisecond nothing can be timed: it would end as zero
            return Some(seconds.max(0.001));
        }
        let expected = if seconds > 0.0 {
            format!("at most {MAX_SECONDS}")
        } else {
            "a number greater than 0".to_owned()
        };
        self.report(self.must_be(codes::INVALID_VALUE, name, &expected, node));
        None
    }

    pub(crate) fn number(&mut self, name: &str, expected: &str, node: &Node) -> Option<Number> {
        node.to_number().or_else(|| self.wrong_type(name, expected, node))
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(&mut self, name: &str, node: &Node, choices: &[(&str, T)]) -> Option<T> {
        let words = || choices.iter().map(|(word, _)| *word);
        let expected = format!("one of {}", words().collect::<Vec<_>>().join(", "));
        let Some(text) = node.as_str() else { return self.wrong_type(name, &expected, node) };
        if let Some((_, chosen)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(*chosen);
        }
        let diagnostic = self.must_be(codes::INVALID_VALUE, name, &expected, node);
        self.report(diagnostic.maybe_help(did_you_mean(text, words())));
        None
    }

    /// Reports a key that `place` (`in 'retry'`) does not take.
    pub(crate) fn unknown_key(&mut self, key: &Key, place: &str, known: &[&str]) {
        let help = did_you_mean(&key.name, known.iter().copied())
            .unwrap_or_else(|| format!("the keys are {}", known.join(", ")));
        let message = format!("unknown key {} {place}", quoted(&key.name));
        self.report(self.error(codes::UNKNOWN_KEY, message, key.span).help(help));
    }

    pub(crate) fn missing_key(&mut self, name: &str, place: &str, span: Span) {
        self.report(self.error(codes::MISSING_KEY, format!("{} is missing {place}", quoted(name)), span));
    }
}

/// Type and value of a node for a message: `str "soon"`, `int 0`, `null`, `dict`.
pub(crate) fn describe(node: &Node) -> String {
    match &node.value {
        Value::Null | Value::Seq(_) | Value::Map(_) => node.type_name().to_owned(),
        Value::Str(text) => format!("str \"{}\"", clipped(text)),
        Value::Float(float) => format!("float {float:?}"),
        _ => format!("{} {}", node.type_name(), node.to_json()),
    }
}
