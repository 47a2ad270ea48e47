//! A copy of the example in a folder of its own, and the binary at work in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::binary::binary;

/// The jobs of the example, in the order they are run.
pub const JOBS: [&str; 3] = ["canonize_github_activity", "measure_activity", "report_activity"];

/// Columns that say when something was written: no two runs agree on them.
const WRITE_TIMES: [&str; 5] = ["canonicalized_at", "created_at", "measured_at", "first_seen", "last_seen"];

/// A project folder that is gone when the test is over.
#[derive(Debug)]
pub struct Sandbox {
    folder: TempDir,
}

/// What a command said.
#[derive(Debug)]
pub struct Answer {
    /// Its exit code; -1 when a signal ended it.
    pub code: i32,
    /// Results.
    pub stdout: String,
    /// Talk.
    pub stderr: String,
}

impl Answer {
    /// Its result as JSON: what stands under the document's kind.
    ///
    /// # Panics
    /// When it is not such a document.
    #[must_use]
    pub fn json(&self) -> Value {
        let document: Value =
            serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"));
        let kind = document["kind"].as_str().expect("a document says its kind").to_owned();
        document[kind.as_str()].clone()
    }

    /// The answer, if it ended with `code`.
    ///
    /// # Panics
    /// When it ended otherwise.
    #[must_use]
    #[track_caller]
    pub fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stderr:\n{}\nstdout:\n{}", self.stderr, self.stdout);
        self
    }

    /// What became of the run, as rows of `(step, status, tries, read, written)`.
    ///
    /// # Panics
    /// When the answer is not a run.
    #[must_use]
    pub fn steps(&self) -> Vec<(String, String, u64, u64, u64)> {
        let number = |step: &Value, key: &str| step[key].as_u64().unwrap_or_default();
        let run = self.json();
        let steps = run["steps"].as_array().expect("a run has steps");
        steps
            .iter()
            .map(|step| {
                let text = |key: &str| step[key].as_str().unwrap_or_default().to_owned();
                let tries = number(step, "tries");
                (
                    text("step_id"),
                    text("status"),
                    tries,
                    number(step, "rows_read"),
                    number(step, "rows_written"),
                )
            })
            .collect()
    }
}

impl Sandbox {
    /// The example as it is in the repository, nothing loaded.
    ///
    /// # Panics
    /// When it cannot be copied.
    #[must_use]
    pub fn example() -> Self {
        let sandbox = Self { folder: TempDir::new().expect("a temporary folder") };
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/github-activity");
        copy(&example, sandbox.path());
        sandbox
    }

    /// The example with its deliveries loaded.
    ///
    /// # Panics
    /// When they cannot be loaded.
    #[must_use]
    pub fn loaded() -> Self {
        static LOADED: OnceLock<Sandbox> = OnceLock::new();
        LOADED
            .get_or_init(|| {
                let sandbox = Self::example();
                let _ = sandbox.run(&["load"]).with_code(0);
                sandbox
            })
            .with_stores()
    }

    /// The example with all three jobs done.
    ///
    /// # Panics
    /// When one fails.
    #[must_use]
    pub fn finished() -> Self {
        static FINISHED: OnceLock<Sandbox> = OnceLock::new();
        FINISHED
            .get_or_init(|| {
                let sandbox = Self::loaded();
                for job in JOBS {
                    let _ = sandbox.run(&["run", job]).with_code(0);
                }
                sandbox
            })
            .with_stores()
    }

    /// A copy, stores and all.
    fn with_stores(&self) -> Self {
        let sandbox = Self::example();
        for folder in [".lorchestra", "data"] {
            copy_all(&self.path().join(folder), &sandbox.path().join(folder), &|_| true);
        }
        sandbox
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The run store's file.
    #[must_use]
    pub fn run_store(&self) -> PathBuf {
        self.path().join(".lorchestra/runs.db")
    }

    /// The data plane's file.
    #[must_use]
    pub fn data_plane(&self) -> PathBuf {
        self.path().join("data/warehouse.db")
    }

    /// The binary with `args`, ready to be started in this folder.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        self.command_of(binary().as_os_str(), args)
    }

    /// Any program with `args`, ready to be started in this folder.
    #[must_use]
    pub fn command_of(&self, program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.path())
            .env_remove("LORCHESTRA_PROFILE")
            .env_remove("LORCHESTRA_OUTPUT")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary with `args` to its end.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Answer {
        answer(&mut self.command(args))
    }

    /// The file at `path` below the folder.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).expect("a text file")
    }

    /// Writes the file at `path` below the folder.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, path: &str, text: &str) {
        fs::write(self.path().join(path), text).expect("a writable folder");
    }

    /// Puts `new` where `old` stands in the file at `path`, and gives its line, from 1.
    ///
    /// # Panics
    /// When `old` does not stand there exactly once.
    #[track_caller]
    pub fn edit(&self, path: &str, old: &str, new: &str) -> usize {
        let text = self.read(path);
        let mut places = text.match_indices(old);
        let (at, _) = places.next().unwrap_or_else(|| panic!("'{old}' does not stand in {path}"));
        assert!(places.next().is_none(), "'{old}' stands in {path} more than once");
        self.write(path, &text.replacen(old, new, 1));
        text[..at].matches('\n').count() + 1
    }

    /// Rows that `sql` gives.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    #[track_caller]
    pub fn query(&self, sql: &str) -> Vec<Map<String, Value>> {
        let answer = self.run(&["query", "-o", "ndjson", "--quiet", "--sql", sql]).with_code(0);
        answer.stdout.lines().map(|line| serde_json::from_str(line).expect("a row is a map")).collect()
    }

    /// A whole table: sorted, and without the times of writing.
    #[must_use]
    pub fn table(&self, table: &str) -> Vec<String> {
        let rows = self.query(&format!("SELECT * FROM {table}"));
        let mut lines: Vec<String> = rows
            .into_iter()
            .map(|mut row| {
                row.retain(|column, _| !WRITE_TIMES.contains(&column.as_str()));
                Value::Object(row).to_string()
            })
            .collect();
        lines.sort();
        lines
    }

    /// Whether any store was made.
    #[must_use]
    pub fn has_stores(&self) -> bool {
        let left_over = |folder: PathBuf| {
            fs::read_dir(folder)
                .into_iter()
                .flatten()
                .flatten()
                .any(|entry| entry.file_name().to_string_lossy().contains(".db"))
        };
        self.path().join(".lorchestra").exists() || left_over(self.path().join("data"))
    }
}

/// What `command` says when it has run to its end.
///
/// # Panics
/// When it cannot be started.
#[must_use]
fn answer(command: &mut Command) -> Answer {
    let output = command.output().expect("the program starts");
    Answer {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl From<&mut Command> for Answer {
    fn from(command: &mut Command) -> Self {
        answer(command)
    }
}

/// Copies the project; stores that somebody made in it stay behind.
fn copy(from: &Path, to: &Path) {
    copy_all(from, to, &|name| name != ".lorchestra" && !name.contains(".db"));
}

fn copy_all(from: &Path, to: &Path, wanted: &dyn Fn(&str) -> bool) {
    fs::create_dir_all(to).expect("a writable folder");
    for entry in fs::read_dir(from).expect("a readable folder") {
        let entry = entry.expect("a readable entry");
        let target = to.join(entry.file_name());
        if !wanted(&entry.file_name().to_string_lossy()) {
            continue;
        }
        if entry.path().is_dir() {
            copy_all(&entry.path(), &target, wanted);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
