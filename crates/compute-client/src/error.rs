//! What can go wrong in the compute plane. How an error ends a step is decided by the handlers, from these types.

use std::fmt;

/// A mistake in the text of a program or template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1, where it is known.
    pub column: Option<usize>,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column {
            Some(column) => write!(f, "{}:{column}: {}", self.line, self.message),
            None => write!(f, "{}: {}", self.line, self.message),
        }
    }
}

/// Why a call did not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComputeError {
    /// The program does not compile.
    #[error("transform {reference} does not compile: {}", joined(.problems))]
    InvalidProgram {
        /// What the job calls the program.
        reference: String,
        /// Every mistake that was found; at least one.
        problems: Vec<Problem>,
    },
    /// The request contradicts itself.
    #[error("{message}")]
    InvalidRequest {
        /// Which options, and why they do not go together.
        message: String,
    },
    /// The program failed on a row, or, without a row, on the whole list.
    #[error("transform {reference} failed{}: {message}", on_row(*.row))]
    Program {
        /// What the job calls the program.
        reference: String,
        /// Position of the row in the input, from 0.
        row: Option<u64>,
        /// What the program said.
        message: String,
    },
    /// The program or template wrote more than it may.
    #[error("{subject} wrote more than {limit_bytes} bytes{}", on_row(*.row))]
    OutputLimit {
        /// The program or template.
        subject: String,
        /// Position of the row in the input, from 0.
        row: Option<u64>,
        /// How much it may write: per row for `mode: each`, else in total.
        limit_bytes: u64,
    },
    /// `mode: all` over a list that is too long for memory.
    #[error(
        "transform {reference} with mode: all takes at most {limit_rows} rows and {limit_bytes} bytes, and got more"
    )]
    InputLimit {
        /// What the job calls the program.
        reference: String,
        /// How many rows it takes.
        limit_rows: u64,
        /// How many bytes of JSON it takes.
        limit_bytes: u64,
    },
    /// The program took longer over one input than it may.
    #[error("transform {reference} took longer than {limit_ms} ms{}", on_row(*.row))]
    TimeLimit {
        /// What the job calls the program.
        reference: String,
        /// Position of the row in the input, from 0.
        row: Option<u64>,
        /// The limit for one input.
        limit_ms: u64,
    },
    /// The template is not well-formed, or it failed with this context.
    #[error("template {name}:{problem}")]
    Template {
        /// The template's name.
        name: String,
        /// Where, and what.
        problem: Problem,
    },
    /// The template took more steps than it may.
    #[error("template {name} took more than {limit} steps")]
    FuelLimit {
        /// The template's name.
        name: String,
        /// How many it may take.
        limit: u64,
    },
    /// The call's deadline has passed.
    #[error("the deadline of the call has passed")]
    DeadlineExceeded,
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// The stream of input rows failed.
    #[error("the input rows could not be read")]
    Input {
        /// Whether reading them again can help.
        retryable: bool,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The host could not start the work, or the interpreter broke.
    #[error("{message}")]
    Internal {
        /// What broke.
        message: String,
        /// Whether a later try can help.
        retryable: bool,
    },
}

impl ComputeError {
    /// Whether the same call can succeed later.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            Self::TimeLimit { .. } | Self::DeadlineExceeded => true,
            Self::Input { retryable, .. } | Self::Internal { retryable, .. } => *retryable,
            Self::InvalidProgram { .. }
            | Self::InvalidRequest { .. }
            | Self::Program { .. }
            | Self::OutputLimit { .. }
            | Self::InputLimit { .. }
            | Self::Template { .. }
            | Self::FuelLimit { .. }
            | Self::Cancelled => false,
        }
    }
}

fn joined(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; ")
}

fn on_row(row: Option<u64>) -> String {
    row.map_or_else(String::new, |row| format!(" on row {row}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_program_the_row_and_the_place() {
        let reference = || "github/activity@1.0.0".to_owned();
        let problem = |line, column, message: &str| Problem { line, column, message: message.into() };
        for (error, expected) in [
            (
                ComputeError::Program { reference: reference(), row: Some(3), message: "no".into() },
                "transform github/activity@1.0.0 failed on row 3: no",
            ),
            (
                ComputeError::InvalidProgram {
                    reference: reference(),
                    problems: vec![problem(1, Some(4), "a"), problem(2, None, "b")],
                },
                "transform github/activity@1.0.0 does not compile: 1:4: a; 2: b",
            ),
            (
                ComputeError::Template { name: "report.md".into(), problem: problem(7, None, "undefined") },
                "template report.md:7: undefined",
            ),
            (
                ComputeError::TimeLimit { reference: reference(), row: None, limit_ms: 5 },
                "transform github/activity@1.0.0 took longer than 5 ms",
            ),
        ] {
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn only_time_and_failing_sources_are_worth_a_retry() {
        let input = |retryable| ComputeError::Input { retryable, source: "gone".into() };
        assert!(input(true).retryable());
        assert!(!input(false).retryable());
        assert!(ComputeError::DeadlineExceeded.retryable());
        assert!(!ComputeError::Cancelled.retryable());
    }
}
