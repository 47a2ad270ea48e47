//! Why a job does not compile, split by who can mend it.

use std::fmt;

use crate::diagnostic::{Diagnostics, Sources};
use crate::params::ParamProblem;

/// Why a job does not compile.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CompileErrors {
    /// What is wrong with the definition, whatever it is compiled with.
    pub definition: Diagnostics,
    /// What goes wrong in the definition with this context and payload: a path that is not there, a value that an op
    /// does not take.
    pub input: Diagnostics,
    /// Where the payload does not fit the job's `params`.
    pub payload: Vec<ParamProblem>,
}

impl CompileErrors {
    /// Whether the definition is to blame, and not only the context or payload.
    #[must_use]
    pub fn blames_definition(&self) -> bool {
        self.definition.has_errors()
    }

    /// All of it as plain text.
    #[must_use]
    pub fn render(&self, sources: &Sources) -> String {
        let mut text: String = self.payload.iter().map(|problem| format!("{problem}\n")).collect();
        for findings in [&self.definition, &self.input] {
            if !findings.is_empty() {
                text.push_str(if text.is_empty() { "" } else { "\n" });
                text.push_str(&findings.render(sources));
            }
        }
        text
    }
}

impl fmt::Display for CompileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payload = self.payload.iter().map(|problem| problem.message.as_str());
        let others = self.definition.iter().chain(&self.input).map(|finding| finding.message.as_str());
        let messages: Vec<&str> = payload.chain(others).collect();
        write!(f, "the job does not compile: {}", messages.join("; "))
    }
}

impl std::error::Error for CompileErrors {}
