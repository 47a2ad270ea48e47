//! Small graphs built by hand, one broken rule each, and the graphs beside them that are in order.

use super::super::graph::{Declared, Edge, Graph, Kind, Member, Package};
use super::super::rules::Rules;
use super::super::verdict::{Rule, Verdict};
use super::check;

/// A graph of packages: `members` stand in `crates/<name>`, tools (`t-…`) in `tests/<name>`; edges are declared and resolved.
fn graph(members: &[&str], edges: &[(&str, Kind, &str)]) -> Graph {
    let mut graph = Graph::default();
    for name in members.iter().copied().chain(edges.iter().flat_map(|(from, _, to)| [*from, *to])) {
        if graph.packages.iter().any(|package| package.name == name) {
            continue;
        }
        let folder = if name.starts_with("t-") { format!("tests/{name}") } else { format!("crates/{name}") };
        let member = members.contains(&name).then(|| Member { folder, manifest: toml::Table::new() });
        let package =
            Package { name: name.to_owned(), version: "1.0.0".to_owned(), member, ..Package::default() };
        graph.packages.push(package);
    }
    for (from, kind, to) in edges {
        let to_position = position(&graph, to);
        let from = position(&graph, from);
        graph.packages[from].declared.push(declared(to, *kind));
        graph.packages[from].edges.push(Edge { to: to_position, kind: *kind });
    }
    graph
}

fn position(graph: &Graph, name: &str) -> usize {
    graph.packages.iter().position(|package| package.name == name).unwrap()
}

fn declared(name: &str, kind: Kind) -> Declared {
    Declared {
        name: name.to_owned(),
        rename: None,
        kind,
        optional: false,
        target: None,
        features: Vec::new(),
        default_features: true,
    }
}

fn rules(text: &str) -> Rules {
    Rules::parse(text).unwrap()
}

/// Each violation as `rule crate: path` for comparing.
fn found(verdict: &Verdict) -> Vec<String> {
    let line = |violation: &super::super::verdict::Violation| {
        let path = violation.path.iter().map(|hop| hop.name.as_str()).collect::<Vec<_>>().join(">");
        format!("{} {}: {path}", violation.rule.name(), violation.crate_name)
    };
    verdict.violations.iter().map(line).collect()
}

const TWO: &str = "
    tools = { folders = ['tests/*'], reason = 'tools are not shipped' }
    [crates.a]
    reason = 'a stands alone'
    [crates.b]
    reason = 'b is on a'
    uses = ['a']
";

#[test]
fn edges_between_crates_of_ours_are_those_of_the_table() {
    use Kind::{Build, Dev, Normal};
    type Edges = &'static [(&'static str, Kind, &'static str)];
    let cases: [(Edges, &[&str]); 7] = [
        (&[("b", Normal, "a")], &[]),
        (&[("b", Build, "a"), ("b", Dev, "a")], &[]),
        (&[("a", Normal, "b")], &["uses a: a>b"]),
        (&[("a", Build, "b")], &["uses a: a>b"]),
        (&[("a", Dev, "b")], &["uses a: a>b"]),
        (&[("a", Dev, "t-kit"), ("t-kit", Normal, "b")], &[]),
        (&[("a", Normal, "t-kit"), ("a", Build, "t-kit")], &["tools a: a>t-kit", "tools a: a>t-kit"]),
    ];
    for (edges, expected) in cases {
        let verdict = check(&graph(&["a", "b", "t-kit"], edges), &rules(TWO));
        assert_eq!(found(&verdict), expected, "{edges:?}");
    }
}

#[test]
fn dev_uses_counts_for_tests_only() {
    let table = "
        [crates.a]
        reason = 'r'
        dev-uses = ['b']
        [crates.b]
        reason = 'r'
    ";
    let dev = check(&graph(&["a", "b"], &[("a", Kind::Dev, "b")]), &rules(table));
    assert_eq!(found(&dev), Vec::<String>::new());
    let normal = check(&graph(&["a", "b"], &[("a", Kind::Normal, "b")]), &rules(table));
    assert_eq!(found(&normal), ["uses a: a>b"]);
}

#[test]
fn rows_and_members_are_the_same_set() {
    let table = "
        workspace = { folder = 'crates' }
        [crates.a]
        reason = 'r'
        [crates.gone]
        reason = 'r'
        [crates.later]
        reason = 'r'
        planned = true
        [crates.early]
        reason = 'r'
        planned = true
    ";
    let mut graph = graph(&["a", "stranger", "early"], &[]);
    graph.folders = ["a", "early", "empty", "stranger"].map(str::to_owned).to_vec();
    let verdict = check(&graph, &rules(table));
    assert_eq!(found(&verdict), ["table stranger: ", "table early: ", "table gone: ", "table empty: "]);
    assert!(verdict.violations.iter().all(|violation| violation.rule == Rule::Table));
}

const OWNED: &str = "
    [crates.io]
    reason = 'r'
    owns = [{ crates = ['driver', 'sdk-*', 'runtime/process'], reason = 'one crate opens it' }]
    [crates.a]
    reason = 'r'
    [crates.io-later]
    reason = 'r'
    planned = true
    owns = [{ crates = ['cloud'], reason = 'heavy' }]
";

#[test]
fn what_one_crate_owns_nobody_else_declares_in_any_manner() {
    for kind in [Kind::Normal, Kind::Build, Kind::Dev] {
        for owned in ["driver", "sdk-auth", "cloud"] {
            let verdict = check(&graph(&["a", "io"], &[("a", kind, owned)]), &rules(OWNED));
            assert_eq!(found(&verdict), [format!("owns a: a>{owned}")], "{kind}");
            assert!(!verdict.violations[0].reason.is_empty());
        }
    }
    let mut disguised = graph(&["a", "io"], &[("a", Kind::Normal, "driver")]);
    let a = position(&disguised, "a");
    disguised.packages[a].declared[0] = Declared {
        rename: Some("harmless".to_owned()),
        optional: true,
        target: Some("cfg(windows)".to_owned()),
        ..declared("driver", Kind::Normal)
    };
    let verdict = check(&disguised, &rules(OWNED));
    let manner = verdict.violations[0].path[1].manner.as_deref();
    assert_eq!(manner, Some("normal, optional, renamed to `harmless`, only for cfg(windows)"));
    let owner = check(&graph(&["a", "io"], &[("io", Kind::Normal, "driver")]), &rules(OWNED));
    assert_eq!(found(&owner), Vec::<String>::new());
}

#[test]
fn an_owned_feature_is_found_however_it_is_turned_on() {
    let build = |change: &dyn Fn(&mut Package)| {
        let mut graph = graph(&["a", "io"], &[("a", Kind::Normal, "runtime")]);
        let runtime = position(&graph, "runtime");
        let all = [("full", vec!["process", "sync"]), ("process", vec![]), ("sync", vec![])];
        graph.packages[runtime].features = all
            .into_iter()
            .map(|(n, on)| (n.to_owned(), on.into_iter().map(str::to_owned).collect()))
            .collect();
        let a = position(&graph, "a");
        change(&mut graph.packages[a]);
        found(&check(&graph, &rules(OWNED)))
    };
    let expected = ["owns a: a>runtime"];
    assert_eq!(build(&|a| a.declared[0].features = vec!["process".to_owned()]), expected);
    assert_eq!(build(&|a| a.declared[0].features = vec!["full".to_owned()]), expected);
    let through_own_feature = |a: &mut Package| {
        a.features.insert("x".to_owned(), vec!["runtime?/process".to_owned()]);
    };
    assert_eq!(build(&through_own_feature), expected);
    assert_eq!(build(&|a| a.declared[0].features = vec!["sync".to_owned()]), Vec::<String>::new());
}

fn never(kinds: &str) -> Rules {
    rules(&format!("[crates.a]\nreason = 'r'\nnever = [{{ crates = ['evil'], reason = 'pure'{kinds} }}]"))
}

#[test]
fn never_follows_every_edge_of_a_kind_and_prints_the_shortest_path() {
    use Kind::{Build, Dev, Normal};
    type Edges = &'static [(&'static str, Kind, &'static str)];
    let cases: [(Edges, &[&str]); 8] = [
        (&[("a", Normal, "x"), ("x", Normal, "y"), ("y", Normal, "evil")], &["never a: a>x>y>evil"]),
        (&[("a", Normal, "x"), ("x", Normal, "evil"), ("a", Normal, "evil")], &["never a: a>evil"]),
        (&[("a", Build, "x"), ("x", Normal, "evil")], &["never a: a>x>evil"]),
        (&[("a", Normal, "x"), ("x", Build, "evil")], &["never a: a>x>evil"]),
        (&[("a", Dev, "evil")], &[]),
        (&[("a", Normal, "x"), ("x", Dev, "evil")], &[]),
        (&[("a", Normal, "x"), ("x", Normal, "a"), ("x", Normal, "z")], &[]),
        (&[("a", Normal, "evil"), ("a", Build, "evil")], &["never a: a>evil", "never a: a>evil"]),
    ];
    for (edges, expected) in cases {
        assert_eq!(found(&check(&graph(&["a"], edges), &never(""))), expected, "{edges:?}");
    }
    let dev = graph(&["a"], &[("a", Dev, "x"), ("x", Normal, "evil")]);
    assert_eq!(found(&check(&dev, &never(", kinds = ['dev']"))), ["never a: a>x>evil"]);
    let build = graph(&["a"], &[("a", Build, "evil")]);
    assert_eq!(found(&check(&build, &never(", kinds = ['normal']"))), Vec::<String>::new());
}

#[test]
fn an_exception_excuses_its_path_and_no_other() {
    let table = "
        [crates.a]
        reason = 'r'
        never = [{ crates = ['evil'], reason = 'pure' }]
        [[exceptions]]
        crate = 'a'
        to = 'evil'
        via = 'x'
        reason = 'x hides it'
    ";
    let through_x: &[_] = &[("a", Kind::Normal, "x"), ("x", Kind::Normal, "evil")];
    let excused = check(&graph(&["a"], through_x), &rules(table));
    assert_eq!(found(&excused), Vec::<String>::new());
    assert_eq!(excused.excused.len(), 1);

    let both =
        [through_x, &[("a", Kind::Normal, "y"), ("y", Kind::Normal, "z"), ("z", Kind::Normal, "evil")]]
            .concat();
    assert_eq!(found(&check(&graph(&["a"], &both), &rules(table))), ["never a: a>y>z>evil"]);

    let unused = check(&graph(&["a"], &[]), &rules(table));
    assert_eq!(unused.violations[0].statement, "the exception for a to evil via x excuses nothing");
}

#[test]
fn a_closed_list_holds_for_all_but_tests() {
    let table = "[crates.a]\nreason = 'r'\nonly = { crates = ['small'], reason = 'light' }";
    let edges = [("a", Kind::Normal, "small"), ("a", Kind::Build, "big"), ("a", Kind::Dev, "big")];
    assert_eq!(found(&check(&graph(&["a"], &edges), &rules(table))), ["only a: a>big"]);
}

const REFUSED: &str = "
    crates.a.reason = 'r'
    [[refused-features]]
    crate = 'json'
    features = ['loose']
    reason = 'digests'
";

#[test]
fn a_refused_feature_is_traced_to_whoever_turns_it_on() {
    let mut ours = graph(&["a"], &[("a", Kind::Dev, "json")]);
    ours.packages[0].declared[0].features = vec!["loose".to_owned()];
    assert_eq!(found(&check(&ours, &rules(REFUSED))), ["features a: a>json"]);

    let mut theirs = graph(&["a"], &[("a", Kind::Normal, "lib"), ("lib", Kind::Normal, "json")]);
    assert_eq!(found(&check(&theirs, &rules(REFUSED))), Vec::<String>::new());
    let (lib, json) = (position(&theirs, "lib"), position(&theirs, "json"));
    theirs.packages[lib].declared[0].features = vec!["loose".to_owned()];
    theirs.packages[json].enabled.insert("loose".to_owned());
    assert_eq!(found(&check(&theirs, &rules(REFUSED))), ["features lib: a>lib>json"]);
}

#[test]
fn versions_and_lints_come_from_the_workspace() {
    let table = "
        crates.a.reason = 'r'
        [workspace]
        inherit = { keys = ['version', 'lints', 'dependencies'], reason = 'one of each' }
    ";
    let judge = |manifest: &str| {
        let mut graph = graph(&["a"], &[]);
        graph.packages[0].member.as_mut().unwrap().manifest = toml::from_str(manifest).unwrap();
        let verdict = check(&graph, &rules(table));
        verdict.violations.into_iter().map(|violation| violation.statement).collect::<Vec<_>>()
    };
    let good = "
        package = { version.workspace = true }
        lints.workspace = true
        dependencies = { x.workspace = true, y = { workspace = true, optional = true } }
        target.'cfg(unix)'.dev-dependencies.z.workspace = true
    ";
    assert_eq!(judge(good), Vec::<String>::new());
    let bad = "
        package = { version = '1.0.0' }
        dependencies = { x = '1' }
        target.'cfg(unix)'.build-dependencies.z = { version = '1' }
    ";
    let expected = ["package.version", "its lints", "the version of x", "the version of z"];
    assert_eq!(judge(bad), expected.map(|what| format!("a does not take {what} from the workspace")));
}
