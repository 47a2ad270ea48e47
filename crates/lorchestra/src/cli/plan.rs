//! `plan`: the instance a job compiles to and every step's manifest as far as it is known before running. Opens no
//! store and runs nothing; the same job gives the same bytes.

use lorchestra_core::instance::{JobInstance, StepInstance};
use serde_json::{Map, Value, json};
use storacle_client::builder::{Dialect, build};
use storacle_client::query::QuerySpec;

use super::args::{Global, JobArgs, Output};
use super::fail::Failure;
use super::{out, run};
use crate::exit;
use crate::host;
use crate::project::Project;
use lorchestra_core::handler::HandlerRegistry;

pub(super) fn plan(args: &JobArgs, global: &Global) -> Result<u8, Failure> {
    let project = Project::find(&std::env::current_dir()?, global.profile.as_deref())?;
    let instance = run::compile_job(&project, args)?;
    let tables = host::catalog(&project, &HandlerRegistry::default()).tables;
    let steps: Vec<Value> = instance
        .steps
        .iter()
        .map(|step| {
            let columns = table_of(step).and_then(|table| tables.get(&table).cloned());
            planned_step(step, columns.as_deref())
        })
        .collect();
    if global.output == Output::Text {
        print_text(&instance, &steps);
    } else {
        out::json(
            global.output,
            "plan",
            &json!({
                "job_id": instance.job_id,
                "job_version": instance.job_version,
                "job_def_sha256": instance.job_def_sha256,
                "instance_sha256": instance.instance_sha256,
                "payload": instance.payload,
                "resources": instance.resources,
                "steps": steps,
            }),
        );
    }
    Ok(exit::OK)
}

fn table_of(step: &StepInstance) -> Option<String> {
    Some(format!("{}.{}", step.params.get("dataset")?.as_str()?, step.params.get("table")?.as_str()?))
}

/// A step's manifest with what is bound only when it is dispatched marked by the ref it waits for.
fn planned_step(step: &StepInstance, columns: Option<&[String]>) -> Value {
    let mut params = step.params.clone();
    for late in &step.late {
        lorchestra_json::pointer::put(&mut params, &late.at, Value::String(late.text.clone()));
    }
    for secret in &step.secrets {
        lorchestra_json::pointer::put(
            &mut params,
            &secret.at,
            Value::String(format!("@secret.{}", secret.name)),
        );
    }
    let mut planned = Map::new();
    planned.insert("step_id".into(), json!(step.step_id));
    planned.insert("op".into(), json!(step.op));
    planned.insert("backend".into(), json!(step.backend));
    planned.insert("effect".into(), json!(step.effect));
    planned.insert("needs".into(), json!(step.needs));
    if let Some(why) = &step.compiled_skip {
        planned.insert("skipped".into(), json!(why));
        return Value::Object(planned);
    }
    if let Some(when) = &step.when {
        planned.insert("when".into(), json!(when));
    }
    planned.insert("params".into(), params);
    planned.insert("late".into(), json!(step.late.iter().map(|late| &late.at).collect::<Vec<_>>()));
    if !step.resources.is_empty() {
        planned.insert("resources".into(), json!(step.resources));
    }
    if step.op == "storacle.query" && step.params.get("sql").is_none() {
        let late: Vec<String> = step.late.iter().map(|late| late.at.clone()).collect();
        if let Ok(statement) =
            QuerySpec::parse(&step.params, &late).map(|spec| build(&spec, Dialect::Sqlite, columns))
        {
            planned.insert("sql".into(), json!(statement.sql));
        }
    }
    Value::Object(planned)
}

fn print_text(instance: &JobInstance, steps: &[Value]) {
    out::line(&format!("job       {} {}", instance.job_id, instance.job_version));
    out::line(&format!("job def   {}", instance.job_def_sha256));
    out::line(&format!("instance  {}", instance.instance_sha256));
    out::line(&format!("payload   {}", Value::Object(instance.payload.clone())));
    for (position, step) in steps.iter().enumerate() {
        let text = |key: &str| step.get(key).and_then(Value::as_str).unwrap_or_default();
        out::line("");
        out::line(&format!(
            "{}. {}  {}  [{}, {}]",
            position + 1,
            text("step_id"),
            text("op"),
            text("backend"),
            text("effect")
        ));
        if let Some(needs) = step.get("needs").and_then(Value::as_array).filter(|needs| !needs.is_empty()) {
            let needs: Vec<&str> = needs.iter().filter_map(Value::as_str).collect();
            out::line(&format!("   needs   {}", needs.join(", ")));
        }
        for key in ["skipped", "when", "sql"] {
            if let Some(text) = step.get(key).and_then(Value::as_str) {
                out::line(&format!("   {key:<7} {}", text.replace('\n', "\n           ")));
            }
        }
        let late: Vec<&str> = step
            .get("late")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if let Some(params) = step.get("params").and_then(Value::as_object) {
            for (name, value) in params {
                let shown = match value {
                    Value::String(text) => text.replace('\n', "\n           "),
                    other => other.to_string(),
                };
                let marked =
                    late.iter().any(|at| *at == format!("/{name}") || at.starts_with(&format!("/{name}/")));
                out::line(&format!(
                    "   {name:<7} {shown}{}",
                    if marked { "   (bound when dispatched)" } else { "" }
                ));
            }
        }
        if let Some(resources) = step.get("resources").and_then(Value::as_object) {
            for (key, sha256) in resources {
                out::line(&format!("   {key} sha256:{}", sha256.as_str().unwrap_or_default()));
            }
        }
    }
}
