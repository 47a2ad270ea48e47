//! A schema from its YAML. Keys that have no meaning for a type, and keys that contradict each other, are refused.

use std::cmp::Ordering;

use super::check::{Misfit, check, has_type, type_name};
use super::number::compare;
use super::schema::{Checks, ParamSpec, ParamType, ParamsSchema, Pattern};
use crate::diagnostic::{Diagnostic, Diagnostics, Source, Span, codes, quoted};
use crate::fields::Fields;
use crate::yaml::{Key, Node};

const SPEC_KEYS: [&str; 11] = [
    "type",
    "required",
    "default",
    "min",
    "max",
    "min_length",
    "max_length",
    "allowed",
    "pattern",
    "items",
    "description",
];
const ITEM_KEYS: [&str; 9] =
    ["type", "min", "max", "min_length", "max_length", "allowed", "pattern", "items", "description"];

impl ParamsSchema {
    /// Reads a schema; what does not fit is added to `diagnostics`, and the rest is still read.
    pub fn parse(node: &Node, source: &Source, diagnostics: &mut Diagnostics) -> Self {
        let mut fields = Fields { source, diagnostics };
        let entries = fields.map("params", node).unwrap_or_default();
        Self { specs: entries.iter().filter_map(|(key, node)| fields.param(key, node)).collect() }
    }
}

impl Fields<'_> {
    fn param(&mut self, key: &Key, node: &Node) -> Option<ParamSpec> {
        let path = format!("params.{}", key.name);
        let mut spec = ParamSpec {
            name: crate::diagnostic::Spanned::new(key.name.clone(), key.span),
            checks: self.checks(&path, key.span, node, &SPEC_KEYS)?,
            required: false,
            default: None,
            description: None,
        };
        if let Some(node) = node.get("required") {
            spec.required = self.boolean(&format!("{path}.required"), node)?;
        }
        if let Some(node) = node.get("description") {
            spec.description = Some(self.string(&format!("{path}.description"), node)?.value);
        }
        if let Some((key, node)) = node.entry("default") {
            let default = node.to_json();
            if spec.required {
                let message =
                    format!("the default of {} is never used: the parameter is required", quoted(&path));
                let warning =
                    Diagnostic::warning(codes::PARAM_DEFAULT_UNUSED, message).at(self.source, key.span);
                self.report(warning.help("leave out 'default' or 'required'"));
            }
            if !default.is_null()
                && let Err(Misfit { at, why }) = check(&default, &spec.checks)
            {
                let message = format!("{} {why}", quoted(&format!("{path}.default{at}")));
                self.report(self.error(codes::PARAM_CONTRADICTION, message, node.span));
            }
            spec.default = Some(default);
        }
        Some(spec)
    }

    /// Type and checks that stand under `path`; `None` when there is no type to check anything by.
    fn checks(&mut self, path: &str, at: Span, node: &Node, known: &[&str]) -> Option<Checks> {
        let Some(entries) = node.as_map() else {
            let diagnostic = self.must_be(codes::WRONG_TYPE, path, "a dict with a 'type'", node);
            let help = node.as_str().map(|name| format!("write {{type: {name}}}"));
            self.report(diagnostic.maybe_help(help.filter(|_| is_type(node))));
            return None;
        };
        for (key, _) in entries.iter().filter(|(key, _)| !known.contains(&key.name.as_str())) {
            self.unknown_key(key, &format!("in {}", quoted(path)), known);
        }
        let Some(kind_node) = node.get("type") else {
            let diagnostic = self.error(codes::PARAM_TYPE, format!("{} has no 'type'", quoted(path)), at);
            self.report(diagnostic.help("the types are int, float, str, bool, list, dict, any"));
            return None;
        };
        let Some(kind) = ParamType::ALL.iter().find(|(name, _)| kind_node.as_str() == Some(name)) else {
            let names = ParamType::ALL.map(|(name, _)| name);
            let expected = format!("one of {}", names.join(", "));
            let diagnostic = self.must_be(codes::PARAM_TYPE, &format!("{path}.type"), &expected, kind_node);
            let help = kind_node.as_str().and_then(|name| type_hint(name, names));
            self.report(diagnostic.maybe_help(help));
            return None;
        };
        let mut checks = Checks::of(kind.1);
        self.range(path, node, &mut checks);
        self.lengths(path, node, &mut checks);
        self.pattern(path, node, &mut checks);
        if let Some((key, node)) = node.entry("items")
            && self.suits(path, key, checks.kind, &[ParamType::List])
        {
            let path = format!("{path}.items");
            checks.items = self.checks(&path, key.span, node, &ITEM_KEYS).map(Box::new);
        }
        self.allowed(path, node, &mut checks);
        Some(checks)
    }

    /// Whether `key` has a meaning for `kind`; reports it when not.
    fn suits(&mut self, path: &str, key: &Key, kind: ParamType, kinds: &[ParamType]) -> bool {
        if kinds.contains(&kind) {
            return true;
        }
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        let message = format!(
            "{} has no meaning in {}, which is of type {}",
            quoted(&key.name),
            quoted(path),
            kind.name()
        );
        let diagnostic = self.error(codes::PARAM_KEY_UNSUITED, message, key.span);
        self.report(diagnostic.help(format!("it is for {}", names.join(", "))));
        false
    }

    fn contradiction(&mut self, path: &str, what: &str, span: Span) {
        self.report(self.error(codes::PARAM_CONTRADICTION, format!("{}: {what}", quoted(path)), span));
    }

    fn range(&mut self, path: &str, node: &Node, checks: &mut Checks) {
        for (name, bound) in [("min", &mut checks.min), ("max", &mut checks.max)] {
            if let Some((key, node)) = node.entry(name)
                && self.suits(path, key, checks.kind, &[ParamType::Int, ParamType::Float])
            {
                *bound = self.number(&format!("{path}.{name}"), "a number", node);
            }
        }
        if let (Some(min), Some(max), Some((key, _))) = (&checks.min, &checks.max, node.entry("max"))
            && compare(min, max) == Ordering::Greater
        {
            self.contradiction(path, "no value is from 'min' to 'max'", key.span);
        }
    }

    fn lengths(&mut self, path: &str, node: &Node, checks: &mut Checks) {
        let kinds = [ParamType::Str, ParamType::List, ParamType::Dict];
        for (name, bound) in [("min_length", &mut checks.min_length), ("max_length", &mut checks.max_length)]
        {
            if let Some((key, node)) = node.entry(name)
                && self.suits(path, key, checks.kind, &kinds)
            {
                *bound = self.integer(&format!("{path}.{name}"), node, 0, u64::MAX);
            }
        }
        if let (Some(least), Some(most), Some((key, _))) =
            (checks.min_length, checks.max_length, node.entry("max_length"))
            && least > most
        {
            self.contradiction(path, "no length is from 'min_length' to 'max_length'", key.span);
        }
    }

    fn pattern(&mut self, path: &str, node: &Node, checks: &mut Checks) {
        let Some((key, node)) = node.entry("pattern") else { return };
        if !self.suits(path, key, checks.kind, &[ParamType::Str]) {
            return;
        }
        let Some(text) = self.string(&format!("{path}.pattern"), node) else { return };
        match regex_lite::Regex::new(&text) {
            Ok(regex) => checks.pattern = Some(Pattern(regex)),
            Err(error) => {
                let message =
                    format!("{} is not a regular expression: {error}", quoted(&format!("{path}.pattern")));
                self.report(self.error(codes::PARAM_PATTERN, message, node.span));
            }
        }
    }

    fn allowed(&mut self, path: &str, node: &Node, checks: &mut Checks) {
        let Some(node) = node.get("allowed") else { return };
        let Some(items) = self.list(&format!("{path}.allowed"), "a list of values", node) else { return };
        if items.is_empty() {
            self.contradiction(path, "'allowed' is empty: no value would do", node.span);
            return;
        }
        let values: Vec<_> = items.iter().map(Node::to_json).collect();
        for (position, (item, value)) in items.iter().zip(&values).enumerate() {
            if !has_type(value, checks.kind) {
                let name = quoted(&format!("{path}.allowed[{position}]"));
                let message = format!("{name} must be {}, got {}", checks.kind.noun(), type_name(value));
                self.report(self.error(codes::PARAM_CONTRADICTION, message, item.span));
            }
        }
        checks.allowed = Some(values);
    }
}

fn is_type(node: &Node) -> bool {
    ParamType::ALL.iter().any(|(name, _)| node.as_str() == Some(name))
}

/// Words that other schema languages use for the same types.
fn type_hint(name: &str, names: [&str; 7]) -> Option<String> {
    let meant = match name {
        "integer" | "long" => "int",
        "number" | "double" => "float",
        "string" | "text" => "str",
        "boolean" => "bool",
        "array" => "list",
        "object" | "map" => "dict",
        _ => return crate::diagnostic::did_you_mean(name, names),
    };
    Some(format!("did you mean '{meant}'?"))
}
