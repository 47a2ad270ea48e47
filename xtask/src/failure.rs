//! Why a command did not succeed: a check that found something, or a machine that cannot run it.

use std::fmt;
use std::process::ExitCode;

/// What a command returns.
pub(crate) type Outcome = Result<(), Failure>;

/// A command that did not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    help: Option<String>,
    code: u8,
}

impl Failure {
    /// The command ran, and what it checks is not in order: exit 1.
    pub(crate) fn found(what: impl Into<String>) -> Self {
        Self { what: what.into(), help: None, code: 1 }
    }

    /// The command could not do its work: exit 2.
    pub(crate) fn cannot_run(what: impl Into<String>) -> Self {
        Self { what: what.into(), help: None, code: 2 }
    }

    /// Adds what to do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The exit code of the process.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        match &self.help {
            Some(help) => write!(f, "\nhelp: {help}"),
            None => Ok(()),
        }
    }
}
