//! Each file below `tests/jobs` is a test: the snapshot beside this file is what is told of it, or its canonical JSON.
#![expect(clippy::disallowed_methods, reason = "the test reads the files that it is about")]
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lorchestra_core::diagnostic::{ALL_CODES, Diagnostics, Source, Sources};
use lorchestra_core::job_def::JobDef;
use proptest::prelude::*;

fn files(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/jobs").join(kind);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn stem(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}

fn parse(path: &Path) -> (Source, Result<JobDef, Diagnostics>) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let source = Source::new(name, &fs::read_to_string(path).unwrap());
    let job = JobDef::parse(&source, Some(stem(path)));
    (source, job)
}

fn settings(kind: &str) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("snapshots/{kind}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

#[test]
fn every_invalid_job_is_refused_with_all_its_problems() {
    for path in files("invalid") {
        let (source, job) = parse(&path);
        let Err(problems) = job else { panic!("{} is valid", path.display()) };
        let rendered = problems.render(&Sources::from(&source));
        settings("invalid").bind(|| insta::assert_snapshot!(stem(&path), rendered));
    }
}

#[test]
fn every_valid_job_has_its_canonical_json() {
    for path in files("valid") {
        let (source, job) = parse(&path);
        let job = job.unwrap_or_else(|problems| panic!("{}", problems.render(&Sources::from(&source))));
        let text = format!("{}\n{}", job.canonical_json(), job.warnings.render(&Sources::from(&source)));
        settings("valid").bind(|| insta::assert_snapshot!(stem(&path), text.trim_end()));
    }
}

/// Codes from here on need more than the text of one job file.
const FIRST_OF_OTHERS: u16 = 300;

#[test]
fn every_code_of_the_definition_has_a_file_that_shows_it() {
    let shown: BTreeSet<_> = files("invalid")
        .iter()
        .chain(&files("valid"))
        .flat_map(|path| match parse(path).1 {
            Ok(job) => job.warnings,
            Err(problems) => problems,
        })
        .map(|problem| problem.code)
        .collect();
    let missing: Vec<_> = ALL_CODES
        .iter()
        .filter(|info| info.code.number() < FIRST_OF_OTHERS)
        .filter(|info| !shown.contains(&info.code))
        .map(|info| info.name)
        .collect();
    assert!(missing.is_empty(), "no file of tests/jobs shows {missing:?}");
}

/// Any job file with some of its characters replaced.
fn damaged_job() -> impl Strategy<Value = String> {
    let texts: Vec<String> = ["valid", "invalid"]
        .iter()
        .flat_map(|kind| files(kind))
        .map(|path| fs::read_to_string(path).unwrap())
        .filter(|text| !text.is_empty())
        .collect();
    let pieces = [
        "", "~", "[]", "{}", "x", "-1", "1e9", "\"\"", ": ", "\n", "*a", "&a ", "é", "'", "steps: ", "!!str ",
    ];
    let damage = (any::<prop::sample::Index>(), 0_usize..12, prop::sample::select(pieces.to_vec()));
    (prop::sample::select(texts), prop::collection::vec(damage, 1..4)).prop_map(|(text, damages)| {
        let mut characters: Vec<char> = text.chars().collect();
        for (at, removed, piece) in damages {
            let at = at.index(characters.len() + 1);
            let end = (at + removed).min(characters.len());
            characters.splice(at..end, piece.chars());
        }
        characters.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_job_is_read_or_refused_with_places(text in damaged_job()) {
        let source = Source::new("damaged.yaml", &text);
        match JobDef::parse(&source, None) {
            Ok(job) => {
                prop_assert!(!job.steps.is_empty());
                let json = Source::new("again.json", &job.canonical_json());
                prop_assert_eq!(JobDef::parse(&json, None).map(|again| again.job_def_sha256()), Ok(job.job_def_sha256()));
            }
            Err(problems) => {
                prop_assert!(problems.has_errors());
                prop_assert!(problems.iter().all(|problem| problem.primary.is_some()));
                prop_assert!(problems.render(&Sources::from(&source)).contains("damaged.yaml:"));
            }
        }
    }
}
