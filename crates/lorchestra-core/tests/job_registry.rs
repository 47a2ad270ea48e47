//! The registry: what it finds, what it blocks, what it says.

use lorchestra_core::diagnostic::{Source, codes};
use lorchestra_core::job_def::JobDef;
use lorchestra_core::job_registry::{JobRegistry, JobRegistryBuilder, LookupError};

fn text(job_id: &str) -> String {
    format!("job_id: {job_id}\nversion: '1'\nsteps:\n- step_id: a\n  op: log.dump\n")
}

fn add(builder: JobRegistryBuilder, path: &str, text: &str) -> JobRegistryBuilder {
    builder.file(path, text, &mut |path| match path {
        "config/a.yaml" => Ok("k: 1".to_owned()),
        "config/bad.yaml" => Ok("k: 1\nk: 2".to_owned()),
        _ => Err("no such file".to_owned()),
    })
}

fn registry(files: &[(&str, String)]) -> JobRegistry {
    files.iter().fold(JobRegistry::builder(), |builder, (path, text)| add(builder, path, text)).build()
}

#[test]
fn jobs_are_found_by_id_wherever_they_stand() {
    let registry = registry(&[
        ("deep/folder/one.yaml", text("one")),
        ("two.yml", text("two")),
        (
            "three.json",
            r#"{"job_id": "three", "version": "1", "steps": [{"step_id": "a", "op": "x"}]}"#.to_owned(),
        ),
        ("_deprecated/four.yaml", text("four")),
        ("notes.txt", "not a job".to_owned()),
    ]);
    assert_eq!(registry.ids().collect::<Vec<_>>(), ["one", "three", "two"]);
    assert_eq!(registry.file("one").unwrap().path.as_deref(), Some("deep/folder/one.yaml"));
    assert!(registry.problems().is_empty());
}

#[test]
fn an_unknown_id_is_told_with_the_closest_first() {
    let registry = registry(&[
        ("alpha.yaml", text("alpha")),
        ("read.yaml", text("read")),
        ("report.yaml", text("report")),
    ]);
    let message = registry.get("raed").unwrap_err().to_string();
    assert_eq!(message, "Unknown job: 'raed'. Available: [read, alpha, report]");
}

#[test]
fn a_bad_file_blocks_only_itself() {
    let registry = registry(&[("good.yaml", text("good")), ("bad.yaml", "job_id: bad".to_owned())]);
    assert!(registry.get("good").is_ok());
    let error = registry.get("bad").unwrap_err();
    assert_eq!(error.to_string(), "the file of job 'bad', bad.yaml, has 2 problems");
    assert_eq!(error.problems(), Some(registry.problems()));
}

#[test]
fn two_files_with_one_id_are_both_named() {
    let registry =
        registry(&[("b/one.yaml", text("one")), ("a/one.yaml", text("one")), ("two.yaml", text("two"))]);
    let error = registry.get("one").unwrap_err();
    assert_eq!(error.to_string(), "2 files define the job 'one': a/one.yaml, b/one.yaml");
    let rendered = registry.problems().render(registry.sources());
    assert!(
        rendered.starts_with("a/one.yaml:1:9: error[LO0501]: 2 files define the job 'one'\n"),
        "{rendered}"
    );
    assert!(rendered.contains("::: b/one.yaml:1:9: defined here too\n"), "{rendered}");
    assert!(registry.get("two").is_ok());
}

#[test]
fn a_host_program_registers_a_job_once() {
    let job = || JobDef::parse(&Source::new("<host>", &text("one")), None).unwrap();
    let builder = JobRegistry::builder().job(job()).unwrap();
    assert_eq!(builder.job(job()).unwrap_err().to_string(), "the job 'one' is registered twice");
    let registry = add(JobRegistry::builder().job(job()).unwrap(), "one.yaml", &text("one")).build();
    assert!(matches!(registry.get("one"), Err(LookupError::Ambiguous { .. })));
    assert!(JobRegistry::builder().job(job()).unwrap().build().get("one").is_ok());
}

#[test]
fn a_config_file_is_put_in_and_is_no_job_itself() {
    let registry = registry(&[
        ("config/a.yaml", "k: 1".to_owned()),
        ("one.yaml", text("one") + "config: config/a.yaml\n"),
        ("two.yaml", text("two") + "config: config/none.yaml\n"),
        ("three.yaml", text("three") + "config: config/bad.yaml\n"),
    ]);
    assert_eq!(registry.get("one").unwrap().extras_json()["config"], serde_json::json!({"k": 1}));
    assert!(matches!(registry.get("a"), Err(LookupError::Unknown { .. })));
    let codes_of = |id: &str| {
        let error = registry.get(id).unwrap_err();
        error.problems().into_iter().flatten().map(|problem| problem.code).collect::<Vec<_>>()
    };
    assert_eq!(codes_of("two"), [codes::CONFIG_FILE]);
    assert_eq!(codes_of("three"), [codes::DUPLICATE_KEY]);
}
