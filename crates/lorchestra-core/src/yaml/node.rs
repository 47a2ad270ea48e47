//! The tree: values, keys and their places. Reading text is `parse`.

use serde_json::Number;

use crate::diagnostic::Span;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// From its first character to after its last; the place of the alias where the value came by one.
    pub span: Span,
    /// The value.
    pub value: Value,
}

/// What a node holds: what JSON can say, no more.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer of 64 bits with sign.
    Int(i64),
    /// An integer above `i64::MAX`.
    UInt(u64),
    /// A finite float.
    Float(f64),
    /// A string.
    Str(String),
    /// A sequence.
    Seq(Vec<Node>),
    /// A map in the order written; no key stands twice.
    Map(Vec<(Key, Node)>),
}

/// A key of a map and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

impl Node {
    /// What the value is, in the words of a `params` schema: `null bool int float str list dict`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::UInt(_) => "int",
            Value::Float(_) => "float",
            Value::Str(_) => "str",
            Value::Seq(_) => "list",
            Value::Map(_) => "dict",
        }
    }

    /// The string, where it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The items, where it is a sequence.
    #[must_use]
    pub fn as_seq(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Seq(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, where it is a map.
    #[must_use]
    pub fn as_map(&self) -> Option<&[(Key, Node)]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value under `name`, where it is a map that holds it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.entry(name).map(|(_, value)| value)
    }

    /// Key and value under `name`, where it is a map that holds it.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<(&Key, &Node)> {
        self.as_map()?.iter().find(|(key, _)| key.name == name).map(|(key, value)| (key, value))
    }

    /// The node that a JSON pointer (RFC 6901) names: finds the place of a value that was judged as JSON.
    #[must_use]
    pub fn pointer(&self, pointer: &str) -> Option<&Node> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |node, token| match &node.value {
            Value::Map(_) if token.contains('~') => node.get(&token.replace("~1", "/").replace("~0", "~")),
            Value::Map(_) => node.get(token),
            Value::Seq(items) => items.get(position(token)?),
            _ => None,
        })
    }

    /// The value without its places.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(flag) => (*flag).into(),
            Value::Int(integer) => (*integer).into(),
            Value::UInt(integer) => (*integer).into(),
            // the parser refuses what is not finite
            Value::Float(float) => Number::from_f64(*float).map_or(serde_json::Value::Null, Into::into),
            Value::Str(text) => text.as_str().into(),
            Value::Seq(items) => items.iter().map(Node::to_json).collect(),
            Value::Map(entries) => {
                entries.iter().map(|(key, value)| (key.name.clone(), value.to_json())).collect()
            }
        }
    }

    /// The value as a number of JSON, where it is one.
    #[must_use]
    pub fn to_number(&self) -> Option<Number> {
        match &self.value {
            Value::Int(integer) => Some((*integer).into()),
            Value::UInt(integer) => Some((*integer).into()),
            Value::Float(float) => Number::from_f64(*float),
            _ => None,
        }
    }
}

/// An array position as RFC 6901 writes it: no sign, no leading zero.
fn position(token: &str) -> Option<usize> {
    if token.starts_with('+') || (token.len() > 1 && token.starts_with('0')) {
        return None;
    }
    token.parse().ok()
}
