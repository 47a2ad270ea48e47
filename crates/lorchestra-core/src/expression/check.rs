//! What can be said of an expression before it is judged: kinds that do not go together, statuses that do not exist.
//!
//! Where all values are known the check is as sharp as judging; where only kinds are, it reports what is wrong for
//! every value of those kinds. Whether paths exist is not checked here: the caller walks `Expr::occurrences`.

use serde_json::Value;

use crate::diagnostic::did_you_mean;
use crate::reference::Reference;
use crate::run::record::StepStatus;

use super::ast::{Comparison, Expr, Node, Test};
use super::eval::{compared, is_in, no_length, not_a_condition, not_a_container, truth, unlike, unordered};
use super::order::{alike, kind, ordered};

/// What is known of a value beforehand.
#[derive(Debug, Clone, PartialEq)]
pub enum Known {
    /// The value.
    Value(Value),
    /// What it is unless it is null: `bool int float str list dict`.
    Kind(&'static str),
    /// Nothing.
    Nothing,
}

/// Something that is wrong whatever the unknown values are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, with the part of the expression.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Expr {
    /// What is wrong with the expression as a condition, given what is known.
    #[must_use]
    pub fn check_condition(&self, known: &dyn Fn(&Reference) -> Known) -> Vec<Problem> {
        let mut check = Check { known, problems: Vec::new() };
        check.condition(&self.root);
        check.problems
    }

    /// What is wrong with the expression as a value, given what is known.
    #[must_use]
    pub fn check_value(&self, known: &dyn Fn(&Reference) -> Known) -> Vec<Problem> {
        let mut check = Check { known, problems: Vec::new() };
        check.value(&self.root);
        check.problems
    }
}

struct Check<'a> {
    known: &'a dyn Fn(&Reference) -> Known,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn problem(&mut self, message: impl Into<String>, help: Option<String>) -> Known {
        self.problems.push(Problem { message: message.into(), help });
        Known::Nothing
    }

    /// Whether the condition holds, where that is known. What a known operand decides is not looked at further.
    fn condition(&mut self, node: &Node) -> Option<bool> {
        match node {
            Node::Reference(reference) => match (self.known)(reference) {
                Known::Value(value) => Some(truth(&value)),
                Known::Kind(_) | Known::Nothing => None,
            },
            Node::Not(of) => self.condition(of).map(|holds| !holds),
            Node::And(nodes) => self.until(nodes, false),
            Node::Or(nodes) => self.until(nodes, true),
            _ => match self.value(node) {
                Known::Value(Value::Bool(holds)) => Some(holds),
                Known::Value(value) => {
                    self.problem(not_a_condition(node, kind(&value)).to_string(), None);
                    None
                }
                Known::Kind("bool") | Known::Nothing => None,
                Known::Kind(kind) => {
                    self.problem(not_a_condition(node, kind).to_string(), None);
                    None
                }
            },
        }
    }

    fn until(&mut self, nodes: &[Node], end: bool) -> Option<bool> {
        let mut result = Some(!end);
        for node in nodes {
            match self.condition(node) {
                Some(holds) if holds == end => return Some(end),
                Some(_) => {}
                None => result = None,
            }
        }
        result
    }

    fn value(&mut self, node: &Node) -> Known {
        match node {
            Node::Literal(value) => Known::Value(value.clone()),
            Node::Reference(reference) => (self.known)(reference),
            Node::StepStatus(_) => Known::Kind("str"),
            Node::List(items) => {
                let known: Vec<Known> = items.iter().map(|item| self.value(item)).collect();
                let values: Option<Vec<Value>> = known
                    .into_iter()
                    .map(|known| if let Known::Value(value) = known { Some(value) } else { None })
                    .collect();
                values.map_or(Known::Kind("list"), |values| Known::Value(Value::Array(values)))
            }
            Node::Length(of) => self.length(of),
            Node::Compare { operator, left, right } => self.comparison(node, *operator, left, right),
            Node::In { negated, member, of } => self.membership(node, *negated, member, of),
            Node::Is { negated, test: Test::Defined, of } => match &**of {
                Node::Reference(reference) => match (self.known)(reference) {
                    Known::Value(_) => Known::Value(Value::Bool(!negated)),
                    Known::Kind(_) | Known::Nothing => Known::Kind("bool"),
                },
                Node::StepStatus(_) => Known::Kind("bool"),
                other => {
                    self.problem(format!("'is defined' asks about a reference, not about '{other}'"), None)
                }
            },
            Node::Is { negated, test: Test::None, of } => match self.value(of) {
                Known::Value(value) => Known::Value(Value::Bool(value.is_null() != *negated)),
                Known::Kind(_) | Known::Nothing => Known::Kind("bool"),
            },
            Node::Not(_) | Node::And(_) | Node::Or(_) => {
                self.condition(node).map_or(Known::Kind("bool"), |holds| Known::Value(Value::Bool(holds)))
            }
        }
    }

    fn length(&mut self, of: &Node) -> Known {
        let kind = match self.value(of) {
            Known::Value(Value::String(text)) => return Known::Value(text.chars().count().into()),
            Known::Value(Value::Array(items)) => return Known::Value(items.len().into()),
            Known::Value(Value::Object(members)) => return Known::Value(members.len().into()),
            Known::Value(other) => kind(&other),
            Known::Kind(kind @ ("bool" | "int" | "float")) => kind,
            Known::Kind(_) | Known::Nothing => return Known::Kind("int"),
        };
        self.problem(no_length(of, kind).to_string(), None)
    }

    fn comparison(&mut self, node: &Node, operator: Comparison, left: &Node, right: &Node) -> Known {
        let null = Node::Literal(Value::Null);
        if let Some(other) = [(left, right), (right, left)].into_iter().find(|(_, side)| **side == null) {
            let is = if operator == Comparison::NotEqual { "is not none" } else { "is none" };
            return self.problem(
                format!("unlike kinds are not compared, so '{node}' can never say no"),
                Some(format!("write '{} {is}'", other.0)),
            );
        }
        self.statuses(left, right);
        self.statuses(right, left);
        let (left, right) = (self.value(left), self.value(right));
        if let (Known::Value(left), Known::Value(right)) = (&left, &right) {
            return match compared(node, operator, left, right) {
                Ok(holds) => Known::Value(Value::Bool(holds)),
                Err(error) => self.problem(error.to_string(), None),
            };
        }
        if let (Some(left), Some(right)) = (kind_of(&left), kind_of(&right))
            && !alike(left, right)
        {
            return self.problem(unlike(node, left, right).to_string(), None);
        }
        let needs_order = !matches!(operator, Comparison::Equal | Comparison::NotEqual);
        if let Some(kind) = [&left, &right].into_iter().filter_map(kind_of).find(|kind| !ordered(kind))
            && needs_order
        {
            return self.problem(unordered(node, kind).to_string(), None);
        }
        Known::Kind("bool")
    }

    fn membership(&mut self, node: &Node, negated: bool, member: &Node, of: &Node) -> Known {
        if let Node::List(items) = of {
            items.iter().for_each(|item| self.statuses(member, item));
        }
        let (member, of) = (self.value(member), self.value(of));
        match (&member, &of) {
            (Known::Value(member), Known::Value(of)) => match is_in(node, member, of) {
                Ok(holds) => Known::Value(Value::Bool(holds != negated)),
                Err(error) => self.problem(error.to_string(), None),
            },
            (_, Known::Value(Value::Array(items))) => {
                let wrong = kind_of(&member).and_then(|member| {
                    Some((member, items.iter().map(kind).find(|item| !alike(member, item))?))
                });
                match wrong {
                    Some((member, item)) => self.problem(unlike(node, member, item).to_string(), None),
                    None => Known::Kind("bool"),
                }
            }
            _ => match kind_of(&of) {
                Some(kind) if !matches!(kind, "list" | "str" | "dict") => {
                    self.problem(not_a_container(node, kind).to_string(), None)
                }
                _ => Known::Kind("bool"),
            },
        }
    }

    /// A text that stands beside a step's status must be a status.
    fn statuses(&mut self, status: &Node, text: &Node) {
        let (Node::StepStatus(step), Node::Literal(Value::String(name))) = (status, text) else { return };
        let names = StepStatus::ALL.map(StepStatus::as_str);
        if !names.contains(&name.as_str()) {
            let close = did_you_mean(name, names).map(|close| format!("{close} ")).unwrap_or_default();
            self.problem(
                format!("'{name}' is not a status of a step, so steps.{step}.status never equals it"),
                Some(format!("{close}A step is one of {}", names.join(", "))),
            );
        }
    }
}

fn kind_of(known: &Known) -> Option<&'static str> {
    match known {
        Known::Value(value) => Some(kind(value)),
        Known::Kind(kind) => Some(kind),
        Known::Nothing => None,
    }
}
