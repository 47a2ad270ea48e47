//! clippy reads the nearest clippy.toml and forgets the root's, so a crate's own file repeats every setting of it.

use std::fs;
use std::path::Path;

use crate::workspace::Workspace;

fn settings(path: &Path) -> toml::Table {
    toml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_crates_own_clippy_settings_repeat_those_of_the_root() {
    let root = Workspace::own().root().to_path_buf();
    let shared = settings(&root.join("clippy.toml"));
    let mut checked = Vec::new();
    for folder in fs::read_dir(root.join("crates")).unwrap() {
        let path = folder.unwrap().path().join("clippy.toml");
        if !path.exists() {
            continue;
        }
        let own = settings(&path);
        for (key, value) in &shared {
            assert_eq!(own.get(key), Some(value), "{}: {key}", path.display());
        }
        checked.push(path);
    }
    assert!(checked.contains(&root.join("crates/lorchestra-core/clippy.toml")), "{checked:?}");
}
