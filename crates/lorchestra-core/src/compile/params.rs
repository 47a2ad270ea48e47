//! The params of a step: texts read as templates, what is known put in, what is late or secret noted beside.

use lorchestra_json::pointer;
use serde_json::{Map, Value};

use crate::diagnostic::{codes, quoted};
use crate::instance::LateValue;
use crate::manifest::SecretAt;
use crate::op::{OpSpec, Param, ParamKind};
use crate::reference::Namespace;
use crate::scope::Resolved;
use crate::template::Template;
use crate::yaml::{self, Node};

use super::pass::{Pass, Text};
use super::references::Site;

/// The params of one step, as far as they are known.
#[derive(Default)]
pub(super) struct BoundParams {
    pub(super) value: Map<String, Value>,
    pub(super) late: Vec<LateValue>,
    pub(super) secrets: Vec<SecretAt>,
    /// The pointers of all values that are not known: late, secret, of an unknown payload, or wrong.
    pub(super) open: Vec<String>,
}

/// Where in the params a value stands, and what the op says about it.
#[derive(Clone, Copy)]
struct Place<'p> {
    kind: Option<&'p ParamKind>,
    /// The name of the param that is program text.
    literal: Option<&'p str>,
    secret: bool,
}

impl<'p> Place<'p> {
    const FREE: Self = Self { kind: None, literal: None, secret: false };

    fn below(self, param: &'p Param) -> Self {
        Self {
            kind: Some(&param.kind),
            literal: self.literal.or(param.literal.then_some(param.name)),
            secret: self.secret || param.secret,
        }
    }

    fn key(self, name: &str) -> Self {
        match self.kind.and_then(|kind| member(kind, name)) {
            Some(param) => self.below(param),
            None => Self { kind: None, ..self },
        }
    }

    fn item(self) -> Self {
        let of = match self.kind {
            Some(ParamKind::List(of)) => Some(&**of),
            Some(ParamKind::Either(kinds)) => {
                kinds.iter().find_map(|kind| if let ParamKind::List(of) = kind { Some(&**of) } else { None })
            }
            _ => None,
        };
        Self { kind: of, ..self }
    }
}

fn member<'p>(kind: &'p ParamKind, name: &str) -> Option<&'p Param> {
    match kind {
        ParamKind::Object(params) => params.iter().find(|param| param.name == name),
        ParamKind::Either(kinds) => kinds.iter().find_map(|kind| member(kind, name)),
        _ => None,
    }
}

impl Pass<'_> {
    /// Binds the params of the step at `position`.
    pub(super) fn bind(&mut self, position: usize, spec: Option<&OpSpec>) -> BoundParams {
        let mut bound = BoundParams::default();
        for (key, node) in self.job.steps[position].params.as_map().unwrap_or_default() {
            let at = pointer::join("", &key.name);
            let value = match spec.and_then(|spec| spec.param(&key.name)) {
                // refused by name; what it holds does not matter
                Some(param) if param.not_built => Value::Null,
                param => {
                    let place = param.map_or(Place::FREE, |param| Place::FREE.below(param));
                    let mut binder = Binder { pass: self, step: position, spec, bound: &mut bound };
                    binder.bind(node, &at, place)
                }
            };
            bound.value.insert(key.name.clone(), value);
        }
        bound
    }
}

struct Binder<'b, 'a> {
    pass: &'b mut Pass<'a>,
    step: usize,
    spec: Option<&'b OpSpec>,
    bound: &'b mut BoundParams,
}

impl Binder<'_, '_> {
    fn bind(&mut self, node: &Node, at: &str, place: Place<'_>) -> Value {
        match &node.value {
            yaml::Value::Str(text) => self.text(Text { text, span: node.span }, at, place),
            yaml::Value::Seq(items) => items
                .iter()
                .enumerate()
                .map(|(position, item)| self.bind(item, &pointer::join(at, position), place.item()))
                .collect(),
            yaml::Value::Map(entries) => entries
                .iter()
                .map(|(key, value)| {
                    let bound = self.bind(value, &pointer::join(at, &key.name), place.key(&key.name));
                    (key.name.clone(), bound)
                })
                .collect(),
            _ => node.to_json(),
        }
    }

    fn text(&mut self, text: Text<'_>, at: &str, place: Place<'_>) -> Value {
        let Some(template) = self.pass.template(text) else { return self.open(at) };
        match &template {
            Template::Literal(plain) => return Value::String(plain.clone()),
            Template::Whole(reference) if reference.ns == Namespace::Secret => {
                let name = reference.path.first().and_then(|segment| segment.as_key()).unwrap_or_default();
                if place.secret {
                    self.bound.secrets.push(SecretAt { at: at.to_owned(), name: name.to_owned() });
                } else {
                    self.refuse_secret(text, at);
                }
                return self.open(at);
            }
            _ => {}
        }
        let site = place.literal.map_or(Site::Param(self.step), Site::Literal);
        if !self.pass.check_template(&template, text, site) {
            return self.open(at);
        }
        if !template.is_known_at_compile() {
            let text = self.pass.late_text(template, text);
            self.bound.late.push(LateValue { at: at.to_owned(), text });
            return self.open(at);
        }
        if template.references().any(|reference| self.pass.values.root(reference.ns).is_none()) {
            self.check_declared(&template, text, at, place);
            return self.open(at);
        }
        match template.resolve(&self.pass.values) {
            Ok(Resolved::Value(value)) => value,
            // nothing is stored before the run
            Ok(Resolved::Artifact(_) | Resolved::Mixed(_)) => self.open(at),
            Err(error) => {
                let error = self.pass.error(codes::UNKNOWN_REFERENCE, error.to_string(), text.span);
                self.pass.report(error);
                self.open(at)
            }
        }
    }

    fn open(&mut self, at: &str) -> Value {
        self.bound.open.push(at.to_owned());
        Value::Null
    }

    fn refuse_secret(&mut self, text: Text<'_>, at: &str) {
        let Some(spec) = self.spec else { return };
        let takers: Vec<&str> =
            spec.params.iter().filter(|param| param.secret).map(|param| param.name).collect();
        let help = match takers.as_slice() {
            [] => format!("no param of {} takes a secret", spec.name),
            takers => format!("params of {} that take a secret: {}", spec.name, takers.join(", ")),
        };
        let message = format!("{} takes no secret: it would be stored", quoted(&super::ops::path(at)));
        let error = self.pass.error(codes::SECRET_NOT_ALLOWED, message, text.span).help(help);
        self.pass.report(error);
    }

    /// Where only the declared type of a payload parameter is known: whether the op takes that type.
    fn check_declared(&mut self, template: &Template, text: Text<'_>, at: &str, place: Place<'_>) {
        let Some(kind) = place.kind else { return };
        let declared = match template {
            Template::Whole(reference) => match self.pass.values.known_of(reference) {
                crate::expression::Known::Kind(declared) => declared,
                _ => return,
            },
            _ => "str",
        };
        if !takes(kind, declared) {
            let message =
                format!("{} must be {}, got {declared}", quoted(&super::ops::path(at)), kind.describe());
            let error = self.pass.error(codes::OP_PARAM, message, text.span);
            self.pass.report(error);
        }
    }
}

/// Whether some value of the declared type is of `kind`.
fn takes(kind: &ParamKind, declared: &str) -> bool {
    match kind {
        ParamKind::Str | ParamKind::OneOf(_) | ParamKind::Transform | ParamKind::Template => {
            declared == "str"
        }
        ParamKind::Int { .. } => declared == "int",
        ParamKind::Float => matches!(declared, "int" | "float"),
        ParamKind::Bool => declared == "bool",
        ParamKind::List(_) | ParamKind::Rows => declared == "list",
        ParamKind::Map | ParamKind::Object(_) => declared == "dict",
        ParamKind::Either(kinds) => kinds.iter().any(|kind| takes(kind, declared)),
        ParamKind::Any => true,
    }
}
