//! The job as written in one canonical text, and its hash: two files that say the same have one hash.
//!
//! Every key that is written is there (`parameters_schema` under its main name `params`, the config file's content
//! under `config`) and `timeout_s` always stands on steps; other defaults are left out. Comments, order of keys and
//! style of scalars do not matter.

use lorchestra_json::{Sha256, canonical};
use serde_json::Value;

use super::model::JobDef;
use super::step::TIMEOUT_S;

impl JobDef {
    /// The job as written, as JSON: what [`JobDef::job_def_sha256`] is taken of.
    ///
    /// A config file must have been put in before, else its name stands there: see [`JobDef::config_file`].
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut job = self.document.to_json();
        if let Some(schema) = job.as_object_mut().and_then(|job| job.remove("parameters_schema")) {
            job["params"] = schema;
        }
        for step in job.get_mut("steps").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(step) = step.as_object_mut() {
                step.entry("timeout_s").or_insert_with(|| TIMEOUT_S.into());
            }
        }
        job
    }

    /// The job as written, as canonical JSON.
    #[must_use]
    pub fn canonical_json(&self) -> String {
        canonical::text(&self.to_json())
    }

    /// The hash of [`JobDef::canonical_json`].
    #[must_use]
    pub fn job_def_sha256(&self) -> Sha256 {
        Sha256::of(self.canonical_json().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source;

    fn job(text: &str) -> JobDef {
        JobDef::parse(&Source::new("t.yaml", text), Some("t")).unwrap()
    }

    #[test]
    fn the_hash_of_the_smallest_job_is_the_published_one() {
        let job =
            job("{job_id: t, version: \"2.0\", steps: [{step_id: a, op: log.dump, params: {items: [1]}}]}");
        assert_eq!(
            job.canonical_json(),
            r#"{"job_id":"t","steps":[{"op":"log.dump","params":{"items":[1]},"step_id":"a","timeout_s":300}],"version":"2.0"}"#
        );
        assert_eq!(
            job.job_def_sha256().to_string(),
            "801b45ae19025382d51cf4f8b5c1a532be3716afc9733a059695d1df323a2e1f"
        );
    }

    #[test]
    fn style_order_and_alias_do_not_change_the_hash() {
        let one =
            job("job_id: t\nversion: '1'\nparams: {n: {type: int}}\nsteps:\n- step_id: a\n  op: log.dump\n");
        let two = job(
            "version: \"1\" # one\nsteps: [{op: 'log.dump', step_id: a, timeout_s: 300.0}]\nparameters_schema:\n  n:\n    type: int\njob_id: t",
        );
        assert_eq!(one.job_def_sha256(), two.job_def_sha256());
        let other = job(
            "{job_id: t, version: '1', params: {n: {type: int}}, steps: [{step_id: a, op: log.dump, timeout_s: 301}]}",
        );
        assert_ne!(one.job_def_sha256(), other.job_def_sha256());
    }
}
