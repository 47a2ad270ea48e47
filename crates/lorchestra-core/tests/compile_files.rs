//! Each file below `tests/jobs/compile` is a test, compiled with the context and payload of the same name in `inputs`:
//! the snapshot beside this file is its instance, or what is told of it.
#![expect(clippy::disallowed_methods, reason = "the test reads the files that it is about")]
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lorchestra_core::catalog::{Catalog, ResourceKind};
use lorchestra_core::clock::Timestamp;
use lorchestra_core::compile::{CompileContext, CompileErrors, compile, validate};
use lorchestra_core::diagnostic::{ALL_CODES, Source, Sources};
use lorchestra_core::instance::JobInstance;
use lorchestra_core::job_def::JobDef;
use lorchestra_core::op::{Backend, Effect, OpSpec, Output, OutputField, Param, ParamKind, ParamProblem};
use lorchestra_json::Sha256;
use serde_json::{Value, json};

fn op(name: &str, backend: Backend, effect: Effect, params: Vec<Param>, output: Output) -> OpSpec {
    OpSpec { name: name.into(), backend, effect, summary: "for tests", params, output, check: None }
}

fn query() -> OpSpec {
    let names = [
        "target_dataset",
        "target_table",
        "source_key",
        "target_key",
        "join_key_suffix",
        "source_ts",
        "target_ts",
    ];
    let mode = Param::required("mode", ParamKind::OneOf(&["not_exists", "left_anti"]), "which rows");
    let names = names.map(|name| Param::optional(name, ParamKind::Str, "").literal());
    let incremental = names.into_iter().chain([mode]).collect();
    let params = vec![
        Param::optional("dataset", ParamKind::Str, "").literal(),
        Param::optional("table", ParamKind::Str, "").literal(),
        Param::optional("columns", ParamKind::List(Box::new(ParamKind::Str)), ""),
        Param::optional("limit", ParamKind::Int { min: 1 }, ""),
        Param::optional("incremental", ParamKind::Object(incremental), ""),
        Param::optional("sql", ParamKind::Str, "").literal(),
        Param::optional("params", ParamKind::Map, ""),
        Param::optional(
            "filters",
            ParamKind::Either(vec![ParamKind::Map, ParamKind::List(Box::new(ParamKind::Map))]),
            "",
        ),
    ];
    let output = Output::Fields(vec![OutputField::open("items").or("rows"), OutputField::scalar("count")]);
    let check = |params: &Value, open: &[String]| -> Vec<ParamProblem> {
        let given = |name: &str| {
            params.get(name).is_some_and(|value| !value.is_null()) || open.contains(&format!("/{name}"))
        };
        if given("sql") || given("table") {
            Vec::new()
        } else {
            vec![ParamProblem::new("", "either 'sql' or 'table' must be there")]
        }
    };
    OpSpec { check: Some(check), ..op("storacle.query", Backend::DataPlane, Effect::Reading, params, output) }
}

fn catalog() -> Catalog {
    let scalars =
        |names: &[&'static str]| Output::Fields(names.iter().map(|name| OutputField::scalar(name)).collect());
    let ops = [
        query(),
        op(
            "log.dump",
            Backend::Orchestration,
            Effect::Reading,
            vec![Param::optional("items", ParamKind::Any, "")],
            scalars(&["items_count"]),
        ),
        op(
            "write.upsert",
            Backend::DataPlane,
            Effect::Transactional,
            vec![
                Param::required("table", ParamKind::Str, "the table").literal(),
                Param::required("objects", ParamKind::Rows, "the rows"),
                Param::optional("idem_key_field", ParamKind::Str, ""),
                Param::not_built("on_duplicate"),
            ],
            scalars(&["inserted", "updated", "unchanged", "total"]),
        ),
        op(
            "assert.unique",
            Backend::DataPlane,
            Effect::Reading,
            vec![
                Param::required("table", ParamKind::Str, "the table").literal(),
                Param::required("columns", ParamKind::List(Box::new(ParamKind::Str)), "the columns"),
            ],
            scalars(&["passed"]),
        ),
        op(
            "compute.transform",
            Backend::Compute,
            Effect::Pure,
            vec![
                Param::required("input", ParamKind::Rows, "the rows"),
                Param::required("transform_ref", ParamKind::Transform, "the transform").literal(),
                Param::optional("mode", ParamKind::OneOf(&["each", "all"]), ""),
            ],
            Output::Fields(vec![OutputField::open("output"), OutputField::open("stats")]),
        ),
        op(
            "compute.render",
            Backend::Compute,
            Effect::Pure,
            vec![
                Param::required("template_ref", ParamKind::Template, "the template").literal(),
                Param::optional("context", ParamKind::Map, ""),
            ],
            scalars(&["rendered"]),
        ),
        op(
            "api.request",
            Backend::Compute,
            Effect::Keyed,
            vec![
                Param::required("url", ParamKind::Str, "where").literal(),
                Param::optional("headers", ParamKind::Map, "").secret(),
                Param::optional("body", ParamKind::Any, ""),
            ],
            Output::Open,
        ),
    ];
    let resource = |kind: ResourceKind, name: &str| (kind.key(name), Sha256::of(name.as_bytes()));
    Catalog {
        ops: ops.into_iter().map(|op| (op.name.clone(), op)).collect(),
        planned_ops: ["wait.signal".to_owned()].into(),
        backends: [Backend::DataPlane, Backend::Compute, Backend::Orchestration].into(),
        resources: [
            resource(ResourceKind::Transform, "github/activity@1.0.0"),
            resource(ResourceKind::Transform, "other@2"),
            resource(ResourceKind::Template, "report.md"),
        ]
        .into(),
        broken_resources: [(
            ResourceKind::Transform.key("broken@1.0.0"),
            "line 3: unexpected ']'".to_owned(),
        )]
        .into(),
        tables: Default::default(),
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/jobs")
}

fn files(kind: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder().join("compile").join(kind)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn stem(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}

fn read(path: &Path) -> (Source, JobDef) {
    let source = Source::new(path.file_name().unwrap().to_str().unwrap(), &fs::read_to_string(path).unwrap());
    let job = JobDef::parse(&source, Some(stem(path)));
    let job = job.unwrap_or_else(|problems| panic!("{}", problems.render(&Sources::from(&source))));
    (source, job)
}

fn context(stem: &str) -> CompileContext {
    let inputs: Value = match fs::read(folder().join(format!("compile/inputs/{stem}.json"))) {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap(),
        Err(_) => json!({}),
    };
    let object = |name: &str| inputs.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let compiled_at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
    CompileContext { ctx: object("ctx"), payload: object("payload"), compiled_at }
}

fn compile_file(path: &Path) -> (Source, Result<JobInstance, CompileErrors>) {
    let (source, job) = read(path);
    let instance = compile(&job, &context(stem(path)), &catalog());
    (source, instance)
}

fn settings(kind: &str) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("snapshots/compile/{kind}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

fn compiled(source: &Source, instance: Result<JobInstance, CompileErrors>) -> JobInstance {
    instance.unwrap_or_else(|errors| panic!("{}", errors.render(&Sources::from(source))))
}

#[test]
fn every_valid_job_compiles_to_its_instance() {
    let spec_example = folder().join("valid/canonize_github_events.yaml");
    for path in files("valid").into_iter().chain([spec_example]) {
        let (source, job) = read(&path);
        // config files are loaded by the registry, which is not under test here
        let instance = compiled(&source, compile(&job, &context(stem(&path)), &catalog()));
        assert!(validate(&job, &catalog()).is_empty(), "{}", path.display());
        assert_eq!(instance.instance_sha256, instance.digest());
        let text = serde_json::to_string_pretty(&instance).unwrap();
        settings("valid").bind(|| insta::assert_snapshot!(stem(&path), text));
    }
}

#[test]
fn every_invalid_job_is_refused_with_all_its_problems() {
    for path in files("invalid") {
        let (source, instance) = compile_file(&path);
        let Err(errors) = instance else { panic!("{} compiles", path.display()) };
        let blamed = if errors.blames_definition() { "definition" } else { "input" };
        let told = format!("to blame: {blamed}\n\n{}", errors.render(&Sources::from(&source)));
        settings("invalid").bind(|| insta::assert_snapshot!(stem(&path), told));
    }
}

#[test]
fn what_the_definition_is_blamed_for_does_not_depend_on_the_input() {
    for path in files("invalid") {
        let (_, job) = read(&path);
        let errors = compile(&job, &context(stem(&path)), &catalog()).unwrap_err();
        assert_eq!(errors.definition, validate(&job, &catalog()), "{}", path.display());
    }
}

#[test]
fn compiling_twice_gives_the_same_bytes_and_the_time_is_not_hashed() {
    for path in files("valid") {
        let (source, first) = compile_file(&path);
        let first = compiled(&source, first);
        let second = compiled(&source, compile_file(&path).1);
        assert_eq!(serde_json::to_vec(&first).unwrap(), serde_json::to_vec(&second).unwrap());

        let later =
            CompileContext { compiled_at: "2027-01-01T00:00:00Z".parse().unwrap(), ..context(stem(&path)) };
        let later = compile(&read(&path).1, &later, &catalog()).unwrap();
        assert_ne!(later.compiled_at, first.compiled_at);
        assert_eq!(later.instance_sha256, first.instance_sha256);
    }
}

#[test]
fn an_instance_reads_back_from_its_json() {
    for path in files("valid") {
        let (source, instance) = compile_file(&path);
        let instance = compiled(&source, instance);
        let text = serde_json::to_string(&instance).unwrap();
        assert_eq!(serde_json::from_str::<JobInstance>(&text).unwrap(), instance);
    }
}

#[test]
fn an_op_whose_backend_has_no_handler_is_refused() {
    let (source, job) = read(&folder().join("compile/valid/keys_secrets_resources.yaml"));
    let mut catalog = catalog();
    catalog.backends.remove(&Backend::Compute);
    let told = validate(&job, &catalog).render(&Sources::from(&source));
    settings("invalid").bind(|| insta::assert_snapshot!("no_handler", told));
}

#[test]
fn a_long_job_compiles_in_one_go() {
    let steps: String = (0..2000)
        .map(|n| {
            format!(
                "  - {{step_id: s{n}, op: log.dump, params: {{items: '@run.s{}'}}}}\n",
                if n == 0 { 0 } else { n - 1 }
            )
        })
        .collect();
    let text = format!("job_id: long\nversion: '1'\nsteps:\n{}", steps.replacen("'@run.s0'", "0", 1));
    let job = JobDef::parse(&Source::new("long.yaml", &text), None).unwrap();
    let instance = compile(&job, &context("long"), &catalog()).unwrap();
    assert_eq!(instance.steps.len(), 2000);
    assert_eq!(instance.steps[1999].needs, ["s1998"]);
}

/// What compiling finds; the other codes are found by reading.
const CODES: std::ops::Range<u16> = 300..500;

#[test]
fn every_code_of_compilation_has_a_file_that_shows_it() {
    let mut shown: BTreeSet<&str> = ["NO_HANDLER"].into();
    for path in files("invalid") {
        let errors = compile_file(&path).1.unwrap_err();
        let codes = errors.definition.iter().chain(&errors.input).map(|finding| finding.code);
        shown.extend(codes.filter_map(|code| code.info()).map(|info| info.name));
    }
    let missing: Vec<_> = ALL_CODES
        .iter()
        .filter(|info| CODES.contains(&info.code.number()) && !shown.contains(info.name))
        .map(|info| info.name)
        .collect();
    assert!(missing.is_empty(), "no file of tests/jobs/compile shows {missing:?}");
}
