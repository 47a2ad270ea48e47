//! Reads the graph from `cargo metadata` and the members' manifests, and the table from its file. It judges nothing.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, PackageId};

use super::graph::{Declared, Edge, Graph, Kind, Member, Package};
use super::rules::Rules;
use crate::failure::Failure;

/// The table in `path`.
pub(crate) fn load_rules(path: &Path) -> Result<Rules, Failure> {
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::cannot_run(format!("cannot read the rules {}: {error}", path.display()))
            .help("name the table with --rules; its form is described at the head of boundaries.toml")
    })?;
    Rules::parse(&text)
        .map_err(|what| Failure::cannot_run(format!("{} is not a table: {what}", path.display())))
}

/// The graph of the workspace of `manifest`, with all features and for all targets.
pub(crate) fn load_graph(manifest: &Path, rules: &Rules) -> Result<Graph, Failure> {
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .features(CargoOpt::AllFeatures)
        .exec()
        .map_err(|error| Failure::cannot_run(format!("cargo metadata failed: {error}")))?;
    graph_of(&metadata, rules)
}

fn graph_of(metadata: &Metadata, rules: &Rules) -> Result<Graph, Failure> {
    let positions: HashMap<&PackageId, usize> =
        metadata.packages.iter().enumerate().map(|(position, package)| (&package.id, position)).collect();
    let mut packages = Vec::with_capacity(metadata.packages.len());
    for package in &metadata.packages {
        let is_member = metadata.workspace_members.contains(&package.id);
        packages.push(Package {
            name: package.name.to_string(),
            version: package.version.to_string(),
            member: if is_member { Some(member(metadata, package)?) } else { None },
            features: package.features.clone().into_iter().collect::<BTreeMap<_, _>>(),
            enabled: Default::default(),
            declared: package.dependencies.iter().map(declared).collect(),
            edges: Vec::new(),
        });
    }
    let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    for node in nodes {
        let Some(package) = positions.get(&node.id).and_then(|position| packages.get_mut(*position)) else {
            continue;
        };
        package.enabled = node.features.iter().map(ToString::to_string).collect();
        for dependency in &node.deps {
            let Some(to) = positions.get(&dependency.pkg) else { continue };
            for info in &dependency.dep_kinds {
                let edge = Edge { to: *to, kind: kind(info.kind) };
                if !package.edges.contains(&edge) {
                    package.edges.push(edge);
                }
            }
        }
    }
    let folders = match &rules.workspace.folder {
        Some(folder) => folders_below(metadata.workspace_root.join(folder).as_std_path())?,
        None => Vec::new(),
    };
    Ok(Graph { packages, folders })
}

fn member(metadata: &Metadata, package: &cargo_metadata::Package) -> Result<Member, Failure> {
    let path = &package.manifest_path;
    let folder = path.parent().unwrap_or(path);
    let folder = folder.strip_prefix(&metadata.workspace_root).unwrap_or(folder);
    let folder = if folder.as_str().is_empty() { ".".to_owned() } else { folder.as_str().replace('\\', "/") };
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::cannot_run(format!("cannot read {path}: {error}")))?;
    let manifest = toml::from_str(&text)
        .map_err(|error| Failure::cannot_run(format!("{path} is not a manifest: {error}")))?;
    Ok(Member { folder, manifest })
}

fn declared(dependency: &cargo_metadata::Dependency) -> Declared {
    Declared {
        name: dependency.name.clone(),
        rename: dependency.rename.clone(),
        kind: kind(dependency.kind),
        optional: dependency.optional,
        target: dependency.target.as_ref().map(ToString::to_string),
        features: dependency.features.clone(),
        default_features: dependency.uses_default_features,
    }
}

fn kind(kind: DependencyKind) -> Kind {
    match kind {
        DependencyKind::Build => Kind::Build,
        DependencyKind::Development => Kind::Dev,
        // kinds that cargo may add later are judged like the strictest one
        _ => Kind::Normal,
    }
}

fn folders_below(folder: &Path) -> Result<Vec<String>, Failure> {
    let cannot = |error| Failure::cannot_run(format!("cannot list {}: {error}", folder.display()));
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
