//! Words to tree, by recursive descent.
//!
//! ```text
//! or         := and ('or' and)*
//! and        := not ('and' not)*
//! not        := 'not' not | comparison
//! comparison := operand (('=='|'!='|'<'|'<='|'>'|'>='|'in'|'not' 'in') operand)?
//! operand    := primary ('|' 'length')* ('is' 'not'? ('defined'|'none'))?
//! primary    := literal | reference | steps.<id>.status | '[' (operand ',')* ']' | 'length' '(' or ')' | '(' or ')'
//! ```

use std::ops::Range;

use serde_json::Value;

use crate::reference::ReferenceError;

use super::ast::{Comparison, Expr, Node, Test};
use super::lexer::{Token, Word, words};

/// How deep parentheses, lists and `not` may nest.
const MAX_DEPTH: usize = 64;

pub(super) fn parse(text: &str) -> Result<Expr, ReferenceError> {
    let mut parser = Parser { tokens: words(text)?, next: 0, depth: 0, places: Vec::new() };
    if parser.peek() == &Word::End {
        return Err(ReferenceError::new(0..text.len(), "the expression is empty"));
    }
    let root = parser.or()?;
    match parser.peek() {
        Word::End => Ok(Expr { root, places: parser.places }),
        _ => Err(parser.unexpected("the expression should end")),
    }
}

struct Parser {
    /// `End` last; never read past it.
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    places: Vec<Range<usize>>,
}

impl Parser {
    fn token(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn peek(&self) -> &Word {
        &self.token().word
    }

    fn take(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Word::Symbol(word) if *word == symbol);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str, why: &str) -> Result<(), ReferenceError> {
        if self.take(symbol) { Ok(()) } else { Err(self.unexpected(&format!("'{symbol}' {why}"))) }
    }

    fn unexpected(&self, expected: &str) -> ReferenceError {
        let token = self.token();
        let found = match &token.word {
            Word::End => "the end".to_owned(),
            Word::Symbol(symbol) => format!("'{symbol}'"),
            Word::Literal(value) => value.to_string(),
            Word::Reference(reference) => reference.to_string(),
            Word::StepStatus(step) => format!("steps.{step}.status"),
        };
        ReferenceError::new(token.at.clone(), format!("{expected}, found {found}"))
    }

    fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, ReferenceError>,
    ) -> Result<T, ReferenceError> {
        if self.depth >= MAX_DEPTH {
            return Err(ReferenceError::new(
                self.token().at.clone(),
                format!("the expression nests deeper than {MAX_DEPTH} levels"),
            ));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn or(&mut self) -> Result<Node, ReferenceError> {
        let mut nodes = vec![self.and()?];
        while self.take("or") {
            nodes.push(self.and()?);
        }
        Ok(single(nodes, Node::Or))
    }

    fn and(&mut self) -> Result<Node, ReferenceError> {
        let mut nodes = vec![self.not()?];
        while self.take("and") {
            nodes.push(self.not()?);
        }
        Ok(single(nodes, Node::And))
    }

    fn not(&mut self) -> Result<Node, ReferenceError> {
        if self.take("not") {
            return Ok(Node::Not(Box::new(self.deeper(Self::not)?)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Node, ReferenceError> {
        let left = self.operand()?;
        let Some(relation) = self.relation()? else { return Ok(left) };
        let right = self.operand()?;
        let at = self.token().at.clone();
        if self.relation()?.is_some() {
            return Err(ReferenceError::new(at, "comparisons do not chain")
                .help("write 'a < b and b < c', or use parentheses"));
        }
        let (left, right) = (Box::new(left), Box::new(right));
        Ok(match relation {
            Relation::Compare(operator) => Node::Compare { operator, left, right },
            Relation::In { negated } => Node::In { negated, member: left, of: right },
        })
    }

    fn relation(&mut self) -> Result<Option<Relation>, ReferenceError> {
        let Word::Symbol(symbol) = *self.peek() else { return Ok(None) };
        let relation = match symbol {
            "==" => Relation::Compare(Comparison::Equal),
            "!=" => Relation::Compare(Comparison::NotEqual),
            "<" => Relation::Compare(Comparison::Less),
            "<=" => Relation::Compare(Comparison::LessOrEqual),
            ">" => Relation::Compare(Comparison::Greater),
            ">=" => Relation::Compare(Comparison::GreaterOrEqual),
            "in" => Relation::In { negated: false },
            "not" => {
                self.next += 1;
                self.expect("in", "must follow 'not' here")?;
                return Ok(Some(Relation::In { negated: true }));
            }
            _ => return Ok(None),
        };
        self.next += 1;
        Ok(Some(relation))
    }

    fn operand(&mut self) -> Result<Node, ReferenceError> {
        let mut node = self.primary()?;
        let mut lengths = 0;
        while self.take("|") {
            lengths += 1;
            if !self.take("length") || lengths > 1 {
                self.next -= usize::from(lengths > 1);
                return Err(self.unexpected("'| length' once is the only filter"));
            }
            node = Node::Length(Box::new(node));
        }
        if !self.take("is") {
            return Ok(node);
        }
        let negated = self.take("not");
        let test = if self.take("defined") {
            Test::Defined
        } else if self.peek() == &Word::Literal(Value::Null) {
            self.next += 1;
            Test::None
        } else {
            return Err(self.unexpected("'defined' or 'none' must follow 'is'"));
        };
        Ok(Node::Is { negated, test, of: Box::new(node) })
    }

    fn primary(&mut self) -> Result<Node, ReferenceError> {
        let Token { word, at } = self.token().clone();
        match word {
            Word::Literal(value) => {
                self.next += 1;
                Ok(Node::Literal(value))
            }
            Word::Reference(reference) => {
                self.next += 1;
                self.places.push(at);
                Ok(Node::Reference(reference))
            }
            Word::StepStatus(step) => {
                self.next += 1;
                self.places.push(at);
                Ok(Node::StepStatus(step))
            }
            Word::Symbol("(") => {
                self.next += 1;
                let node = self.deeper(Self::or)?;
                self.expect(")", "must close the '('")?;
                Ok(node)
            }
            Word::Symbol("length") => {
                self.next += 1;
                self.expect("(", "must follow 'length'")?;
                let node = self.deeper(Self::or)?;
                self.expect(")", "must close 'length('")?;
                Ok(Node::Length(Box::new(node)))
            }
            Word::Symbol("[") => {
                self.next += 1;
                let items = self.deeper(Self::items)?;
                Ok(Node::List(items))
            }
            Word::Symbol(_) | Word::End => Err(self.unexpected("a value must stand here")),
        }
    }

    fn items(&mut self) -> Result<Vec<Node>, ReferenceError> {
        let mut items = Vec::new();
        while !self.take("]") {
            items.push(self.or()?);
            if !self.take(",") {
                self.expect("]", "must close the list")?;
                break;
            }
        }
        Ok(items)
    }
}

enum Relation {
    Compare(Comparison),
    In { negated: bool },
}

fn single(mut nodes: Vec<Node>, many: impl FnOnce(Vec<Node>) -> Node) -> Node {
    if nodes.len() == 1 { nodes.swap_remove(0) } else { many(nodes) }
}
