//! Transforms and templates: their texts, digests, and whether they are well-formed.

use std::collections::BTreeMap;
use std::path::Path;

use lorchestra_core::catalog::ResourceKind;
use lorchestra_json::Sha256;

use super::{ProjectError, files};

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its text.
    pub text: String,
    /// Digest of the text.
    pub sha256: Sha256,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// Resources by key: `transform:github/activity@1.0.0`, `template:report.md`.
pub type Resources = BTreeMap<String, Resource>;

/// All resources of the project in `root`.
pub(super) fn read(root: &Path) -> Result<Resources, ProjectError> {
    let mut resources = Resources::new();
    for (path, text) in files::texts(&root.join("transforms"), &["jq"])? {
        // transforms/<name>/<version>.jq
        let Some((name, version)) = path.trim_end_matches(".jq").rsplit_once('/') else { continue };
        let problem = compute_local::check_transform(&text).err().map(|problems| {
            problems
                .iter()
                .map(|problem| format!("transforms/{path}: {problem}"))
                .collect::<Vec<_>>()
                .join("; ")
        });
        insert(&mut resources, ResourceKind::Transform, &format!("{name}@{version}"), text, problem);
    }
    for (path, text) in
        files::texts(&root.join("templates"), &["md", "txt", "html", "j2", "json", "csv", "eml"])?
    {
        let problem = compute_local::check_template(&path, &text)
            .err()
            .map(|problem| format!("templates/{path}: {problem}"));
        insert(&mut resources, ResourceKind::Template, &path, text, problem);
    }
    Ok(resources)
}

fn insert(resources: &mut Resources, kind: ResourceKind, name: &str, text: String, problem: Option<String>) {
    let sha256 = Sha256::of(text.as_bytes());
    resources.insert(kind.key(name), Resource { text, sha256, problem });
}
