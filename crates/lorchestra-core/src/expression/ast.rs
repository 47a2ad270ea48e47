//! The tree of an expression, its text form, and the references in it.

use std::fmt;
use std::ops::Range;

use serde_json::Value;

use crate::reference::{Namespace, Reference, ReferenceError};

use super::parser;

/// A parsed expression. Printed, it is a text that parses to an equal one.
#[derive(Debug, Clone)]
pub struct Expr {
    pub(super) root: Node,
    /// Where the references and step statuses stand, in the order in which they are met.
    pub(super) places: Vec<Range<usize>>,
}

/// Equal in meaning: where the words stand does not count.
impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// Null, bool, number or text.
    Literal(Value),
    List(Vec<Node>),
    Reference(Reference),
    /// `steps.<id>.status`.
    StepStatus(String),
    Length(Box<Node>),
    Compare {
        operator: Comparison,
        left: Box<Node>,
        right: Box<Node>,
    },
    In {
        negated: bool,
        member: Box<Node>,
        of: Box<Node>,
    },
    Is {
        negated: bool,
        test: Test,
        of: Box<Node>,
    },
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    Defined,
    None,
}

/// A reference in an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence<'a> {
    /// What is named.
    pub name: Name<'a>,
    /// Where it stands, in bytes of the expression's text.
    pub at: Range<usize>,
    /// Whether it stands below `is defined`, which asks whether it exists.
    pub asked: bool,
}

/// What an expression may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name<'a> {
    /// A value.
    Reference(&'a Reference),
    /// The status of a step.
    StepStatus(&'a str),
}

impl Expr {
    /// Reads an expression.
    ///
    /// # Errors
    /// When `text` is not one: where it went wrong and what may stand there.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        parser::parse(text)
    }

    /// Every reference in it, in the order written.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.occurrences().into_iter().filter_map(|occurrence| match occurrence.name {
            Name::Reference(reference) => Some(reference),
            Name::StepStatus(_) => None,
        })
    }

    /// Every reference and step status in it with its place, in the order written.
    #[must_use]
    pub fn occurrences(&self) -> Vec<Occurrence<'_>> {
        let mut names = Vec::new();
        collect(&self.root, false, &mut names);
        names
            .into_iter()
            .enumerate()
            .map(|(position, (name, asked))| Occurrence {
                name,
                asked,
                at: self.places.get(position).cloned().unwrap_or(0..0),
            })
            .collect()
    }

    /// Whether it asks for the status of a step.
    #[must_use]
    pub fn mentions_steps(&self) -> bool {
        self.occurrences().iter().any(|occurrence| matches!(occurrence.name, Name::StepStatus(_)))
    }

    /// Whether it names an output of a step or the run's envelope.
    #[must_use]
    pub fn mentions_run(&self) -> bool {
        self.references().any(|reference| reference.ns == Namespace::Run)
    }

    /// Changes references in place; `change` says whether it changed one. Gives whether any was.
    pub fn change_references(&mut self, change: &mut dyn FnMut(&mut Reference) -> bool) -> bool {
        change_below(&mut self.root, change)
    }
}

impl Node {
    pub(super) fn children(&self) -> Vec<&Node> {
        match self {
            Self::Literal(_) | Self::Reference(_) | Self::StepStatus(_) => Vec::new(),
            Self::Length(of) | Self::Is { of, .. } | Self::Not(of) => vec![of],
            Self::Compare { left, right, .. } => vec![left, right],
            Self::In { member, of, .. } => vec![member, of],
            Self::List(nodes) | Self::And(nodes) | Self::Or(nodes) => nodes.iter().collect(),
        }
    }

    fn children_mut(&mut self) -> Vec<&mut Node> {
        match self {
            Self::Literal(_) | Self::Reference(_) | Self::StepStatus(_) => Vec::new(),
            Self::Length(of) | Self::Is { of, .. } | Self::Not(of) => vec![of],
            Self::Compare { left, right, .. } => vec![left, right],
            Self::In { member, of, .. } => vec![member, of],
            Self::List(nodes) | Self::And(nodes) | Self::Or(nodes) => nodes.iter_mut().collect(),
        }
    }

    /// How tightly it holds together; a looser one inside a tighter one stands in parentheses.
    const fn tightness(&self) -> u8 {
        match self {
            Self::Or(_) => 0,
            Self::And(_) => 1,
            Self::Not(_) => 2,
            Self::Compare { .. } | Self::In { .. } => 3,
            Self::Is { .. } => 4,
            Self::Literal(_) | Self::List(_) | Self::Reference(_) | Self::StepStatus(_) | Self::Length(_) => {
                5
            }
        }
    }
}

fn collect<'a>(node: &'a Node, asked: bool, names: &mut Vec<(Name<'a>, bool)>) {
    match node {
        Node::Reference(reference) => names.push((Name::Reference(reference), asked)),
        Node::StepStatus(step) => names.push((Name::StepStatus(step), asked)),
        _ => {
            let asked = matches!(node, Node::Is { test: Test::Defined, .. });
            node.children().into_iter().for_each(|child| collect(child, asked, names));
        }
    }
}

fn change_below(node: &mut Node, change: &mut dyn FnMut(&mut Reference) -> bool) -> bool {
    if let Node::Reference(reference) = node {
        return change(reference);
    }
    node.children_mut().into_iter().fold(false, |changed, child| change_below(child, change) | changed)
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.root)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = |negated: bool| if negated { "not " } else { "" };
        match self {
            Self::Literal(value) => write!(f, "{value}"),
            Self::List(items) => {
                f.write_str("[")?;
                joined(f, items, 0, ", ")?;
                f.write_str("]")
            }
            Self::Reference(reference) => f.write_str(&reference.to_string()[1..]),
            Self::StepStatus(step) => {
                write!(f, "steps{}.status", crate::reference::Segment::Key(step.clone()))
            }
            Self::Length(of) => write!(f, "length({of})"),
            Self::Compare { operator, left, right } => {
                inside(f, left, 4)?;
                write!(f, " {operator} ")?;
                inside(f, right, 4)
            }
            Self::In { negated, member, of } => {
                inside(f, member, 4)?;
                write!(f, " {}in ", not(*negated))?;
                inside(f, of, 4)
            }
            Self::Is { negated, test, of } => {
                inside(f, of, 5)?;
                let test = if *test == Test::Defined { "defined" } else { "none" };
                write!(f, " is {}{test}", not(*negated))
            }
            Self::Not(of) => {
                f.write_str("not ")?;
                inside(f, of, 2)
            }
            Self::And(nodes) => joined(f, nodes, 2, " and "),
            Self::Or(nodes) => joined(f, nodes, 1, " or "),
        }
    }
}

fn inside(f: &mut fmt::Formatter<'_>, node: &Node, least: u8) -> fmt::Result {
    if node.tightness() < least { write!(f, "({node})") } else { write!(f, "{node}") }
}

fn joined(f: &mut fmt::Formatter<'_>, nodes: &[Node], least: u8, separator: &str) -> fmt::Result {
    nodes.iter().enumerate().try_for_each(|(position, node)| {
        f.write_str(if position > 0 { separator } else { "" })?;
        inside(f, node, least)
    })
}
