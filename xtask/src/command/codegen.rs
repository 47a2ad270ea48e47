//! `codegen`: what is generated from the tree and kept in it, between two marks of a file that people write.
//! `--check` compares and writes nothing. To add a piece, add it to `PIECES`.

use std::fs;

use crate::boundaries::{Graph, Kind, Rules, load_graph, load_rules};
use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Compare, write nothing, fail when something is stale
    #[arg(long)]
    check: bool,
}

/// Something generated, and where it stands.
struct Piece {
    file: &'static str,
    mark: &'static str,
    text: fn(&Graph, &Rules) -> String,
}

const PIECES: [Piece; 1] = [Piece { file: "ARCHITECTURE.md", mark: "crate graph", text: crate_graph }];

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Outcome {
    let rules = load_rules(&workspace.root().join("boundaries.toml"))?;
    let graph = load_graph(&workspace.root().join("Cargo.toml"), &rules)?;
    let mut stale = Vec::new();
    for piece in PIECES {
        let path = workspace.root().join(piece.file);
        let cannot = |error| Failure::cannot_run(format!("cannot read or write {}: {error}", path.display()));
        let old = fs::read_to_string(&path).map_err(cannot)?;
        let new = replaced(&old, piece.mark, &(piece.text)(&graph, &rules))
            .ok_or_else(|| Failure::cannot_run(format!("{} has no marks `{}`", piece.file, piece.mark)))?;
        if new == old {
            continue;
        }
        stale.push(format!("{} ({})", piece.file, piece.mark));
        if !arguments.check {
            fs::write(&path, new).map_err(cannot)?;
        }
    }
    match (stale.is_empty(), arguments.check) {
        (true, _) => println!("codegen: everything is fresh"),
        (false, false) => println!("codegen: wrote {}", stale.join(", ")),
        (false, true) => {
            return Err(
                Failure::found(format!("stale: {}", stale.join(", "))).help("run `cargo xtask codegen`")
            );
        }
    }
    Ok(())
}

/// `codegen --check`, as `ci` runs it.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    run(workspace, &Arguments { check: true })
}

/// `text` with what stands between the two marks replaced; `None` when the marks are not there.
fn replaced(text: &str, mark: &str, new: &str) -> Option<String> {
    let begin = format!("<!-- begin generated: {mark} -->\n");
    let end = format!("<!-- end generated: {mark} -->");
    let start = text.find(&begin)? + begin.len();
    let stop = start + text[start..].find(&end)?;
    Some(format!("{}{new}{}", &text[..start], &text[stop..]))
}

/// The shipped crates and their edges in Mermaid, without the crates that everybody may use.
fn crate_graph(graph: &Graph, rules: &Rules) -> String {
    let common = &rules.workspace.common;
    let shown = |name: &str| rules.crates.contains_key(name) && !common.iter().any(|one| one == name);
    let mut lines = vec!["```mermaid".to_owned(), "graph TD".to_owned()];
    for (_, package, member) in graph.members() {
        if !shown(&package.name) || rules.is_tool(&member.folder) {
            continue;
        }
        lines.push(format!("  {}", package.name));
        let mut edges: Vec<String> = package
            .declared
            .iter()
            .filter(|declared| declared.kind == Kind::Normal && shown(&declared.name))
            .map(|declared| {
                let arrow = if declared.optional { "-.->" } else { "-->" };
                format!("  {} {arrow} {}", package.name, declared.name)
            })
            .collect();
        edges.sort();
        edges.dedup();
        lines.extend(edges);
    }
    lines.push("```\n".to_owned());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_between_the_marks_is_replaced() {
        let text = "a\n<!-- begin generated: x -->\nold\n<!-- end generated: x -->\nb\n";
        let new = replaced(text, "x", "new\n").unwrap();
        assert_eq!(new, "a\n<!-- begin generated: x -->\nnew\n<!-- end generated: x -->\nb\n");
        assert_eq!(replaced(text, "y", "new\n"), None);
    }
}
