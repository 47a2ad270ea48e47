//! References, templates and expressions as their readers and judges see them: tables of cases, then properties.

use std::borrow::Cow;

use lorchestra_core::artifact::{ArtifactAt, ArtifactKind, Handle, StepOutput};
use lorchestra_core::expression::Expr;
use lorchestra_core::reference::{Namespace, Reference, Segment};
use lorchestra_core::run::record::StepStatus;
use lorchestra_core::scope::{Found, ResolveError, Resolved, Scope, find_in_output, find_in_value};
use lorchestra_core::template::Template;
use lorchestra_json::Sha256;
use proptest::prelude::*;
use serde_json::{Value, json};

struct World {
    payload: Value,
    read: StepOutput,
}

impl Scope for World {
    fn lookup(&self, reference: &Reference) -> Found<'_> {
        match (reference.ns, reference.step()) {
            (Namespace::Payload, _) => find_in_value(&self.payload, reference),
            (Namespace::Index, _) => Found::Value(Cow::Owned(json!(4))),
            (_, Some(("read", _))) => find_in_output(&self.read, reference, 1),
            _ => Found::Missing { keys: vec!["read".into()], at: "@run".into() },
        }
    }

    fn step_status(&self, step_id: &str) -> Option<StepStatus> {
        (step_id == "read").then_some(StepStatus::Completed)
    }
}

fn world() -> World {
    let handle = |kind, count| Handle { sha256: Sha256::of(b"x"), kind, bytes: 1 << 20, count, fields: None };
    World {
        payload: json!({
            "n": 5, "big": 9_007_199_254_740_993_i64, "half": 0.5, "zero": 0, "text": "abc", "empty": "", "none": null,
            "yes": true, "no": false, "list": [1, 2], "dict": {"a b": {"x": 1}}, "nothing": {}, "ref": "@payload.n",
            "template": "${ payload.n }",
        }),
        read: StepOutput {
            value: json!({"items": null, "count": 3, "doc": null}),
            artifacts: vec![
                ArtifactAt { at: "/items".into(), handle: handle(ArtifactKind::Rows, Some(3)) },
                ArtifactAt { at: "/doc".into(), handle: handle(ArtifactKind::Json, None) },
            ],
        },
    }
}

fn judge(text: &str) -> String {
    let expr = match Expr::parse(text) {
        Ok(expr) => expr,
        Err(error) => return format!("{}: {error}", error.at.start),
    };
    match expr.judge(&world()) {
        Ok(holds) => holds.to_string(),
        Err(ResolveError::NeedsRead { path, .. }) => {
            format!("read {}", path.iter().map(ToString::to_string).collect::<String>())
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn conditions_are_judged() {
    for (condition, expected) in [
        ("payload.n == 5", "true"),
        ("@payload.n != 5", "false"),
        ("payload.n == 5.0", "true"),
        ("payload.big == 9007199254740992.0", "false"),
        ("payload.big > 9007199254740992.0", "true"),
        ("payload.half <= 0.5 and payload.half >= 0.5", "true"),
        ("-1 < payload.zero", "true"),
        ("payload.text < 'abd' and payload.text >= \"abc\"", "true"),
        ("payload.list == [1.0, 2]", "true"),
        ("payload.dict[\"a b\"].x == 1", "true"),
        ("payload.n in [1, 5]", "true"),
        ("payload.n not in [1, 5]", "false"),
        ("'b' in payload.text", "true"),
        ("'a b' in payload.dict", "true"),
        ("payload.list[-1] == 2", "true"),
        // a single reference is judged by truthiness
        ("payload.none or payload.no or payload.zero or payload.empty or payload.nothing", "false"),
        ("payload.n and payload.text and payload.list and payload.dict and payload.yes", "true"),
        ("not payload.empty", "true"),
        ("not not payload.empty", "false"),
        ("payload.missing is defined", "false"),
        ("payload.none is defined", "true"),
        ("payload.none is none and payload.n is not none", "true"),
        ("payload.missing is defined and payload.missing > 3", "false"),
        ("payload.missing is not defined or payload.missing > 3", "true"),
        ("length(payload.list) == 2 and payload.text | length == 3 and length(payload.dict) == 1", "true"),
        ("steps.read.status == 'completed'", "true"),
        ("steps[\"read\"].status in ['failed', 'skipped']", "false"),
        ("index == 4", "true"),
        ("true and not false or none is none", "true"),
        ("false and true or true", "true"),
        ("false and (true or true)", "false"),
        ("not payload.n == 5", "false"),
        ("'\\u00e9\\'' == \"é'\"", "true"),
        // stored rows: how many is known, what they hold is not
        ("run.read.items", "true"),
        ("length(run.read.items) == run.read.count", "true"),
        ("run.read.items is defined and run.read.items is not none", "true"),
        ("run.read.items[0].id == 1", "read [0].id"),
        ("run.read.items[0].id is defined", "read [0].id"),
        ("run.read.doc", "read "),
        ("length(run.read.doc) > 1", "read "),
        ("run.read.items == []", "read "),
        ("false and run.read.doc", "false"),
        (
            "run.read == 1",
            "@run.read holds stored artifacts and cannot stand in an expression as a whole; name a field of it",
        ),
    ] {
        assert_eq!(judge(condition), expected, "{condition}");
    }
}

#[test]
fn what_cannot_be_judged_says_why() {
    for (condition, expected) in [
        ("payload.none < 1000", "cannot compare null with int (payload.none < 1000)"),
        ("\"5\" < 1", "cannot compare str with int (\"5\" < 1)"),
        ("payload.text == payload.n", "cannot compare str with int (payload.text == payload.n)"),
        ("payload.n in ['a']", "cannot compare int with str (payload.n in [\"a\"])"),
        ("payload.yes > payload.no", "bool has no order (payload.yes > payload.no)"),
        (
            "payload.n in payload.n",
            "nothing is in int: 'in' takes a list, a text or a dict (payload.n in payload.n)",
        ),
        ("length(payload.n) > 1", "int has no length (length(payload.n))"),
        ("payload.n and 5", "'5' is int, not a condition: compare it with something"),
        ("payload.dict.a.b == 1", "@payload.dict.a.b does not exist: @payload.dict has a b"),
        ("steps.other.status == 'failed'", "steps.other.status is not known here"),
        ("(payload.n == 1) is defined", "'is defined' asks about a reference, not about 'payload.n == 1'"),
        ("", "0: the expression is empty"),
        ("1 < 2 < 3", "6: comparisons do not chain"),
        ("payload.n = 5", "10: '=' has no meaning in an expression"),
        ("payload.n ==", "12: a value must stand here, found the end"),
        ("payload.a-b > 1", "9: '-' has no meaning in an expression"),
        ("payload.n 5", "10: the expression should end, found 5"),
        ("secret.KEY == 'x'", "0: a secret cannot stand in an expression"),
        ("steps.read == 'x'", "0: of a step only the status is known here"),
        ("18446744073709551616 > 1", "0: '18446744073709551616' does not fit a number of 64 bits"),
        ("1x > 1", "0: '1' is followed by more than a number"),
        ("é == 1", "0: 'é' has no meaning in an expression"),
        ("payload. == 1", "8: a name must follow the '.', not ' '"),
        ("x not 5", "0: unknown name 'x'"),
        ("5 not 5", "6: 'in' must follow 'not' here, found 5"),
        ("payload.x is empty", "13: unknown test 'empty'"),
        ("payload.list | length | length", "24: '| length' once is the only filter, found 'length'"),
        ("payload.x | upper", "12: unknown filter 'upper'"),
    ] {
        assert_eq!(judge(condition), expected, "{condition}");
    }
}

#[test]
fn nesting_ends_with_an_error_and_not_with_the_stack() {
    for text in ["(".repeat(100_000), "not ".repeat(100_000), "[".repeat(100_000), "length(".repeat(100_000)]
    {
        assert!(Expr::parse(&text).unwrap_err().message.contains("nests deeper"), "{}", &text[..10]);
    }
    let long = vec!["payload.n == 5"; 20_000].join(" and ");
    assert!(Expr::parse(&long).unwrap().judge(&world()).unwrap());
}

#[test]
fn templates_resolve_to_values_texts_and_handles() {
    for (text, expected) in [
        ("plain", "\"plain\""),
        ("@payload.n", "5"),
        ("@payload.list", "[1,2]"),
        ("@payload.dict[\"a b\"]", "{\"x\":1}"),
        ("${ payload.n }", "\"5\""),
        (
            "a ${ payload.text } ${ payload.list } ${ payload.none } ${ payload.n > 1 }",
            "\"a abc [1,2] null true\"",
        ),
        ("${ '}' } and ${ \"{\" }", "\"} and {\""),
        ("@@payload.n", "\"@payload.n\""),
        ("@@@x", "\"@@x\""),
        ("$${ payload.n } ${ payload.n } $", "\"${ payload.n } 5 $\""),
        ("mail me @example.org", "\"mail me @example.org\""),
        // a resolved value is never read again
        ("@payload.ref", "\"@payload.n\""),
        ("${ payload.template } ${ payload.ref }", "\"${ payload.n } @payload.n\""),
        ("@run.read.items", "artifact"),
        ("@run.read", "mixed"),
        ("@run.read.doc.title", "read .title"),
        ("all: ${ run.read.doc }", "read "),
        ("@payload.list[0].x", "@payload.list[0].x does not exist: @payload.list[0] has nothing below it"),
        ("@run.x.y", "@run.x.y does not exist: @run has read"),
        ("@payload.a-b", "10: the reference ends before '-': '@payload.a'"),
        ("@payload.id suffix", "11: the reference ends before ' ': '@payload.id'"),
        ("@foo.bar", "1: unknown namespace 'foo'"),
        ("@", "0: a namespace must follow the '@'"),
        ("a ${ payload.n", "2: the expression that begins here has no '}'"),
        ("a ${ payload.n ~ 1 }", "15: '~' has no meaning in an expression"),
    ] {
        let told = match Template::parse(text).map(|template| template.resolve(&world())) {
            Err(error) => format!("{}: {error}", error.at.start),
            Ok(Ok(Resolved::Value(value))) => value.to_string(),
            Ok(Ok(Resolved::Artifact(_))) => "artifact".into(),
            Ok(Ok(Resolved::Mixed(_))) => "mixed".into(),
            Ok(Err(ResolveError::NeedsRead { path, .. })) => {
                format!("read {}", path.iter().map(ToString::to_string).collect::<String>())
            }
            Ok(Err(error)) => error.to_string(),
        };
        assert_eq!(told, expected, "{text}");
    }
}

#[test]
fn an_expression_says_what_it_names() {
    let expr = Expr::parse("run.a.x > 1 and (steps.b.status == 'failed' or payload.y is defined)").unwrap();
    let names: Vec<String> = expr.references().map(ToString::to_string).collect();
    assert_eq!(names, ["@run.a.x", "@payload.y"]);
    assert!(expr.mentions_run() && expr.mentions_steps());
    let places: Vec<_> =
        expr.occurrences().into_iter().map(|occurrence| (occurrence.at, occurrence.asked)).collect();
    assert_eq!(places, [(0..7, false), (17..31, false), (47..56, true)]);
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z_][a-z0-9_]{0,5}", any::<String>()]
}

fn reference() -> impl Strategy<Value = Reference> {
    let segment = prop_oneof![key().prop_map(Segment::Key), any::<i64>().prop_map(Segment::Index)];
    let ns = prop_oneof![
        Just(Namespace::Ctx),
        Just(Namespace::Payload),
        Just(Namespace::Self_),
        Just(Namespace::Run),
        Just(Namespace::Item)
    ];
    (ns, prop::collection::vec(segment, 0..5)).prop_map(|(ns, path)| Reference { ns, path })
}

/// Texts of expressions that are right by construction.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        reference().prop_map(|reference| reference.to_string()),
        key().prop_map(|step| format!("steps[{}].status", Value::from(step))),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(|n| json!(n).to_string()),
        any::<String>().prop_map(|text| Value::from(text).to_string()),
        prop_oneof![Just("true"), Just("none"), Just("[]")].prop_map(ToOwned::to_owned),
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        let operator = prop_oneof![
            Just("=="),
            Just("!="),
            Just("<"),
            Just("<="),
            Just(">"),
            Just(">="),
            Just("in"),
            Just("not in")
        ];
        prop_oneof![
            (inner.clone(), operator, inner.clone()).prop_map(|(l, op, r)| format!("({l}) {op} ({r})")),
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("({l}) and ({r})")),
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("({l}) or ({r})")),
            inner.clone().prop_map(|of| format!("not ({of})")),
            inner.clone().prop_map(|of| format!("({of}) is not none")),
            inner.clone().prop_map(|of| format!("({of}) | length")),
            (inner.clone(), inner).prop_map(|(l, r)| format!("[({l}), ({r})]")),
        ]
    })
}

proptest! {
    #[test]
    fn a_printed_reference_reads_as_itself(reference in reference()) {
        prop_assert_eq!(Reference::parse(&reference.to_string()), Ok(reference));
    }

    #[test]
    fn a_printed_expression_reads_as_itself(text in expression()) {
        let expr = Expr::parse(&text).unwrap();
        let printed = expr.to_string();
        prop_assert_eq!(Expr::parse(&printed).unwrap(), expr, "{}", printed);
    }

    #[test]
    fn judging_and_checking_never_panic(text in expression()) {
        let expr = Expr::parse(&text).unwrap();
        let _ = expr.judge(&world());
        let _ = expr.value(&world());
        let _ = expr.check_condition(&|_| lorchestra_core::expression::Known::Nothing);
    }

    #[test]
    fn where_judging_succeeds_the_check_with_known_values_finds_no_kind_wrong(text in expression()) {
        let expr = Expr::parse(&text).unwrap();
        let world = world();
        let known = |reference: &Reference| match world.lookup(reference) {
            Found::Value(value) => lorchestra_core::expression::Known::Value(value.into_owned()),
            _ => lorchestra_core::expression::Known::Nothing,
        };
        let problems = expr.check_condition(&known);
        // what the check alone refuses: null by `==`, and statuses that do not exist
        let strict = problems.iter().all(|problem| problem.help.is_some());
        prop_assert!(expr.judge(&world).is_err() || strict || text.contains(" or ") || text.contains(" and "), "{problems:?}");
    }

    #[test]
    fn arbitrary_text_never_panics_and_errors_point_into_it(text in any::<String>(), before in "[a-z@$ ]{0,4}") {
        for text in [format!("@{text}"), format!("{before}${{{text}}}"), format!("${{ {text}"), text] {
            if let Err(error) = Template::parse(&text) {
                prop_assert!(text.get(error.at.clone()).is_some(), "{:?} {:?}", text, error);
            }
            if let Err(error) = Expr::parse(&text) {
                prop_assert!(text.get(error.at.clone()).is_some(), "{:?} {:?}", text, error);
            }
        }
    }

    #[test]
    fn nearly_right_text_never_panics(text in "[@$a-c.\\[\\]\"'0-9{}()|=<> -]{0,40}|(run|payload|steps|@|\\.|\\[|\\]|\"|not |in |is |and |[0-9]| |é){0,20}") {
        for text in [format!("@run{text}"), format!("x ${{ {text} }}"), text] {
            if let Err(error) = Template::parse(&text) {
                prop_assert!(text.get(error.at.clone()).is_some(), "{:?} {:?}", text, error);
            }
            if let Err(error) = Expr::parse(&text) {
                prop_assert!(text.get(error.at.clone()).is_some(), "{:?} {:?}", text, error);
            }
        }
    }

    #[test]
    fn a_printed_template_reads_as_itself(text in "[@$a{}'. ]{0,30}") {
        if let Ok(template) = Template::parse(&text) {
            let printed = template.to_string();
            let again = Template::parse(&printed).unwrap();
            prop_assert_eq!(again.to_string(), printed);
        }
    }
}
