//! A job definition, a context and a payload to a job instance: everything decided that can be decided before running
//! (jobs.md §3).
//!
//! Pure: no clock, no chance, no IO; the same input gives the same bytes. What must be known of the world comes in by
//! the [`Catalog`]. Nothing is run here and no artifact is read.

mod condition;
mod errors;
mod graph;
mod ops;
mod output;
mod params;
mod pass;
mod references;
mod resources;
mod step;
mod values;

pub use errors::CompileErrors;

use serde_json::{Map, Value};

use crate::catalog::Catalog;
use crate::clock::Timestamp;
use crate::diagnostic::Diagnostics;
use crate::instance::JobInstance;
use crate::job_def::JobDef;

use pass::Pass;
use values::Values;

/// What a job is compiled with.
#[derive(Debug, Clone, PartialEq)]
pub struct CompileContext {
    /// What `@ctx` is.
    pub ctx: Map<String, Value>,
    /// The payload as given; `@payload` is this with the defaults of the job's `params` filled in.
    pub payload: Map<String, Value>,
    /// The time that the instance is stamped with. It is not part of its digest.
    pub compiled_at: Timestamp,
}

/// Compiles `job`.
///
/// # Errors
/// All problems at once. What is wrong for every context and payload stands apart from what is wrong with these.
pub fn compile(
    job: &JobDef,
    context: &CompileContext,
    catalog: &Catalog,
) -> Result<JobInstance, CompileErrors> {
    let definition = validate(job, catalog);
    let payload = match &job.params {
        Some(schema) => schema.apply(&context.payload),
        None => Ok(context.payload.clone()),
    };
    let payload = match payload {
        Ok(payload) if !definition.has_errors() => payload,
        payload => {
            let payload = payload.err().unwrap_or_default();
            return Err(CompileErrors { definition, input: Diagnostics::default(), payload });
        }
    };
    let mut pass = Pass::new(job, catalog, Values::known(job, &context.ctx, &payload));
    let instance = pass.instance(context, payload);
    // the definition was found right for unknown values: what is wrong now is wrong with these
    let input = pass.into_diagnostics();
    if input.has_errors() {
        return Err(CompileErrors { definition, input, payload: Vec::new() });
    }
    Ok(instance)
}

/// Everything that is wrong with `job` whatever context and payload it is compiled with.
///
/// Warnings of reading the job are not repeated: they are in [`JobDef::warnings`].
#[must_use]
pub fn validate(job: &JobDef, catalog: &Catalog) -> Diagnostics {
    let mut pass = Pass::new(job, catalog, Values::unknown(job));
    pass.check();
    pass.into_diagnostics()
}
