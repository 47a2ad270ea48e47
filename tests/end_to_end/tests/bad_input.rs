//! Bad input: told with its place and the closest name, nothing run, nothing written.

use end_to_end::Sandbox;

const CANONIZE: &str = "jobs/canonize_github_activity.yaml";
const MEASURE: &str = "jobs/measure_activity.yaml";

struct Mistake {
    what: &'static str,
    file: &'static str,
    right: &'static str,
    wrong: &'static str,
    /// What the answer must say, besides where.
    says: &'static [&'static str],
}

const MISTAKES: [Mistake; 8] = [
    Mistake {
        what: "unknown op",
        file: CANONIZE,
        right: "op: compute.transform",
        wrong: "op: compute.transfrom",
        says: &["compute.transfrom", "did you mean 'compute.transform'"],
    },
    Mistake {
        what: "misspelt step key",
        file: CANONIZE,
        right: "op: assert.unique\n    params:",
        wrong: "op: assert.unique\n    parms:",
        says: &["parms", "did you mean 'params'"],
    },
    Mistake {
        what: "misspelt param",
        file: CANONIZE,
        right: "idem_key_field: idem_key}",
        wrong: "idem_key_feild: idem_key}",
        says: &["idem_key_feild", "did you mean 'idem_key_field'"],
    },
    Mistake {
        what: "misspelt top-level key",
        file: CANONIZE,
        right: "\nsteps:",
        wrong: "\nstpes:",
        says: &["stpes", "'steps'"],
    },
    Mistake {
        what: "unknown field of an output",
        file: CANONIZE,
        right: "'@run.read.items'",
        wrong: "'@run.read.itmes'",
        says: &["itmes", "items"],
    },
    Mistake {
        what: "unknown step",
        file: CANONIZE,
        right: "'@run.canonize.output'",
        wrong: "'@run.cannonize.output'",
        says: &["cannonize", "canonize"],
    },
    Mistake {
        what: "unknown transform",
        file: CANONIZE,
        right: "transform_ref: github/activity@1.0.0",
        wrong: "transform_ref: github/activty@1.0.0",
        says: &["github/activty@1.0.0", "github/activity@1.0.0"],
    },
    Mistake {
        what: "no number where one is needed",
        file: MEASURE,
        right: "min_count: 1",
        wrong: "min_count: one",
        says: &["min_count", "one"],
    },
];

#[test]
fn a_mistake_in_a_job_is_told_with_its_place_and_the_closest_name() {
    for mistake in &MISTAKES {
        let sandbox = Sandbox::example();
        let line = sandbox.edit(mistake.file, mistake.right, mistake.wrong);
        // what is wrong may stand on the last of the edited lines
        let line = line + mistake.wrong.matches('\n').count();
        let job = mistake.file.trim_start_matches("jobs/").trim_end_matches(".yaml");
        for command in [vec!["run", job], vec!["plan", job], vec!["validate"]] {
            let answer = sandbox.run(&command);
            let told = &answer.stderr;
            assert_eq!(answer.code, 3, "{} ({command:?}):\n{told}", mistake.what);
            let place = format!("{}:{line}:", mistake.file);
            let column =
                told.split_once(&place).map(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()));
            assert_eq!(column, Some(true), "{}: no {place}COLUMN in\n{told}", mistake.what);
            let source = mistake.wrong.trim().lines().last().unwrap_or_default().trim();
            for said in mistake.says.iter().chain([&source]) {
                assert!(told.contains(said), "{}: no {said} in\n{told}", mistake.what);
            }
            assert!(!sandbox.has_stores(), "{} ({command:?}): a store was made", mistake.what);
        }
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let sandbox = Sandbox::example();
    sandbox.edit(CANONIZE, "op: compute.transform", "op: compute.transfrom");
    sandbox.edit(CANONIZE, "op: write.upsert", "op: write.upsrt");
    sandbox.edit(MEASURE, "min_count: 1", "min_cuont: 1");
    let told = sandbox.run(&["validate"]).with_code(3).stderr;
    for said in ["compute.transfrom", "write.upsrt", "min_cuont"] {
        assert!(told.contains(said), "no {said} in\n{told}");
    }
}

#[test]
fn a_payload_that_does_not_fit_is_refused_before_anything_happens() {
    let cases: [(&[&str], &str); 5] = [
        (&["-p", "limit=0"], "Parameter 'limit' must be >= 1, got 0"),
        (&["-p", "limit=many"], "limit"),
        (&["-p", "limt=5"], "limit"),
        (&["--payload", r#"{"limit": "5"}"#], "Parameter 'limit' must be an integer, got str"),
        (&["--payload", "[1]"], "the payload must be a JSON object"),
    ];
    for (args, says) in cases {
        let sandbox = Sandbox::example();
        let answer = sandbox.run(&[&["run", "canonize_github_activity"], args].concat()).with_code(2);
        assert!(answer.stderr.contains(says), "{args:?}: no '{says}' in\n{}", answer.stderr);
        assert!(!sandbox.has_stores(), "{args:?}: a store was made");
    }
}

#[test]
fn an_unknown_job_is_told_with_the_closest_ones() {
    let sandbox = Sandbox::example();
    let told = sandbox.run(&["run", "mesure_activity"]).with_code(2).stderr;
    assert!(told.contains("Unknown job: 'mesure_activity'. Available: [measure_activity"), "{told}");
    assert!(!sandbox.has_stores());
}

#[test]
fn a_row_that_does_not_fit_names_row_column_and_value_and_changes_nothing() {
    let sandbox = Sandbox::finished();
    sandbox.write(
        "jobs/misfit.yaml",
        "job_id: misfit\nversion: \"1.0\"\nsteps:\n  - step_id: persist\n    op: write.upsert\n    params:\n      \
         table: derived.activity_by_kind\n      objects:\n        \
         - {idem_key: 'a:', kind: a, deliveries: 1}\n        \
         - {idem_key: 'b:', kind: b, deliveries: several}\n",
    );
    let before = sandbox.table("derived.activity_by_kind");
    let told = sandbox.run(&["run", "misfit"]).with_code(1).stderr;
    for said in ["row 2", "deliveries", "several"] {
        assert!(told.contains(said), "no '{said}' in\n{told}");
    }
    assert_eq!(sandbox.table("derived.activity_by_kind"), before);
}

#[test]
fn a_line_of_a_file_that_does_not_fit_is_named_and_nothing_is_loaded() {
    let sandbox = Sandbox::loaded();
    let before = sandbox.table("raw.raw_objects");
    let data = sandbox.read("data/github-webhooks.ndjson");
    sandbox
        .write("data/github-webhooks.ndjson", &format!("{data}{{\"id\": \"new-000\"}}\n{{\"event\": 1}}\n"));
    let answer = sandbox.run(&["load"]);
    assert_ne!(answer.code, 0);
    for said in ["331", "'id'"] {
        assert!(answer.stderr.contains(said), "no {said} in\n{}", answer.stderr);
    }
    assert_eq!(sandbox.table("raw.raw_objects"), before);
}
