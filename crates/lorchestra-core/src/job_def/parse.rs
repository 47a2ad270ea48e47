//! A job from its text: the top level, and what holds between steps. All problems of the file are collected.

use std::collections::BTreeMap;

use super::id::{JOB_ID_RULE, is_job_id};
use super::keys;
use super::model::{JobDef, OnFailure, StepDef};
use crate::diagnostic::{Diagnostics, Source, Span, Spanned, codes, quoted};
use crate::fields::Fields;
use crate::params::ParamsSchema;
use crate::yaml::{self, Key, Node};

/// How many steps run at a time where a job does not say.
const MAX_PARALLEL: u32 = 64;

impl JobDef {
    /// Reads the job that `source` defines. `stem` is the file's name without folder and ending, where there is one.
    ///
    /// # Errors
    /// Every problem of the text, in its order. Warnings of a job that can be used are in [`JobDef::warnings`].
    pub fn parse(source: &Source, stem: Option<&str>) -> Result<Self, Diagnostics> {
        let mut diagnostics = Diagnostics::default();
        match yaml::parse(source, &mut diagnostics) {
            Some(document) => Self::from_document(source, document, stem, diagnostics),
            None => Err(diagnostics),
        }
    }

    /// The same for a text that is read as YAML already; `diagnostics` are what that reading told.
    ///
    /// # Errors
    /// As [`JobDef::parse`].
    pub fn from_document(
        source: &Source,
        document: Node,
        stem: Option<&str>,
        mut diagnostics: Diagnostics,
    ) -> Result<Self, Diagnostics> {
        let mut fields = Fields { source, diagnostics: &mut diagnostics };
        let job = fields.job(document, stem);
        diagnostics.sort();
        match job {
            Some(job) if !diagnostics.has_errors() => Ok(Self { warnings: diagnostics, ..job }),
            _ => Err(diagnostics),
        }
    }
}

impl Fields<'_> {
    fn job(&mut self, document: Node, stem: Option<&str>) -> Option<JobDef> {
        let Some(entries) = document.as_map() else {
            let got = crate::fields::describe(&document);
            let message = format!("a job must be a dict with job_id, version and steps, got {got}");
            self.report(self.error(codes::WRONG_TYPE, message, document.span));
            return None;
        };
        let mut extras = Vec::new();
        for (key, node) in entries {
            if self.is_extra(key) {
                extras.push((key.clone(), node.clone()));
            }
        }
        self.config_path(&document);
        // what makes it another kind of file is refused already; that it is no job then goes without saying
        let other_kind = document.get("pipeline_id").is_some();
        let misspelt = |name: &str| entries.iter().any(|(key, _)| is_near(name, &key.name));
        let required = |fields: &mut Self, name: &str| {
            let node = document.get(name);
            if node.is_none() && !other_kind && !misspelt(name) {
                fields.missing_key(name, "at the top level of the job", Span::at(document.span.start));
            }
            node
        };
        let job_id = required(self, "job_id").and_then(|node| self.job_id(node, stem));
        let version = required(self, "version").and_then(|node| self.non_empty("version", node));
        let description = document.get("description").and_then(|node| self.string("description", node));
        let params = self.params_schema(&document);
        let max_parallel = match document.get("max_parallel") {
            Some(node) => self.integer("max_parallel", node, 1, u64::from(u32::MAX)),
            None => Some(u64::from(MAX_PARALLEL)),
        };
        let timeout_s = document.get("timeout_s").and_then(|node| self.seconds("timeout_s", node));
        let words =
            [("finish", OnFailure::Finish), ("cancel", OnFailure::Cancel), ("continue", OnFailure::Continue)];
        let on_failure = document.get("on_failure").and_then(|node| self.choice("on_failure", node, &words));
        let steps = match document.get("steps") {
            Some(node) => self.steps(node),
            None => {
                if document.get("stages").is_none() {
                    required(self, "steps");
                }
                Vec::new()
            }
        };
        Some(JobDef {
            source: self.source.clone(),
            job_id: job_id?,
            version: version?,
            description: description.map(|description| description.value),
            params,
            max_parallel: u32::try_from(max_parallel?).unwrap_or(u32::MAX),
            timeout_s,
            on_failure: on_failure.unwrap_or_default(),
            output: document.get("output").cloned(),
            steps,
            extras,
            warnings: Diagnostics::default(),
            config_loaded: false,
            document,
        })
    }

    /// Whether `key` is none of the format's own; reports one that looks like a mistake or is not supported yet.
    fn is_extra(&mut self, key: &Key) -> bool {
        let name = key.name.as_str();
        if keys::TOP_LEVEL.contains(&name) {
            return false;
        }
        if keys::TOP_LEVEL_LATER.contains(&name) {
            self.not_supported_yet(&format!("the key {}", quoted(name)), key.span);
            return false;
        }
        if keys::known_step().any(|known| known == name) {
            let message = format!("{} belongs to a step", quoted(name));
            self.report(self.error(codes::STEP_KEY_AT_TOP_LEVEL, message, key.span));
            return false;
        }
        let near = keys::known_top_level().find(|known| is_near(known, name));
        if let Some(known) = near {
            let message = format!("unknown key {} at the top level of the job", quoted(name));
            let help = format!("did you mean '{known}'? A key of your own needs a name less like it");
            self.report(self.error(codes::UNKNOWN_KEY, message, key.span).help(help));
        }
        near.is_none()
    }

    fn job_id(&mut self, node: &Node, stem: Option<&str>) -> Option<Spanned<String>> {
        let job_id = self.non_empty("job_id", node)?;
        if !is_job_id(&job_id) {
            let message = format!("{} is not a job_id", quoted(&job_id));
            let help = format!("a job_id has {JOB_ID_RULE}");
            self.report(self.error(codes::INVALID_ID, message, node.span).help(help));
        } else if let Some(stem) = stem.filter(|stem| *stem != *job_id) {
            let (job_id, stem) = (quoted(&job_id), quoted(stem));
            let message = format!("the job_id {job_id} is not the name of its file, {stem}");
            let help = "rename the file or the job: jobs are found by name".to_owned();
            self.report(self.error(codes::JOB_ID_NOT_FILE_STEM, message, node.span).help(help));
        }
        Some(job_id)
    }

    fn params_schema(&mut self, document: &Node) -> Option<ParamsSchema> {
        let (params, alias) = (document.entry("params"), document.entry("parameters_schema"));
        if let (Some((first, _)), Some((second, _))) = (params, alias) {
            let message = "'parameters_schema' is another name of 'params': a job has one of them";
            let diagnostic = self.error(codes::CONFLICTING_KEYS, message, second.span);
            self.report(diagnostic.label(self.source, first.span, "the other one stands here"));
        }
        let (_, node) = params.or(alias)?;
        Some(ParamsSchema::parse(node, self.source, self.diagnostics))
    }

    fn steps(&mut self, node: &Node) -> Vec<StepDef> {
        let Some(items) = self.list("steps", "a list of steps", node) else { return Vec::new() };
        if items.is_empty() {
            let message = "'steps' is empty: a job must do something";
            self.report(self.error(codes::INVALID_VALUE, message, node.span));
        }
        let steps: Vec<StepDef> =
            items.iter().enumerate().filter_map(|(position, item)| self.step(position, item)).collect();
        self.unique_step_ids(items);
        steps
    }

    /// Judged on the text, not on the steps: a step that has other problems takes its id too.
    fn unique_step_ids(&mut self, items: &[Node]) {
        let mut first_places: BTreeMap<&str, Span> = BTreeMap::new();
        for node in items.iter().filter_map(|item| item.get("step_id")) {
            let Some(step_id) = node.as_str() else { continue };
            match first_places.get(step_id) {
                Some(first) => {
                    let message = format!("two steps have the step_id {}", quoted(step_id));
                    let diagnostic = self.error(codes::DUPLICATE_STEP_ID, message, node.span);
                    self.report(diagnostic.label(self.source, *first, "the first one stands here"));
                }
                None => {
                    first_places.insert(step_id, node.span);
                }
            }
        }
    }
}

/// Whether `name` is one mistake away from `known`: a letter too many, too few or another one, or two exchanged.
fn is_near(known: &str, name: &str) -> bool {
    known.len().abs_diff(name.len()) <= 4 && strsim::damerau_levenshtein(known, name) == 1
}
