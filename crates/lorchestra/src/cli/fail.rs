//! How a command fails: what is told, and with which exit code. Decided in this one file.

use lorchestra_core::diagnostic::{Diagnostics, Sources};
use lorchestra_core::params::ParamProblem;
use lorchestra_core::run_store::StoreError;
use lorchestra_engine::EngineError;
use storacle_client::StoracleError;

use super::out;
use crate::exit;
use crate::host::HostError;
use crate::project::ProjectError;

/// A command that did not do what was asked.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: u8,
    /// What, where, why; diagnostics are printed as they are.
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// Whether `message` is rendered diagnostics already.
    pub(super) rendered: bool,
}

impl Failure {
    pub(super) fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None, rendered: false }
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(exit::USAGE, message)
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn diagnostics(diagnostics: &Diagnostics, sources: &Sources) -> Self {
        Self { rendered: true, ..Self::new(exit::DEFINITION, diagnostics.render(sources)) }
    }

    pub(super) fn payload(problems: &[ParamProblem]) -> Self {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Self::usage(format!("the payload does not fit the job:\n  {}", lines.join("\n  ")))
    }

    /// Prints it; gives the exit code.
    pub(super) fn tell(&self) -> u8 {
        if self.rendered {
            out::talk(self.message.trim_end());
        } else {
            out::talk(&format!("error: {}", self.message));
        }
        if let Some(help) = &self.help {
            out::talk(&format!("help: {help}"));
        }
        self.code
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let more = source.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = source.source();
    }
    text
}

impl From<ProjectError> for Failure {
    fn from(error: ProjectError) -> Self {
        match &error {
            ProjectError::Invalid { diagnostics, sources } => {
                Self { code: exit::STORE, ..Self::diagnostics(diagnostics, sources) }
            }
            ProjectError::NotFound(_) => Self::new(exit::STORE, error.to_string())
                .help("`lorchestra init` makes a project in this folder"),
            _ => Self::new(exit::STORE, chain(&error)),
        }
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Store(error) => error.into(),
            HostError::DataPlane(error) => Self::new(exit::STORE, chain(&error)),
            HostError::OneFile(_) => Self::new(exit::STORE, error.to_string())
                .help("give the profile's store and data_plane two files in lorchestra.yaml"),
            other => Self::new(exit::STORE, chain(&other)),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound(_) => {
                Self::usage(error.to_string()).help("`lorchestra runs list` shows the runs there are")
            }
            StoreError::KeyConflict { .. } => {
                Self::usage(error.to_string()).help("use another key for another request")
            }
            _ => Self::new(exit::STORE, chain(&error)),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            EngineError::Held { .. } => Self::new(exit::WAITING, error.to_string())
                .help("it goes on there; `lorchestra runs show` shows how far it is"),
            other => Self::new(exit::STORE, chain(&other)),
        }
    }
}

impl From<StoracleError> for Failure {
    fn from(error: StoracleError) -> Self {
        let code = match &error {
            StoracleError::InvalidQuery { .. } | StoracleError::NotFound { .. } => exit::USAGE,
            StoracleError::SchemaMismatch { .. } | StoracleError::Conflict { .. } => exit::RUN_FAILED,
            _ => exit::STORE,
        };
        Self::new(code, chain(&error))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(exit::STORE, error.to_string())
    }
}
