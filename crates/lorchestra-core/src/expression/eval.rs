//! The value of an expression in a scope.

use std::borrow::Cow;

use serde_json::Value;

use crate::artifact::{ArtifactKind, Handle};
use crate::scope::{Found, ResolveError, Scope};

use super::ast::{Comparison, Expr, Node, Test};
use super::order::{alike, compare, equal, kind, ordered};

/// A value, or one that stands in the store.
enum Operand<'a> {
    Value(Cow<'a, Value>),
    Stored(&'a Handle),
}

type Outcome<T> = Result<T, ResolveError>;

impl Expr {
    /// Whether the condition holds. A single reference holds unless it is null, false, 0, "", [] or {}.
    ///
    /// # Errors
    /// When a path does not exist, unlike kinds are compared, or a value must be read from an artifact first.
    pub fn judge(&self, scope: &dyn Scope) -> Result<bool, ResolveError> {
        condition(&self.root, scope)
    }

    /// The value of the expression.
    ///
    /// # Errors
    /// As [`Expr::judge`].
    pub fn value(&self, scope: &dyn Scope) -> Result<Value, ResolveError> {
        value(&self.root, scope).map(Cow::into_owned)
    }
}

fn condition(node: &Node, scope: &dyn Scope) -> Outcome<bool> {
    match node {
        Node::Reference(_) => match operand(node, scope)? {
            Operand::Value(value) => Ok(truth(&value)),
            Operand::Stored(handle) => match rows_of(handle) {
                Some(count) => Ok(count > 0),
                None => Err(needs_read(handle)),
            },
        },
        Node::Not(of) => Ok(!condition(of, scope)?),
        Node::And(nodes) => {
            for node in nodes {
                if !condition(node, scope)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Node::Or(nodes) => {
            for node in nodes {
                if condition(node, scope)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        _ => match *value(node, scope)? {
            Value::Bool(holds) => Ok(holds),
            ref other => Err(not_a_condition(node, kind(other))),
        },
    }
}

pub(super) fn not_a_condition(node: &Node, kind: &str) -> ResolveError {
    ResolveError::Type(format!("'{node}' is {kind}, not a condition: compare it with something"))
}

pub(super) fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

fn value<'a>(node: &'a Node, scope: &'a dyn Scope) -> Outcome<Cow<'a, Value>> {
    match operand(node, scope)? {
        Operand::Value(value) => Ok(value),
        Operand::Stored(handle) => Err(needs_read(handle)),
    }
}

fn operand<'a>(node: &'a Node, scope: &'a dyn Scope) -> Outcome<Operand<'a>> {
    let computed = match node {
        Node::Literal(literal) => return Ok(Operand::Value(Cow::Borrowed(literal))),
        Node::Reference(reference) => {
            return match scope.lookup(reference) {
                Found::Value(value) => Ok(Operand::Value(value)),
                Found::Artifact(handle) => Ok(Operand::Stored(handle)),
                Found::Inside { handle, path } => {
                    Err(ResolveError::NeedsRead { handle: handle.clone(), path })
                }
                Found::Mixed(_) => Err(ResolveError::Type(format!(
                    "{reference} holds stored artifacts and cannot stand in an expression as a whole; name a field of it"
                ))),
                Found::Missing { keys, at } => {
                    Err(ResolveError::Missing { reference: reference.to_string(), at, keys })
                }
            };
        }
        Node::StepStatus(step) => {
            let status = scope.step_status(step).ok_or_else(|| ResolveError::UnknownStep(step.clone()))?;
            Value::from(status.as_str())
        }
        Node::List(items) => {
            let items: Outcome<Vec<Value>> =
                items.iter().map(|item| value(item, scope).map(Cow::into_owned)).collect();
            Value::Array(items?)
        }
        Node::Length(of) => Value::from(length(of, scope)?),
        Node::Compare { operator, left, right } => {
            Value::Bool(compared(node, *operator, &*value(left, scope)?, &*value(right, scope)?)?)
        }
        Node::In { negated, member, of } => {
            let holds = is_in(node, &*value(member, scope)?, &*value(of, scope)?)?;
            Value::Bool(holds != *negated)
        }
        Node::Is { negated, test, of } => {
            let holds = match test {
                Test::Defined => is_defined(of, scope)?,
                Test::None => is_none(of, scope)?,
            };
            Value::Bool(holds != *negated)
        }
        Node::Not(_) | Node::And(_) | Node::Or(_) => Value::Bool(condition(node, scope)?),
    };
    Ok(Operand::Value(Cow::Owned(computed)))
}

fn rows_of(handle: &Handle) -> Option<u64> {
    handle.count.filter(|_| handle.kind == ArtifactKind::Rows)
}

fn needs_read(handle: &Handle) -> ResolveError {
    ResolveError::NeedsRead { handle: handle.clone(), path: Vec::new() }
}

fn length(of: &Node, scope: &dyn Scope) -> Outcome<u64> {
    let length = match operand(of, scope)? {
        Operand::Stored(handle) => return rows_of(handle).ok_or_else(|| needs_read(handle)),
        Operand::Value(value) => match &*value {
            Value::String(text) => text.chars().count(),
            Value::Array(items) => items.len(),
            Value::Object(members) => members.len(),
            other => return Err(no_length(of, kind(other))),
        },
    };
    Ok(length as u64)
}

pub(super) fn no_length(of: &Node, kind: &str) -> ResolveError {
    ResolveError::Type(format!("{kind} has no length (length({of}))"))
}

pub(super) fn unlike(node: &Node, left: &str, right: &str) -> ResolveError {
    ResolveError::Type(format!("cannot compare {left} with {right} ({node})"))
}

pub(super) fn unordered(node: &Node, kind: &str) -> ResolveError {
    ResolveError::Type(format!("{kind} has no order ({node})"))
}

pub(super) fn compared(node: &Node, operator: Comparison, left: &Value, right: &Value) -> Outcome<bool> {
    let (left_kind, right_kind) = (kind(left), kind(right));
    if !alike(left_kind, right_kind) {
        return Err(unlike(node, left_kind, right_kind));
    }
    match operator {
        Comparison::Equal => return Ok(equal(left, right)),
        Comparison::NotEqual => return Ok(!equal(left, right)),
        _ if !ordered(left_kind) => return Err(unordered(node, left_kind)),
        _ => {}
    }
    let order = compare(left, right).ok_or_else(|| unordered(node, left_kind))?;
    Ok(match operator {
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        _ => order.is_ge(),
    })
}

pub(super) fn is_in(node: &Node, member: &Value, of: &Value) -> Outcome<bool> {
    let member_kind = kind(member);
    match (member, of) {
        (_, Value::Array(items)) => {
            let mut found = false;
            for item in items {
                if !alike(member_kind, kind(item)) {
                    return Err(unlike(node, member_kind, kind(item)));
                }
                found = found || equal(member, item);
            }
            Ok(found)
        }
        (Value::String(part), Value::String(text)) => Ok(text.contains(part.as_str())),
        (Value::String(key), Value::Object(members)) => Ok(members.contains_key(key)),
        (_, Value::String(_) | Value::Object(_)) => Err(unlike(node, member_kind, "str")),
        _ => Err(not_a_container(node, kind(of))),
    }
}

pub(super) fn not_a_container(node: &Node, kind: &str) -> ResolveError {
    ResolveError::Type(format!("nothing is in {kind}: 'in' takes a list, a text or a dict ({node})"))
}

/// What lies inside an artifact exists only when it was read: that is asked for.
fn is_defined(of: &Node, scope: &dyn Scope) -> Outcome<bool> {
    match of {
        Node::Reference(reference) => match scope.lookup(reference) {
            Found::Missing { .. } => Ok(false),
            Found::Inside { handle, path } => Err(ResolveError::NeedsRead { handle: handle.clone(), path }),
            Found::Value(_) | Found::Artifact(_) | Found::Mixed(_) => Ok(true),
        },
        Node::StepStatus(step) => Ok(scope.step_status(step).is_some()),
        _ => Err(ResolveError::Type(format!("'is defined' asks about a reference, not about '{of}'"))),
    }
}

fn is_none(of: &Node, scope: &dyn Scope) -> Outcome<bool> {
    match operand(of, scope)? {
        Operand::Value(value) => Ok(value.is_null()),
        // an artifact holds rows, or a value too large to stand inline
        Operand::Stored(_) => Ok(false),
    }
}
