//! The schema as types. Reading it is `parse`, using it is `apply`.

use std::fmt;

use serde_json::{Number, Value};

use crate::diagnostic::Spanned;

/// What a job's payload must look like: its parameters in the order written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParamsSchema {
    pub(super) specs: Vec<ParamSpec>,
}

/// One parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamSpec {
    /// Its name and where it stands.
    pub name: Spanned<String>,
    /// What its value must be.
    pub checks: Checks,
    /// Whether a payload must give it.
    pub required: bool,
    /// What stands in when a payload does not give it; null when there is none.
    pub default: Option<Value>,
    /// What people are told about it.
    pub description: Option<String>,
}

/// What a value must be: a parameter's, or each item of a list's.
#[derive(Debug, Clone, PartialEq)]
pub struct Checks {
    /// Its type.
    pub kind: ParamType,
    /// The least number.
    pub min: Option<Number>,
    /// The greatest number.
    pub max: Option<Number>,
    /// The fewest characters of a string, items of a list, or entries of a dict.
    pub min_length: Option<u64>,
    /// The most characters, items or entries.
    pub max_length: Option<u64>,
    /// The values that are allowed, when not all are.
    pub allowed: Option<Vec<Value>>,
    /// What a string must match somewhere.
    pub pattern: Option<Pattern>,
    /// What each item of a list must be.
    pub items: Option<Box<Checks>>,
}

impl Checks {
    pub(super) fn of(kind: ParamType) -> Self {
        Self {
            kind,
            min: None,
            max: None,
            min_length: None,
            max_length: None,
            allowed: None,
            pattern: None,
            items: None,
        }
    }
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamType {
    /// An integer of 64 bits.
    Int,
    /// A number.
    Float,
    /// A string.
    Str,
    /// `true` or `false`.
    Bool,
    /// A list.
    List,
    /// An object.
    Dict,
    /// Anything.
    Any,
}

impl ParamType {
    pub(super) const ALL: [(&'static str, Self); 7] = [
        ("int", Self::Int),
        ("float", Self::Float),
        ("str", Self::Str),
        ("bool", Self::Bool),
        ("list", Self::List),
        ("dict", Self::Dict),
        ("any", Self::Any),
    ];

    /// Its name in a schema.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Float => "float",
            Self::Str => "str",
            Self::Bool => "bool",
            Self::List => "list",
            Self::Dict => "dict",
            Self::Any => "any",
        }
    }

    /// `an integer`: what a message says a value must be.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Int => "an integer",
            Self::Float => "a number",
            Self::Str => "a string",
            Self::Bool => "a boolean",
            Self::List => "a list",
            Self::Dict => "a dict",
            Self::Any => "any value",
        }
    }
}

/// A regular expression; a string matches when any part of it does, as in JSON Schema.
#[derive(Clone)]
pub struct Pattern(pub(super) regex_lite::Regex);

impl Pattern {
    /// The expression as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.as_str())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl ParamsSchema {
    /// The parameters in the order written.
    pub fn iter(&self) -> std::slice::Iter<'_, ParamSpec> {
        self.specs.iter()
    }

    /// The parameter `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ParamSpec> {
        self.specs.iter().find(|spec| *spec.name == name)
    }

    /// The names in the order written.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.specs.iter().map(|spec| spec.name.as_str())
    }
}

impl<'a> IntoIterator for &'a ParamsSchema {
    type Item = &'a ParamSpec;
    type IntoIter = std::slice::Iter<'a, ParamSpec>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
