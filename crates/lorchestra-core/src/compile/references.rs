//! Whether one reference may stand where it stands, and leads somewhere: the rules of jobs.md §2, one place for all.

use crate::diagnostic::{Diagnostic, Span, closest, codes, did_you_mean, quoted};
use crate::expression::{Expr, Name};
use crate::op::{Output, OutputField};
use crate::params::ParamType;
use crate::reference::{Namespace, Reference, Segment};
use crate::scope::{ResolveError, walk};
use crate::template::{Part, Template};

use super::graph::unknown_step;
use super::pass::{Pass, Text};

/// The fields of `@run.envelope`.
const ENVELOPE: [&str; 9] =
    ["job_id", "version", "ctx", "payload", "self", "profile", "labels", "trigger", "traceparent"];

/// Where a reference stands, which decides what it may name.
#[derive(Clone, Copy)]
pub(super) enum Site<'t> {
    /// A param of the step.
    Param(usize),
    /// The program text called so, in a param of a step.
    Literal(&'t str),
    /// A condition that is judged at compile.
    If,
    /// A condition or key of the step that is made when it is dispatched.
    Dispatch(usize),
    /// The job's result: every step has ended.
    Output,
}

impl Pass<'_> {
    /// Checks every reference of `template`, which was read from `text`. Gives whether all are right.
    pub(super) fn check_template(&mut self, template: &Template, text: Text<'_>, site: Site<'_>) -> bool {
        match template {
            Template::Literal(_) => true,
            Template::Whole(reference) => {
                let span = self.place(text, 0..text.text.len());
                self.check_reference(reference, site, span, false)
            }
            Template::Parts(parts) => {
                let mut right = true;
                for part in parts {
                    if let Part::Expr { expr, offset } = part {
                        right &= self.check_names(expr, text, *offset, site);
                        if right {
                            let problems = expr.check_value(&|reference| self.values.known_of(reference));
                            right &= problems.is_empty();
                            for problem in problems {
                                let span = self.place(text, *offset..*offset);
                                let error = self.error(codes::EXPRESSION_KIND, problem.message, span);
                                self.report(error.maybe_help(problem.help));
                            }
                        }
                    }
                }
                right
            }
        }
    }

    /// Checks every name in `expr`, which begins at byte `offset` of `text`.
    pub(super) fn check_names(&mut self, expr: &Expr, text: Text<'_>, offset: usize, site: Site<'_>) -> bool {
        let names = expr.occurrences();
        // what `is defined` asks about may be missing, and so may what lies below it
        let asked: Vec<&Reference> = names
            .iter()
            .filter(|occurrence| occurrence.asked)
            .filter_map(|occurrence| match occurrence.name {
                Name::Reference(reference) => Some(reference),
                Name::StepStatus(_) => None,
            })
            .collect();
        let mut right = true;
        for occurrence in &names {
            let span = self.place(text, offset + occurrence.at.start..offset + occurrence.at.end);
            right &= match occurrence.name {
                Name::Reference(reference) => {
                    let may_miss = asked
                        .iter()
                        .any(|asked| asked.ns == reference.ns && reference.path.starts_with(&asked.path));
                    self.check_reference(reference, site, span, may_miss)
                }
                Name::StepStatus(step_id) => self.check_step(step_id, site, span).is_some(),
            };
        }
        right
    }

    /// Checks `reference`, which stands at `span`; `may_miss` when something asks whether it exists.
    fn check_reference(&mut self, reference: &Reference, site: Site<'_>, span: Span, may_miss: bool) -> bool {
        if let (Site::Literal(name), Namespace::Payload | Namespace::Run) = (site, reference.ns) {
            let error = self.not_into_program_text(&reference.to_string(), name, span);
            self.report(error);
            return false;
        }
        let finding = match reference.ns {
            Namespace::Item | Namespace::Index => Some(
                self.error(
                    codes::REFERENCE_NOT_ALLOWED,
                    format!("@{} has a value only in a step with 'foreach'", reference.ns),
                    span,
                )
                .help("'foreach' is not supported yet"),
            ),
            Namespace::Secret => Some(
                self.error(codes::SECRET_NOT_ALLOWED, "a secret cannot stand here: it would be stored", span)
                    .help("a secret is given as a whole param to an op that takes one: '@secret.NAME'"),
            ),
            Namespace::Run => return self.check_run(reference, site, span),
            Namespace::Payload => self
                .undeclared(reference, span)
                .or_else(|| self.missing(reference, span).filter(|_| !may_miss)),
            Namespace::Ctx | Namespace::Self_ => self.missing(reference, span).filter(|_| !may_miss),
        };
        let right = finding.is_none();
        finding.into_iter().for_each(|finding| self.report(finding));
        right
    }

    fn not_into_program_text(&self, what: &str, param: &str, span: Span) -> Diagnostic {
        let message =
            format!("{} is program text, a path or a name: {what} cannot go into it", quoted(param));
        self.error(codes::REFERENCE_NOT_ALLOWED, message, span)
            .help("only @ctx and @self may stand here; data is given by the params that take values")
    }

    fn decided_before_the_run(&self, span: Span) -> Diagnostic {
        self.error(codes::REFERENCE_NOT_ALLOWED, "'if' is decided before the run begins", span)
            .help("a condition on what happens in the run is 'when'")
    }

    /// A payload parameter that the job's schema does not know, or a path below one that has nothing below.
    fn undeclared(&self, reference: &Reference, span: Span) -> Option<Diagnostic> {
        let schema = self.job.params.as_ref()?;
        let (first, below) = reference.path.split_first()?;
        let Some(spec) = first.as_key().and_then(|name| schema.get(name)) else {
            let name = first.as_key().map_or_else(|| first.to_string(), ToOwned::to_owned);
            let help = available(&name, schema.names());
            return Some(
                self.error(
                    codes::UNKNOWN_REFERENCE,
                    format!("the job's params declare no parameter {}", quoted(&name)),
                    span,
                )
                .help(help),
            );
        };
        let kind = spec.checks.kind;
        let nothing_below =
            matches!(kind, ParamType::Int | ParamType::Float | ParamType::Str | ParamType::Bool);
        (nothing_below && !below.is_empty()).then(|| {
            self.error(
                codes::UNKNOWN_REFERENCE,
                format!("{reference} leads nowhere: {} is {}", reference.prefix(1), kind.name()),
                span,
            )
        })
    }

    /// A path that leads nowhere, where the values are known.
    fn missing(&self, reference: &Reference, span: Span) -> Option<Diagnostic> {
        let stopped = walk(self.values.root(reference.ns)?, &reference.path).err()?;
        let help = reference
            .path
            .get(stopped.depth)
            .and_then(Segment::as_key)
            .and_then(|key| did_you_mean(key, stopped.keys.iter().map(String::as_str)));
        let at = reference.prefix(stopped.depth);
        let missing = ResolveError::Missing { reference: reference.to_string(), at, keys: stopped.keys };
        Some(self.error(codes::UNKNOWN_REFERENCE, missing.to_string(), span).maybe_help(help))
    }

    /// A step that is named at `span`; `None`, reported, when it does not exist or may not have ended.
    fn check_step(&mut self, step_id: &str, site: Site<'_>, span: Span) -> Option<usize> {
        let own = match site {
            Site::Param(step) | Site::Dispatch(step) => Some(step),
            Site::Output => None,
            Site::If => {
                let error = self.decided_before_the_run(span);
                self.report(error);
                return None;
            }
            Site::Literal(name) => {
                let error = self.not_into_program_text(&format!("steps.{step_id}.status"), name, span);
                self.report(error);
                return None;
            }
        };
        let Some(position) = self.graph.position(step_id) else {
            let error = unknown_step(self.job, step_id).at(&self.job.source, span);
            self.report(error);
            return None;
        };
        let Some(own) = own else { return Some(position) };
        if self.graph.is_before(position, own) {
            return Some(position);
        }
        let own_id = &self.job.steps[own].step_id;
        let error = if position == own {
            self.error(
                codes::STEP_NOT_BEFORE,
                format!("step {} cannot use its own output", quoted(own_id)),
                span,
            )
        } else {
            let message = format!(
                "step {} is not certain to have ended before step {}",
                quoted(step_id),
                quoted(own_id)
            );
            let place = self.job.steps[position].step_id.span;
            self.error(codes::STEP_NOT_BEFORE, message, span)
                .label(&self.job.source, place, "this step")
                .help(if self.graph.is_before(own, position) {
                    format!("step {} itself waits for step {}", quoted(step_id), quoted(own_id))
                } else {
                    format!("add {} to the 'needs' of step {}", quoted(step_id), quoted(own_id))
                })
        };
        self.report(error);
        None
    }

    fn check_run(&mut self, reference: &Reference, site: Site<'_>, span: Span) -> bool {
        let Some((step_id, below)) = reference.step() else {
            let Some(finding) = self.envelope(reference, site, span) else { return true };
            self.report(finding);
            return false;
        };
        let Some(position) = self.check_step(step_id, site, span) else { return false };
        let step = &self.job.steps[position];
        let Some(spec) = self.catalog.ops.get(step.op.as_str()) else { return true };
        let (Output::Fields(fields), Some((first, deeper))) = (&spec.output, below.split_first()) else {
            return true;
        };
        let name = first.as_key();
        let finding = match name.and_then(|name| field(fields, name)) {
            Some(field) if field.open || deeper.is_empty() => None,
            Some(field) => Some(self.error(
                codes::UNKNOWN_REFERENCE,
                format!("{reference} leads nowhere: '{}' of {} is a single value", field.name, spec.name),
                span,
            )),
            // what a step gives that failed and may
            None if step.continue_on_error && name == Some("error") => None,
            None => {
                let shown = name.map_or_else(|| first.to_string(), quoted);
                let names = fields.iter().flat_map(|field| [Some(field.name), field.alias]).flatten();
                let help = available(name.unwrap_or_default(), names);
                let message =
                    format!("the output of {} (step {}) has no {shown}", spec.name, quoted(step_id));
                Some(self.error(codes::UNKNOWN_REFERENCE, message, span).help(help))
            }
        };
        let right = finding.is_none();
        finding.into_iter().for_each(|finding| self.report(finding));
        right
    }

    /// What is wrong with a reference to the run that names no step.
    fn envelope(&self, reference: &Reference, site: Site<'_>, span: Span) -> Option<Diagnostic> {
        if matches!(site, Site::If) {
            return Some(self.decided_before_the_run(span));
        }
        match reference.path.as_slice() {
            [Segment::Key(_)] => None,
            [Segment::Key(_), Segment::Key(name), ..] if ENVELOPE.contains(&name.as_str()) => None,
            [Segment::Key(_), field, ..] => {
                let name = field.as_key().map_or_else(|| field.to_string(), ToOwned::to_owned);
                let message = format!("the run's envelope has no {}", quoted(&name));
                Some(
                    self.error(codes::UNKNOWN_REFERENCE, message, span)
                        .help(available(&name, ENVELOPE.into_iter())),
                )
            }
            _ => Some(
                self.error(codes::UNKNOWN_REFERENCE, "a step must be named after @run", span)
                    .help("an output is @run.<step_id>, what the run is run with is @run.envelope"),
            ),
        }
    }

    /// Gives fields their main name (`rows` is `items`): the run knows outputs, not the specs of ops.
    pub(super) fn without_alias(&self, reference: &mut Reference) -> bool {
        let main = reference.step().and_then(|(step_id, below)| {
            let step = &self.job.steps[self.graph.position(step_id)?];
            let Output::Fields(fields) = &self.catalog.ops.get(step.op.as_str())?.output else { return None };
            let name = below.first()?.as_key()?;
            let field = field(fields, name)?;
            (field.name != name).then_some(field.name)
        });
        match (main, reference.path.get_mut(1)) {
            (Some(main), Some(segment)) => {
                *segment = Segment::Key(main.to_owned());
                true
            }
            _ => false,
        }
    }
}

fn field<'f>(fields: &'f [OutputField], name: &str) -> Option<&'f OutputField> {
    fields
        .iter()
        .find(|field| field.name == name)
        .or_else(|| fields.iter().find(|field| field.alias == Some(name)))
}

/// `did you mean 'items'? Available: items, rows, count`, the closest first.
pub(super) fn available<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> String {
    const SHOWN: usize = 30;
    let all: Vec<&str> = names.collect();
    let close = closest(name, all.iter().copied());
    let mut listed: Vec<&str> =
        close.iter().chain(all.iter().filter(|other| !close.contains(other))).copied().collect();
    let more = if listed.len() > SHOWN { ", …" } else { "" };
    listed.truncate(SHOWN);
    let question =
        did_you_mean(name, close.iter().copied()).map(|close| format!("{close} ")).unwrap_or_default();
    match listed.as_slice() {
        [] => "there are none".to_owned(),
        listed => format!("{question}Available: {}{more}", listed.join(", ")),
    }
}
