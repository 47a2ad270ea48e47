//! `tidy`: what the compiler does not see. Every source file of the crates says in its head what it is, none is too long,
//! and nothing unfinished or silenced is left. It reads text line by line; it does not parse Rust.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

/// Longer files are split, unless they are a table.
const MAX_LINES: usize = 700;
/// Among its first lines, this says that a file is a table.
const TABLE_MARK: &str = "tidy: table";
/// Where the mark and the header are looked for.
const HEAD_LINES: usize = 10;
/// What may not be left in a source file, and what to do instead.
const FORBIDDEN: [(&str, &str); 5] = [
    ("todo!(", "build it, or refuse the input with an error"),
    ("unimplemented!(", "build it, or refuse the input with an error"),
    ("#[ignore", "mend the test or remove it"),
    ("#[allow(", "use #[expect(.., reason = \"..\")], which ends with its cause"),
    ("#![allow(", "use #![expect(.., reason = \"..\")], which ends with its cause"),
];

pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let mut faults = Vec::new();
    let mut count = 0;
    for (folder, is_crate) in [("crates", true), ("tests", false)] {
        for path in sources(&workspace.root().join(folder))? {
            let text = fs::read_to_string(&path)
                .map_err(|error| Failure::cannot_run(format!("cannot read {}: {error}", path.display())))?;
            let name = path.strip_prefix(workspace.root()).unwrap_or(&path).display().to_string();
            faults.extend(faults_of(&text, is_crate).into_iter().map(|fault| format!("{name}{fault}")));
            count += 1;
        }
    }
    for fault in &faults {
        println!("{fault}");
    }
    println!("tidy: {count} files, faults: {}", faults.len());
    if faults.is_empty() { Ok(()) } else { Err(Failure::found("the tree is not tidy")) }
}

/// What is wrong with one file, each as `:line: what`.
fn faults_of(text: &str, is_crate: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    let head = &lines[..lines.len().min(HEAD_LINES)];
    if is_crate {
        if lines.len() > MAX_LINES && !head.iter().any(|line| line.contains(TABLE_MARK)) {
            faults.push(format!(
                ": {} lines, at most {MAX_LINES}: split it by command, table or concern (`{TABLE_MARK}` in its head \
                 excuses a table)",
                lines.len()
            ));
        }
        if !head.iter().any(|line| line.starts_with("//!") || line.starts_with("#![doc = include_str!(")) {
            faults.push(":1: no `//!` header: say what the file does and what it does not do".to_owned());
        }
    }
    for (number, line) in (1..).zip(&lines) {
        let code = line.trim_start();
        if code.starts_with("//") {
            continue;
        }
        for (forbidden, advice) in FORBIDDEN.iter().filter(|(forbidden, _)| code.contains(forbidden)) {
            faults.push(format!(":{number}: `{forbidden}`: {advice}"));
        }
    }
    faults
}

/// Every `.rs` file below `folder`, in order.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let cannot = |error| Failure::cannot_run(format!("cannot list {}: {error}", folder.display()));
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_found_where_it_stands() {
        let long = format!("//! Long.\n{}", "x\n".repeat(MAX_LINES));
        let table = format!("//! Codes. (tidy: table)\n{}", "x\n".repeat(MAX_LINES));
        let cases: [(&str, &[&str]); 7] = [
            ("//! Fine.\nfn f() {}\n", &[]),
            ("#![doc = include_str!(\"../README.md\")]\n", &[]),
            ("fn f() {}\n", &[":1: no `//!` header"]),
            ("//! Unfinished.\nfn f() { todo!() }\n", &[":2: `todo!(`"]),
            ("//! A comment is no code.\n// todo!()\n", &[]),
            (&long, &[": 701 lines, at most 700"]),
            (&table, &[]),
        ];
        for (text, expected) in cases {
            let faults = faults_of(text, true);
            assert_eq!(faults.len(), expected.len(), "{faults:?}");
            for (fault, start) in faults.iter().zip(expected) {
                assert!(fault.starts_with(start), "{fault}");
            }
        }
    }

    #[test]
    fn tests_need_no_header_but_hold_nothing_ignored_or_silenced() {
        let text = "#[test]\n#[ignore]\nfn f() {}\n#[allow(dead_code)]\nfn g() {}\n";
        let faults = faults_of(text, false);
        assert_eq!(faults.len(), 2, "{faults:?}");
    }
}
