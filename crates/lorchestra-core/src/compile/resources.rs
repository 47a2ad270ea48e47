//! The transforms and templates that params name, with their digests.

use std::collections::BTreeMap;

use lorchestra_json::{Sha256, pointer};
use serde_json::Value;

use crate::catalog::ResourceKind;
use crate::diagnostic::{codes, quoted};
use crate::job_def::StepDef;
use crate::op::{Param, ParamKind};

use super::ops::place_of;
use super::pass::Pass;
use super::references::available;

impl Pass<'_> {
    /// The resources that `value`, the checked params of `step`, names.
    pub(super) fn resources(
        &mut self,
        step: &StepDef,
        params: &[Param],
        value: &Value,
    ) -> BTreeMap<String, Sha256> {
        let mut named = Vec::new();
        members(params, value, "", &mut named);
        let mut resources = BTreeMap::new();
        for (kind, name, at) in named {
            let key = kind.key(&name);
            let span = place_of(&step.params, &at, false);
            if let Some(why) = self.catalog.broken_resources.get(&key) {
                let message = format!("the {} {} is wrong: {why}", kind.as_str(), quoted(&name));
                let error = self.error(codes::BROKEN_RESOURCE, message, span);
                self.report(error);
            } else if let Some(sha256) = self.catalog.resources.get(&key) {
                resources.insert(key, *sha256);
            } else {
                let prefix = kind.key("");
                let names = self.catalog.resources.keys().chain(self.catalog.broken_resources.keys());
                let help = available(&name, names.filter_map(|key| key.strip_prefix(prefix.as_str())));
                let message = format!("unknown {} {}", kind.as_str(), quoted(&name));
                let error = self.error(codes::UNKNOWN_RESOURCE, message, span).help(help);
                self.report(error);
            }
        }
        resources
    }
}

type Named = (ResourceKind, String, String);

fn members(params: &[Param], value: &Value, at: &str, named: &mut Vec<Named>) {
    for param in params {
        if let Some(member) = value.get(param.name) {
            collect(&param.kind, member, &pointer::join(at, param.name), named);
        }
    }
}

fn collect(kind: &ParamKind, value: &Value, at: &str, named: &mut Vec<Named>) {
    let mut name = |kind: ResourceKind| {
        // what is not known yet is null; it cannot be named then
        named.extend(value.as_str().map(|name| (kind, name.to_owned(), at.to_owned())));
    };
    match kind {
        ParamKind::Transform => name(ResourceKind::Transform),
        ParamKind::Template => name(ResourceKind::Template),
        ParamKind::Object(params) => members(params, value, at, named),
        ParamKind::List(of) => {
            for (position, item) in value.as_array().into_iter().flatten().enumerate() {
                collect(of, item, &pointer::join(at, position), named);
            }
        }
        ParamKind::Either(kinds) => {
            let fitting = kinds.iter().find(|kind| {
                let mut problems = Vec::new();
                kind.check(value, at, &[], &mut problems);
                problems.is_empty()
            });
            fitting.into_iter().for_each(|kind| collect(kind, value, at, named));
        }
        _ => {}
    }
}
