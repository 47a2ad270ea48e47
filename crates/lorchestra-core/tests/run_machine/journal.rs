//! Stored entries stay readable for ever: one line of each type and version that was ever written.

use std::collections::BTreeSet;

use lorchestra_core::run::journal::{DecodeError, Event};
use serde_json::Value;

const V1: &str = include_str!("../fixtures/journal-v1.ndjson");

#[test]
fn every_entry_ever_written_is_read_and_written_the_same() {
    for line in V1.lines() {
        let event = Event::decode(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error:?}"));
        assert_eq!(event.encode(), line);
        assert_eq!(Event::decode(event.encode().as_bytes()).unwrap(), event);
    }
}

#[test]
fn every_type_has_a_line() {
    let lines: BTreeSet<(String, u64)> = V1
        .lines()
        .map(|line| {
            let entry: Value = serde_json::from_str(line).unwrap();
            (entry["type"].as_str().unwrap().to_owned(), entry["v"].as_u64().unwrap())
        })
        .collect();
    let types: BTreeSet<(String, u64)> =
        Event::TYPES.iter().map(|(name, version)| ((*name).to_owned(), u64::from(*version))).collect();
    assert_eq!(lines, types);
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    for (line, name, version) in [
        (r#"{"type":"step_dreamt","v":1,"step":"a"}"#, "step_dreamt", 1),
        (r#"{"type":"run_paused","v":2}"#, "run_paused", 2),
    ] {
        match Event::decode(line.as_bytes()) {
            Err(DecodeError::Unknown { name: found, version: found_version }) => {
                assert_eq!((found.as_str(), found_version), (name, version));
            }
            other => panic!("{line}: {other:?}"),
        }
    }
    for line in ["", "{}", "[]", "null", r#"{"type":"run_paused"}"#, r#"{"v":1}"#, "\u{0}"] {
        assert!(matches!(Event::decode(line.as_bytes()), Err(DecodeError::NoType(_))), "{line}");
    }
    for line in [
        r#"{"type":"step_skipped","v":1}"#,
        r#"{"type":"attempt_started","v":1,"n":-1,"why":"started"}"#,
        r#"{"type":"attempt_started","v":1,"n":1,"why":"bored"}"#,
    ] {
        assert!(matches!(Event::decode(line.as_bytes()), Err(DecodeError::Malformed { .. })), "{line}");
    }
}
