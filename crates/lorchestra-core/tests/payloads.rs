//! Payloads through `params` schemas: the values that come out, and the exact messages.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use lorchestra_core::diagnostic::{Diagnostics, Source, Sources};
use lorchestra_core::params::ParamsSchema;
use lorchestra_core::yaml;
use serde_json::{Value, json};

fn schema(text: &str) -> ParamsSchema {
    let source = Source::new("schema.yaml", text);
    let mut diagnostics = Diagnostics::default();
    let node = yaml::parse(&source, &mut diagnostics).unwrap();
    let schema = ParamsSchema::parse(&node, &source, &mut diagnostics);
    assert!(!diagnostics.has_errors(), "{}", diagnostics.render(&Sources::from(&source)));
    schema
}

fn apply(text: &str, payload: Value) -> Result<Value, Vec<String>> {
    schema(text)
        .apply(payload.as_object().unwrap())
        .map(Value::Object)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn defaults_are_filled_in_and_the_rest_is_null() {
    let text = "{limit: {type: int, min: 1, default: 1000}, since: {type: str}}";
    assert_eq!(apply(text, json!({})), Ok(json!({"limit": 1000, "since": null})));
    assert_eq!(apply(text, json!({"limit": null, "since": "x"})), Ok(json!({"limit": 1000, "since": "x"})));
}

#[test]
fn every_problem_has_its_message() {
    for (spec, value, message) in [
        ("type: int", json!("5"), "must be an integer, got str"),
        ("type: int", json!(true), "must be an integer, got bool"),
        ("type: int", json!(1.0), "must be an integer, got float"),
        ("type: float", json!("1"), "must be a number, got str"),
        ("type: str", json!(1), "must be a string, got int"),
        ("type: bool", json!("true"), "must be a boolean, got str"),
        ("type: list", json!({}), "must be a list, got dict"),
        ("type: dict", json!([]), "must be a dict, got list"),
        ("type: int, required: true", Value::Null, "is required"),
        ("type: int, min: 1", json!(0), "must be >= 1, got 0"),
        (
            "type: int, max: 9007199254740992",
            json!(9007199254740993_i64),
            "must be <= 9007199254740992, got 9007199254740993",
        ),
        ("type: float, max: 0.5", json!(1), "must be <= 0.5, got 1"),
        ("type: int, min: 1, allowed: [5]", json!(0), "must be >= 1, got 0"),
        ("type: str, min_length: 2", json!("é"), "must have at least 2 characters, got 1"),
        ("type: list, max_length: 1", json!([1, 2]), "must have at most 1 items, got 2"),
        ("type: dict, min_length: 1", json!({}), "must have at least 1 entries, got 0"),
        ("type: str, pattern: '^[a-z]+$'", json!("a1"), "must match '^[a-z]+$', got \"a1\""),
        ("type: str, allowed: [a, b]", json!("c"), "must be one of [\"a\", \"b\"], got \"c\""),
        ("type: any, allowed: [1, [2]]", json!([3]), "must be one of [1, [2]], got [3]"),
    ] {
        assert_eq!(
            apply(&format!("{{n: {{{spec}}}}}"), json!({"n": value})),
            Err(vec![format!("Parameter 'n' {message}")]),
            "{spec}"
        );
    }
}

#[test]
fn a_misfit_inside_a_list_is_named_by_its_position() {
    let text = "{n: {type: list, items: {type: list, items: {type: int, max: 3}}}}";
    assert_eq!(
        apply(text, json!({"n": [[1], [2, 4]]})),
        Err(vec!["Parameter 'n[1][1]' must be <= 3, got 4".to_owned()])
    );
    assert!(apply(text, json!({"n": [[], [1, 2, 3]]})).is_ok());
}

#[test]
fn all_problems_come_at_once_and_unknown_keys_come_last() {
    let text = "{limit: {type: int}, since: {type: str, required: true}}";
    assert_eq!(
        apply(text, json!({"limit": "x", "sinec": "y"})),
        Err(vec![
            "Parameter 'limit' must be an integer, got str".to_owned(),
            "Parameter 'since' is required".to_owned(),
            "Unknown parameter 'sinec'. Available: [since, limit]".to_owned(),
        ])
    );
}

#[test]
fn allowed_takes_one_and_one_point_zero_for_the_same() {
    assert!(apply("{n: {type: float, allowed: [1]}}", json!({"n": 1.0})).is_ok());
}

#[test]
fn words_of_the_command_line_get_the_type_of_their_parameter() {
    let schema = schema(
        "{i: {type: int}, f: {type: float}, s: {type: str}, b: {type: bool}, l: {type: list}, d: {type: dict}, a: {type: any}}",
    );
    for (name, text, value) in [
        ("i", "-5", json!(-5)),
        ("i", "18446744073709551615", json!(u64::MAX)),
        ("f", "1.5", json!(1.5)),
        ("s", "5", json!("5")),
        ("s", "", json!("")),
        ("b", "true", json!(true)),
        ("l", "[1]", json!([1])),
        ("d", "{\"k\": 1}", json!({"k": 1})),
        ("a", "5", json!(5)),
        ("a", "no", json!("no")),
    ] {
        assert_eq!(schema.parse_cli(name, text), Ok(value), "{name}={text}");
    }
    for (name, text, message) in [
        ("i", "1.0", "Parameter 'i' must be an integer, got \"1.0\""),
        ("f", "NaN", "Parameter 'f' must be a number, got \"NaN\""),
        ("b", "yes", "Parameter 'b' must be a boolean, got \"yes\""),
        ("l", "1,2", "Parameter 'l' must be a list as JSON, got \"1,2\""),
        ("x", "1", "Unknown parameter 'x'. Available: [i, f, s, b, l, d, a]"),
    ] {
        assert_eq!(
            schema.parse_cli(name, text).map_err(|problem| problem.to_string()),
            Err(message.to_owned())
        );
    }
}
