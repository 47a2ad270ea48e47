//! Scanner events to the tree, without recursion. Scalars are judged by `scalar`, tags by `tags`, sizes by `budget`.
//!
//! A syntax error ends the reading: what follows it means nothing. Everything else is collected.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::budget::{depth, limits, weight};
use super::node::{Key, Node, Value};
use super::place::{Places, pos_at};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Source, Span, codes, quoted};

/// Reads `source` as one YAML (or JSON) document; an empty text is null.
///
/// `None` when there is no tree that may be judged further. A tree can come with errors: a map that holds a key twice
/// keeps the first, so that the rest of the file is checked too.
pub fn parse(source: &Source, diagnostics: &mut Diagnostics) -> Option<Node> {
    let text: &str = source.text();
    if text.len() > limits::TEXT_BYTES {
        let message = format!("the text has {} bytes, the limit is {}", text.len(), limits::TEXT_BYTES);
        diagnostics.push(Diagnostic::error(codes::TEXT_TOO_LARGE, message).at(source, Span::START));
        return None;
    }
    // the scanner takes U+0000 for the end of the text: what follows it would be lost in silence
    let control = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    if let Some(offset) = text.bytes().position(control) {
        let message = format!("the text holds the control character U+{:04X}", text.as_bytes()[offset]);
        diagnostics.push(
            Diagnostic::error(codes::YAML_SYNTAX, message)
                .at(source, Span::at(pos_at(text, offset)))
                .help("write it as an escape in a double-quoted string, as in \"\\x00\""),
        );
        return None;
    }
    let mut builder = Builder {
        source,
        diagnostics,
        places: Places::new(text),
        stack: Vec::new(),
        anchors: BTreeMap::new(),
        expanded: 0,
        values: 0,
        usable: true,
        root: None,
    };
    let read = builder.read(text);
    let Builder { root, usable, diagnostics, .. } = builder;
    match read {
        Ok(()) if usable => Some(root.unwrap_or(Node { span: Span::START, value: Value::Null })),
        Ok(()) => None,
        Err(Stop(diagnostic)) => {
            diagnostics.push(*diagnostic);
            None
        }
    }
}

/// Why reading cannot go on.
struct Stop(Box<Diagnostic>);

/// A collection that is not at its end yet.
struct Frame {
    span: Span,
    anchor: usize,
    content: Content,
}

enum Content {
    Seq(Vec<Node>),
    /// `key` is the one whose value comes next; it holds `None` when that key was refused.
    Map {
        entries: Vec<(Key, Node)>,
        key: Option<Option<Key>>,
    },
}

pub(super) struct Builder<'a> {
    source: &'a Source,
    diagnostics: &'a mut Diagnostics,
    places: Places<'a>,
    stack: Vec<Frame>,
    anchors: BTreeMap<usize, Node>,
    /// Memory of anchored values and of what aliases expanded to.
    expanded: usize,
    values: usize,
    usable: bool,
    root: Option<Node>,
}

impl Builder<'_> {
    fn read(&mut self, text: &str) -> Result<(), Stop> {
        let mut documents = 0;
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| {
                let at = Span::at(self.places.pos(error.marker()));
                if error.info().contains("recursion limit") {
                    self.too_deep(at)
                } else {
                    self.stop(codes::YAML_SYNTAX, format!("the text is not YAML: {}", error.info()), at)
                }
            })?;
            let span = self.places.span(&span);
            match event {
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        let message = "the text holds more than one document".to_owned();
                        let Stop(stop) = self.stop(codes::SEVERAL_DOCUMENTS, message, span);
                        return Err(Stop(Box::new(stop.help("put each document into a file of its own"))));
                    }
                }
                Event::Scalar(text, style, anchor, tag) => {
                    let plain = style == ScalarStyle::Plain && tag.is_none();
                    let value = self.scalar(&text, style, tag.as_deref(), span);
                    self.add(Node { span, value }, anchor, plain)?;
                }
                Event::SequenceStart(anchor, tag) => {
                    self.collection_tag(tag.as_deref(), "seq", span);
                    self.open(span, anchor, Content::Seq(Vec::new()))?;
                }
                Event::MappingStart(anchor, tag) => {
                    self.collection_tag(tag.as_deref(), "map", span);
                    self.open(span, anchor, Content::Map { entries: Vec::new(), key: None })?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(span)?,
                Event::Alias(anchor) => self.alias(anchor, span)?,
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            }
        }
        Ok(())
    }

    pub(super) fn error(&self, code: Code, message: impl Into<String>, span: Span) -> Diagnostic {
        Diagnostic::error(code, message).at(self.source, span)
    }

    fn stop(&self, code: Code, message: String, span: Span) -> Stop {
        Stop(Box::new(self.error(code, message, span)))
    }

    fn too_deep(&self, span: Span) -> Stop {
        let message = format!("collections stand inside each other more than {} deep", limits::DEPTH);
        self.stop(codes::TEXT_TOO_LARGE, message, span)
    }

    /// Reports what leaves the tree without a value to judge.
    pub(super) fn refuse(&mut self, diagnostic: Diagnostic) {
        self.usable = false;
        self.diagnostics.push_of_text(diagnostic);
    }

    fn open(&mut self, span: Span, anchor: usize, content: Content) -> Result<(), Stop> {
        if self.stack.len() >= limits::DEPTH {
            return Err(self.too_deep(span));
        }
        self.stack.push(Frame { span, anchor, content });
        Ok(())
    }

    fn close(&mut self, end: Span) -> Result<(), Stop> {
        // the scanner ends only what it began
        let Some(Frame { span, anchor, content }) = self.stack.pop() else { return Ok(()) };
        let (value, first, last) = match content {
            Content::Seq(items) => {
                let (first, last) = (items.first().map(|item| item.span), items.last().map(|item| item.span));
                (Value::Seq(items), first, last)
            }
            Content::Map { entries, .. } => {
                let first = entries.first().map(|(key, _)| key.span);
                let last = entries.last().map(|(_, value)| value.span);
                (Value::Map(self.unique(entries)), first, last)
            }
        };
        // a block collection has no closing character: its last value is its end, not the line that follows
        let flow_end = (end.end.offset > end.start.offset).then_some(end.end);
        let block_start =
            first.filter(|first| matches!(value, Value::Map(_)) && first.start.offset >= span.start.offset);
        let start = if flow_end.is_some() { span.start } else { block_start.unwrap_or(span).start };
        let end = flow_end.or(last.map(|last| last.end)).unwrap_or(end.end);
        let end = if end.offset < start.offset { start } else { end };
        self.add(Node { span: Span { start, end }, value }, anchor, false)
    }

    /// `entries` without those whose key stood before; each is reported with both places.
    fn unique(&mut self, entries: Vec<(Key, Node)>) -> Vec<(Key, Node)> {
        let mut first_places: BTreeMap<&str, Span> = BTreeMap::new();
        let mut repeated = vec![false; entries.len()];
        for (position, (key, _)) in entries.iter().enumerate() {
            match first_places.get(key.name.as_str()) {
                None => {
                    first_places.insert(&key.name, key.span);
                }
                Some(first) => {
                    repeated[position] = true;
                    let message = format!("the key {} stands twice in one map", quoted(&key.name));
                    let diagnostic = self.error(codes::DUPLICATE_KEY, message, key.span).label(
                        self.source,
                        *first,
                        "it stands here first",
                    );
                    self.diagnostics.push_of_text(diagnostic);
                }
            }
        }
        drop(first_places);
        let mut repeated = repeated.into_iter();
        entries.into_iter().filter(|_| !repeated.next().unwrap_or(false)).collect()
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        let Some(target) = self.anchors.get(&anchor) else {
            let message = "an alias stands inside the value it stands for".to_owned();
            return Err(self.stop(codes::YAML_SYNTAX, message, span));
        };
        if self.stack.len() + depth(target) > limits::DEPTH {
            return Err(self.too_deep(span));
        }
        let cost = weight(target);
        let value = target.value.clone();
        self.spend(cost, span)?;
        self.add(Node { span, value }, 0, false)
    }

    fn spend(&mut self, cost: usize, span: Span) -> Result<(), Stop> {
        self.expanded = self.expanded.saturating_add(cost);
        if self.expanded > limits::ALIAS_BYTES {
            let message = format!("anchors and aliases expand to more than {} bytes", limits::ALIAS_BYTES);
            return Err(self.stop(codes::TEXT_TOO_LARGE, message, span));
        }
        Ok(())
    }

    /// Puts a finished node where it belongs. `plain`: it was written as a scalar without quotes and tag.
    fn add(&mut self, node: Node, anchor: usize, plain: bool) -> Result<(), Stop> {
        self.values += 1;
        if self.values > limits::VALUES {
            let message = format!("the text holds more than {} values", limits::VALUES);
            return Err(self.stop(codes::TEXT_TOO_LARGE, message, node.span));
        }
        if anchor > 0 {
            self.spend(weight(&node), node.span)?;
            self.anchors.insert(anchor, node.clone());
        }
        let wants_key =
            matches!(self.stack.last(), Some(Frame { content: Content::Map { key: None, .. }, .. }));
        let next_key = if wants_key { Some(self.key(&node, plain)) } else { None };
        match self.stack.last_mut().map(|frame| &mut frame.content) {
            None => self.root = Some(node),
            Some(Content::Seq(items)) => items.push(node),
            Some(Content::Map { entries, key }) => match next_key {
                Some(next) => *key = Some(next),
                None => {
                    if let Some(Some(key)) = key.take() {
                        entries.push((key, node));
                    }
                }
            },
        }
        Ok(())
    }

    /// `node` as a key; `None`, with a diagnostic, when it cannot be one.
    fn key(&mut self, node: &Node, plain: bool) -> Option<Key> {
        let Value::Str(name) = &node.value else {
            // a refused scalar became null and was reported already
            if self.usable || node.value != Value::Null {
                let message = format!("a key must be a string, got {}", node.type_name());
                let diagnostic = self.error(codes::KEY_NOT_STRING, message, node.span);
                let scalar = !matches!(node.value, Value::Seq(_) | Value::Map(_));
                self.refuse(if scalar { diagnostic.help("quote the key") } else { diagnostic });
            }
            return None;
        };
        if plain && name == "<<" {
            let diagnostic =
                self.error(codes::MERGE_KEY, "merge keys are not part of YAML 1.2", node.span).help(
                    "write the shared keys out, or use the whole shared map by an alias: `params: *shared`",
                );
            self.refuse(diagnostic);
            return None;
        }
        Some(Key { name: name.clone(), span: node.span })
    }
}
