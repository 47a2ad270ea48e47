//! What an op takes: its params, their kinds, and the check of a value against them.

use serde_json::Value;

/// One param of an op.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Its name in `params`.
    pub name: &'static str,
    /// What it takes.
    pub kind: ParamKind,
    /// Whether it must stand there.
    pub required: bool,
    /// Program text, a path or a name: takes only `@ctx` and `@self`, so data never becomes program.
    pub literal: bool,
    /// Whether `@secret` may stand here: the op hands it on and stores it nowhere.
    pub secret: bool,
    /// One line for `lorchestra ops`.
    pub doc: &'static str,
    /// Set for a param that the design names and nothing implements: using it is refused by this text.
    pub not_built: bool,
}

/// The kind of a param's value.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ParamKind {
    /// Any JSON value.
    Any,
    /// Text.
    Str,
    /// An integer of 64 bits, at least this.
    Int {
        /// The smallest that is taken.
        min: i64,
    },
    /// A number.
    Float,
    /// true or false.
    Bool,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A list of one kind.
    List(Box<ParamKind>),
    /// A map with any keys.
    Map,
    /// A map with exactly these keys.
    Object(Vec<Param>),
    /// Rows: a list of objects, or the rows output of another step, streamed.
    Rows,
    /// Any of these kinds.
    Either(Vec<ParamKind>),
    /// The name of a transform: `name@version`.
    Transform,
    /// The name of a template below `templates/`.
    Template,
}

/// A value that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamProblem {
    /// JSON pointer into `params`.
    pub at: String,
    /// What is wrong, and what is allowed.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl ParamProblem {
    /// A problem at `at`.
    pub fn new(at: impl Into<String>, message: impl Into<String>) -> Self {
        Self { at: at.into(), message: message.into(), help: None }
    }

    /// The same, with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl Param {
    /// A param that must stand there.
    #[must_use]
    pub const fn required(name: &'static str, kind: ParamKind, doc: &'static str) -> Self {
        Self { name, kind, required: true, literal: false, secret: false, doc, not_built: false }
    }

    /// A param that may be left out.
    #[must_use]
    pub const fn optional(name: &'static str, kind: ParamKind, doc: &'static str) -> Self {
        Self { name, kind, required: false, literal: false, secret: false, doc, not_built: false }
    }

    /// A param of the design that nothing implements yet: refused by name.
    #[must_use]
    pub const fn not_built(name: &'static str) -> Self {
        Self {
            name,
            kind: ParamKind::Any,
            required: false,
            literal: false,
            secret: false,
            doc: "not supported yet",
            not_built: true,
        }
    }

    /// The same, as program text.
    #[must_use]
    pub const fn literal(mut self) -> Self {
        self.literal = true;
        self
    }

    /// The same, taking `@secret`.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

impl ParamKind {
    /// The kind in words, for messages: `an integer >= 1`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Any => "any value".into(),
            Self::Str => "a text".into(),
            Self::Int { min } if *min == i64::MIN => "an integer".into(),
            Self::Int { min } => format!("an integer >= {min}"),
            Self::Float => "a number".into(),
            Self::Bool => "true or false".into(),
            Self::OneOf(allowed) => format!("one of {}", allowed.join(", ")),
            Self::List(of) => format!("a list, each {}", of.describe()),
            Self::Map | Self::Object(_) => "a map".into(),
            Self::Rows => "rows (a list of maps, or the rows of another step)".into(),
            Self::Either(kinds) => kinds.iter().map(Self::describe).collect::<Vec<_>>().join(", or "),
            Self::Transform => "the name of a transform, name@version".into(),
            Self::Template => "the name of a template".into(),
        }
    }

    /// Adds to `problems` whatever in `value` (which stands at `at`) is not of this kind.
    ///
    /// Pointers in `late` stand for values that are not known yet and fit every kind.
    pub fn check(&self, value: &Value, at: &str, late: &[String], problems: &mut Vec<ParamProblem>) {
        if late.iter().any(|pointer| pointer == at) {
            return;
        }
        let fits = match self {
            Self::Any => true,
            Self::Str | Self::Transform | Self::Template => value.is_string(),
            Self::Int { min } => value.as_i64().map_or(value.is_u64(), |integer| integer >= *min),
            Self::Float => value.is_number(),
            Self::Bool => value.is_boolean(),
            Self::OneOf(allowed) => value.as_str().is_some_and(|text| allowed.contains(&text)),
            Self::Map => value.is_object(),
            Self::List(of) => match value.as_array() {
                Some(items) => {
                    for (position, item) in items.iter().enumerate() {
                        of.check(item, &lorchestra_json::pointer::join(at, position), late, problems);
                    }
                    true
                }
                None => false,
            },
            Self::Rows => match value.as_array() {
                Some(rows) => {
                    // one wrong row says enough of a thousand
                    let wrong = rows.iter().enumerate().find_map(|(position, row)| {
                        let at = lorchestra_json::pointer::join(at, position);
                        (!row.is_object() && !late.contains(&at)).then_some((at, row))
                    });
                    problems.extend(wrong.map(|(at, row)| {
                        ParamProblem::new(at, format!("must be a map, as every row, got {}", shown(row)))
                    }));
                    true
                }
                None => false,
            },
            Self::Object(params) => match value.as_object() {
                Some(members) => {
                    check_members(params, members, at, late, problems);
                    true
                }
                None => false,
            },
            Self::Either(kinds) => {
                let mut least: Option<Vec<ParamProblem>> = None;
                for kind in kinds {
                    let mut found = Vec::new();
                    kind.check(value, at, late, &mut found);
                    if found.is_empty() {
                        return;
                    }
                    // the kind that came furthest tells the most
                    if found.iter().all(|problem| problem.at != at) {
                        least = Some(found);
                    }
                }
                match least {
                    Some(found) => {
                        problems.extend(found);
                        true
                    }
                    None => false,
                }
            }
        };
        if !fits {
            problems
                .push(ParamProblem::new(at, format!("must be {}, got {}", self.describe(), shown(value))));
        }
    }
}

/// Checks `members` against `params`: unknown, missing, and not of their kind.
pub(crate) fn check_members(
    params: &[Param],
    members: &serde_json::Map<String, Value>,
    at: &str,
    late: &[String],
    problems: &mut Vec<ParamProblem>,
) {
    for (name, value) in members {
        let member = lorchestra_json::pointer::join(at, name);
        match params.iter().find(|param| param.name == name) {
            None => {
                let known: Vec<&str> =
                    params.iter().filter(|param| !param.not_built).map(|param| param.name).collect();
                let close = crate::diagnostic::did_you_mean(name, known.iter().copied());
                let close = close.map(|close| format!("{close} ")).unwrap_or_default();
                problems.push(
                    ParamProblem::new(member, format!("unknown key '{name}'"))
                        .help(format!("{close}Allowed: {}", known.join(", "))),
                );
            }
            Some(param) if param.not_built => {
                problems.push(ParamProblem::new(member, format!("'{name}' is not supported yet")));
            }
            // an optional param that resolved to null counts as left out
            Some(param) if value.is_null() && !param.required => {}
            Some(param) => param.kind.check(value, &member, late, problems),
        }
    }
    for param in params {
        if param.required && !members.contains_key(param.name) {
            problems.push(ParamProblem::new(at, format!("'{}' is missing", param.name)).help(param.doc));
        }
    }
}

/// A value in a message: its type and the beginning of its text.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(bool) => format!("bool {bool}"),
        Value::Number(number) if number.is_f64() => format!("float {number}"),
        Value::Number(number) => format!("int {number}"),
        Value::String(text) => {
            let start: String = text.chars().take(40).collect();
            let more = if start.len() < text.len() { "…" } else { "" };
            format!("str \"{start}{more}\"")
        }
        Value::Array(_) => "list".into(),
        Value::Object(_) => "dict".into(),
    }
}
