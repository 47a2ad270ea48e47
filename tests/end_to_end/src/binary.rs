//! Finds the binary under test, built from the sources as they are now. A binary that happens to lie there is never
//! used without asking cargo: it could be an old one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The path of the built `lorchestra`. The environment variable `LORCHESTRA_BIN` names another one.
///
/// # Panics
/// When it cannot be built.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("LORCHESTRA_BIN") {
        Some(path) => PathBuf::from(path),
        None => build(),
    })
}

fn build() -> PathBuf {
    // TARGET/PROFILE/deps/this-test
    let this = std::env::current_exe().expect("a running test has a path");
    let profile_dir = this.ancestors().nth(2).expect("tests lie two folders below the target folder");
    let target_dir = profile_dir.parent().expect("a profile's folder lies in the target folder");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--quiet", "--package", "lorchestra", "--bin", "lorchestra", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml"))
        .arg("--target-dir")
        .arg(target_dir);
    if profile_dir.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.status().expect("cargo runs");
    assert!(status.success(), "the binary under test does not build");
    profile_dir.join("lorchestra")
}
