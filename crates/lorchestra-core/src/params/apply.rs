//! A payload through the schema: defaults filled in, everything that does not fit told at once.

use std::fmt;

use serde_json::{Map, Value};

use super::check::{Misfit, check};
use super::schema::{ParamSpec, ParamsSchema};
use crate::diagnostic::{closest, quoted};

/// Why a payload does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamProblem {
    /// The parameter.
    pub name: String,
    /// What is wrong with it: `Parameter 'n' must be >= 1, got 0`.
    pub message: String,
}

impl fmt::Display for ParamProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ParamProblem {}

impl ParamSpec {
    pub(super) fn problem(&self, at: &str, why: &str) -> ParamProblem {
        let message = format!("Parameter {} {why}", quoted(&format!("{}{at}", *self.name)));
        ParamProblem { name: self.name.value.clone(), message }
    }

    /// The value that a run sees where the payload holds `given`.
    ///
    /// Checked in this order: missing and required; missing (then the default, else null); type; range; allowed.
    /// A null in the payload is the same as nothing.
    fn value(&self, given: Option<&Value>) -> Result<Value, ParamProblem> {
        match given.filter(|value| !value.is_null()) {
            None if self.required => Err(self.problem("", "is required")),
            None => Ok(self.default.clone().unwrap_or(Value::Null)),
            Some(value) => match check(value, &self.checks) {
                Ok(()) => Ok(value.clone()),
                Err(Misfit { at, why }) => Err(self.problem(&at, &why)),
            },
        }
    }
}

impl ParamsSchema {
    /// What `@payload` is for `payload`: every declared parameter, with defaults filled in.
    ///
    /// # Errors
    /// Every parameter that does not fit, in the order of the schema, then every key that the schema does not know.
    pub fn apply(&self, payload: &Map<String, Value>) -> Result<Map<String, Value>, Vec<ParamProblem>> {
        let mut values = Map::new();
        let mut problems = Vec::new();
        for spec in &self.specs {
            match spec.value(payload.get(spec.name.as_str())) {
                Ok(value) => {
                    values.insert(spec.name.value.clone(), value);
                }
                Err(problem) => problems.push(problem),
            }
        }
        problems
            .extend(payload.keys().filter(|name| self.get(name).is_none()).map(|name| self.unknown(name)));
        if problems.is_empty() { Ok(values) } else { Err(problems) }
    }

    /// `Unknown parameter 'x'. Available: [a, b]`, the closest names first.
    pub(super) fn unknown(&self, name: &str) -> ParamProblem {
        let close = closest(name, self.names());
        let others = self.names().filter(|other| !close.contains(other));
        let available: Vec<&str> = close.iter().copied().chain(others).collect();
        let message = format!("Unknown parameter {}. Available: [{}]", quoted(name), available.join(", "));
        ParamProblem { name: name.to_owned(), message }
    }
}
