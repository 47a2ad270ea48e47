//! Which functions a transform has: all of jaq's that depend on nothing but their input.

use jaq_core::data::JustLut;
use jaq_core::load::parse::Def;
use jaq_core::native::Fun;
use jaq_json::Val;

/// How programs run: over JSON values, without data of ours.
pub(super) type Data = JustLut<Val>;

/// What is left out, by name, and what it would let a program do.
const LEFT_OUT: &[(&str, &str)] = &[
    ("env", "it reads the environment of the host"),
    ("$ENV", "it reads the environment of the host"),
    ("now", "it reads the clock: equal input would not give equal output"),
    ("localtime", "it reads the time zone of the host; gmtime is there"),
    ("strflocaltime", "it reads the time zone of the host; strftime is there"),
    ("input", "a program gets its input once, as `.`"),
    ("inputs", "a program gets its input once, as `.`"),
    ("input_filename", "a program gets its input once, as `.`"),
    ("input_line_number", "a program gets its input once, as `.`"),
    ("debug", "it writes to the log"),
    ("debug_empty", "it writes to the log"),
    ("stderr", "it writes to the log"),
    ("stderr_empty", "it writes to the log"),
    ("halt", "it would end the whole process"),
    ("halt_error", "it would end the whole process; error is there"),
];

/// Why transforms do not have `name`, if it was left out on purpose.
pub(super) fn why_left_out(name: &str) -> Option<&'static str> {
    LEFT_OUT.iter().find(|(left_out, _)| *left_out == name).map(|(_, reason)| *reason)
}

/// Functions written in jq.
pub(super) fn definitions() -> impl Iterator<Item = Def<&'static str>> {
    let all = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    all.filter(|definition| why_left_out(definition.name).is_none())
}

/// Functions written in Rust.
pub(super) fn natives() -> impl Iterator<Item = Fun<Data>> {
    let all = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    all.filter(|(name, _, _)| why_left_out(name).is_none())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn transforms_have_exactly_these_functions() {
        let defined =
            definitions().map(|definition| format!("{}/{}", definition.name, definition.args.len()));
        let native = natives().map(|(name, arguments, _)| format!("{name}/{}", arguments.len()));
        let names: BTreeSet<String> = defined.chain(native).collect();
        insta::assert_snapshot!(names.into_iter().collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn what_is_left_out_does_not_compile_and_says_why() {
        for (name, reason) in LEFT_OUT {
            let problems = super::super::check_transform(&format!("{{a: 1}} | .b = {name}")).unwrap_err();
            assert_eq!(problems.len(), 1, "{name}");
            assert_eq!((problems[0].line, problems[0].column), (1, Some(15)), "{name}");
            assert!(problems[0].message.contains(reason), "{name}: {}", problems[0]);
        }
    }
}
