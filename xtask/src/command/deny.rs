//! `deny`: cargo-deny with deny.toml. Advisories need the RustSec database: a snapshot beside the tree, else the network;
//! where there is neither, a loud line says that they were not checked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::tools::DENY;
use crate::workspace::{Workspace, run as run_shown, succeeds};

/// Where snapshots of the database are looked for, relative to the workspace's root.
const SNAPSHOTS: &str = "../shared/data";
/// A snapshot is called `rustsec-advisory-db-<date>.tar.zst`; in it stands the folder `crates`.
const SNAPSHOT_PREFIX: &str = "rustsec-advisory-db-";
const SNAPSHOT_SUFFIX: &str = ".tar.zst";
/// Where cargo-deny looks for the official database below `advisories.db-path` of deny.toml: the name holds a digest
/// of the database's address.
const DATABASE: &str = "target/advisory-db/advisory-db-3157b0e258782691";

pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let deny = DENY.ensure(workspace)?;
    let cargo_deny = |arguments: &[&str]| {
        let mut command = Command::new(&deny);
        command.args(["--all-features"]).args(arguments).current_dir(workspace.root());
        command
    };
    run_shown(&mut cargo_deny(&["check", "licenses", "bans", "sources"]))?;
    match newest_snapshot(&workspace.root().join(SNAPSHOTS)) {
        Some(snapshot) => install(&snapshot, &workspace.root().join(DATABASE))?,
        None if succeeds(&mut cargo_deny(&["fetch", "db"])) => {}
        None => {
            println!("WARNING: ADVISORIES WERE NOT CHECKED: the database cannot be fetched, and there is no");
            println!("WARNING: {SNAPSHOTS}/{SNAPSHOT_PREFIX}<date>{SNAPSHOT_SUFFIX} beside this tree");
            return Ok(());
        }
    }
    run_shown(&mut cargo_deny(&["--offline", "check", "advisories"]))
}

/// The snapshot with the latest date in its name.
fn newest_snapshot(folder: &Path) -> Option<PathBuf> {
    let paths = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    paths.filter(|path| date_of(path).is_some()).max()
}

fn date_of(snapshot: &Path) -> Option<&str> {
    snapshot.file_name()?.to_str()?.strip_prefix(SNAPSHOT_PREFIX)?.strip_suffix(SNAPSHOT_SUFFIX)
}

/// Lays the snapshot out as the git checkout that cargo-deny expects, committed on the snapshot's date: the database
/// is refused when that is too long ago.
fn install(snapshot: &Path, database: &Path) -> Outcome {
    println!("advisories: {}", snapshot.display());
    let date = date_of(snapshot).unwrap_or_default();
    let marker = database.join(".snapshot");
    if fs::read_to_string(&marker).is_ok_and(|installed| installed == date) {
        return Ok(());
    }
    let cannot = |error| Failure::cannot_run(format!("cannot lay out {}: {error}", database.display()));
    if database.exists() {
        fs::remove_dir_all(database).map_err(cannot)?;
    }
    fs::create_dir_all(database).map_err(cannot)?;
    let mut tar = Command::new("tar");
    run_shown(tar.args(["--zstd", "-xf"]).arg(snapshot).arg("-C").arg(database)).map_err(|failure| {
        failure.help("unpacking needs tar and zstd (Debian, Ubuntu: apt-get install zstd)")
    })?;
    let committed = format!("{date}T00:00:00Z");
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=snapshot", "-c", "user.email=snapshot@localhost"]);
        command.args(["-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false"]).args(arguments);
        command.env("GIT_COMMITTER_DATE", &committed).env("GIT_AUTHOR_DATE", &committed);
        command.current_dir(database);
        command
    };
    run_shown(&mut git(&["init", "--quiet"]))?;
    run_shown(&mut git(&["add", "crates"]))?;
    run_shown(&mut git(&["commit", "--quiet", "--message", "snapshot"]))?;
    fs::write(marker, date).map_err(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_archives_with_a_date_are_snapshots() {
        let date = |name: &str| date_of(Path::new(name)).map(str::to_owned);
        assert_eq!(date("x/rustsec-advisory-db-2026-08-21.tar.zst").as_deref(), Some("2026-08-21"));
        assert_eq!(date("rustsec-advisory-db-2026-08-21.zip"), None);
        assert_eq!(date("airports.csv"), None);
    }
}
