//! The YAML reader on texts of all kinds: no panic, JSON reads as JSON, every problem has its place.

use lorchestra_core::diagnostic::{Diagnostics, Source, Sources};
use lorchestra_core::yaml::{self, Node};
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(text: &str) -> Result<Node, String> {
    let source = Source::new("t.yaml", text);
    let mut diagnostics = Diagnostics::default();
    let node = yaml::parse(&source, &mut diagnostics);
    match node {
        Some(node) if !diagnostics.has_errors() => Ok(node),
        _ => Err(diagnostics.render(&Sources::from(&source))),
    }
}

fn json_of(text: &str) -> Value {
    read(text).unwrap_or_else(|problems| panic!("{text}\n{problems}")).to_json()
}

fn first_line(text: &str) -> String {
    let problems = read(text).expect_err(text);
    problems.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn collections_and_scalars_of_every_style_are_read() {
    let text = "# comment\na: [1, 'no', \"\\x41\", no]\nb:\n- x: |\n    one\n    two\n  y: >-\n    folded\n    line\n- ~\nc: {d: }\n";
    assert_eq!(
        json_of(text),
        json!({"a": [1, "no", "A", "no"], "b": [{"x": "one\ntwo\n", "y": "folded line"}, null], "c": {"d": null}})
    );
    assert_eq!(json_of(""), Value::Null);
    assert_eq!(json_of("\u{feff}a: 1"), json!({"a": 1}));
    assert_eq!(json_of("a: 1\r\nb: 2\r\n"), json!({"a": 1, "b": 2}));
}

#[test]
fn every_value_knows_its_place() {
    let node = read("é: {k: [true, 12]}\nlist:\n  - a: x\n    b: y\n").unwrap();
    let place = |pointer: &str| {
        let span = node.pointer(pointer).unwrap().span;
        (span.start.line, span.start.col, span.end.line, span.end.col, span.start.offset)
    };
    assert_eq!(place("/é/k/1"), (1, 15, 1, 17, 15));
    assert_eq!(place("/é"), (1, 4, 1, 19, 4));
    assert_eq!(place("/list/0"), (3, 5, 4, 9, 30));
    assert_eq!(place("/list/0/b"), (4, 8, 4, 9, 42));
    assert!(node.pointer("/list/1").is_none() && node.pointer("/list/00").is_none());
}

#[test]
fn an_alias_stands_for_a_copy_of_its_anchor() {
    assert_eq!(
        json_of("a: &x {k: 1}\nb: *x\nc: [*x]"),
        json!({"a": {"k": 1}, "b": {"k": 1}, "c": [{"k": 1}]})
    );
    assert_eq!(json_of("a: &k key\n*k : 1"), json!({"a": "key", "key": 1}));
    assert!(first_line("a: &x [*x]").contains("an alias stands inside the value it stands for"));
    assert!(first_line("a: *x").starts_with("t.yaml:1:4: error[LO0001]"), "{}", first_line("a: *x"));
}

#[test]
fn a_text_beyond_the_limits_is_refused_before_it_fills_the_memory() {
    let bomb = (1..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
        text + &format!("a{n}: &a{n} [*a{m}, *a{m}]\n", m = n - 1)
    });
    assert!(first_line(&bomb).contains("error[LO0006]: anchors and aliases expand to more than"));
    let anchored = "&a [".repeat(120) + &"1,".repeat(100_000) + &"]".repeat(120);
    assert!(first_line(&anchored).contains("error[LO0006]"));
    assert!(read(&("[".repeat(128) + &"]".repeat(128))).is_ok());
    for deep in [129, 300, 100_000] {
        assert!(first_line(&("[".repeat(deep) + &"]".repeat(deep))).contains("error[LO0006]"), "{deep}");
        assert!(first_line(&"- ".repeat(deep)).contains("error[LO0006]"), "{deep}");
    }
    let nested = "a: &a ".to_owned()
        + &"[".repeat(100)
        + &"]".repeat(100)
        + "\nb: "
        + &"[".repeat(28)
        + "*a"
        + &"]".repeat(28);
    assert!(first_line(&nested).contains("error[LO0006]: collections stand inside each other"));
    assert!(first_line(&"#".repeat(10_000_001)).contains("the limit is 10000000"));
    assert!(first_line(&format!("[{}]", "1,".repeat(1_000_001))).contains("more than 1000000 values"));
}

#[test]
fn a_text_full_of_problems_is_told_in_a_thousand_of_them() {
    let problems = read(&"a: b\n".repeat(50_000)).unwrap_err();
    assert_eq!(problems.matches("error[LO0002]").count(), 1_000);
    assert!(problems.ends_with("\n48999 more problems are not shown\n"));
}

#[test]
fn a_control_character_does_not_hide_what_follows() {
    assert_eq!(
        first_line("a: 1\r\nb: é\0\nc: 3"),
        "t.yaml:2:5: error[LO0001]: the text holds the control character U+0000"
    );
}

#[test]
fn tags_of_the_core_schema_work_and_others_are_refused() {
    assert_eq!(
        json_of("[!!str 5, !!int '7', ! 5, !!float 1, !!seq [], !!map {}]"),
        json!(["5", 7, "5", 1.0, [], {}])
    );
    assert!(first_line("!foo x").contains("error[LO0005]: the tag '!foo' does not fit here"));
    assert!(first_line("!!map []").contains("error[LO0005]: the tag '!!map' does not fit here"));
    assert!(first_line("!!int x").contains("error[LO0005]: 'x' is not what its tag '!!int' says"));
}

#[test]
fn json_with_tabs_and_line_breaks_is_read() {
    let value = json!({"a": [1, {"b": null}], "c d": "e: f # g"});
    let text = serde_json::to_string_pretty(&value).unwrap();
    assert_eq!(json_of(&text), value);
    assert_eq!(json_of(&text.replace("  ", "\t")), value);
}

fn json_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[a-z]{0,6}",
        "[ -~]{0,20}",
        any::<String>().prop_map(|text| text.chars().take(100).collect())
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |float| float.is_finite()).prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(text.clone(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Texts made of what YAML gives a meaning: far more of them reach the depths of the reader than random ones.
fn yaml_like() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a",
        "b: ",
        "- ",
        "? ",
        ": ",
        ":",
        "\n",
        "\n  ",
        "\n    ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "&a ",
        "*a",
        "!!str ",
        "!x ",
        "|",
        ">",
        "|2-\n",
        "'",
        "\"",
        "\\",
        "#",
        " #",
        "---",
        "...",
        "\n---\n",
        "%YAML 1.2\n",
        "<<: ",
        "\t",
        "é",
        "\u{feff}",
        "\r",
        "\u{85}",
        "\u{2028}",
        "~",
        "1e9",
        "@",
        "`",
        "%",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        let _ = read(&text);
    }

    #[test]
    fn no_text_of_yaml_pieces_makes_the_reader_panic(text in yaml_like()) {
        let _ = read(&text);
    }

    #[test]
    fn json_reads_as_json(value in json_value()) {
        prop_assert_eq!(json_of(&value.to_string()), value.clone());
        prop_assert_eq!(json_of(&serde_json::to_string_pretty(&value).unwrap()), value);
    }

    #[test]
    fn places_are_inside_the_text(text in yaml_like()) {
        if let Ok(node) = read(&text) {
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            let mut open = vec![&node];
            while let Some(node) = open.pop() {
                let (start, end) = (node.span.start.offset as usize, node.span.end.offset as usize);
                prop_assert!(text.get(start..end).is_some(), "{start}..{end} of {}", text.len());
                open.extend(node.as_seq().into_iter().flatten());
                open.extend(node.as_map().into_iter().flatten().map(|(_, value)| value));
            }
        }
    }
}
