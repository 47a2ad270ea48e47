//! The index and how it answers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::builder::JobRegistryBuilder;
use crate::diagnostic::{Diagnostics, Sources, closest, quoted};
use crate::job_def::JobDef;

/// All jobs by id.
#[derive(Debug, Clone, Default)]
pub struct JobRegistry {
    pub(super) jobs: BTreeMap<String, Entry>,
    pub(super) problems: Diagnostics,
    pub(super) sources: Sources,
}

/// What stands under one id.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    Job(JobFile),
    Broken { path: Arc<str>, problems: Diagnostics },
    Ambiguous { paths: Vec<Arc<str>>, problems: Diagnostics },
}

/// A job and the file that it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct JobFile {
    /// Relative to the jobs root; none for a job that the host program registered.
    pub path: Option<Arc<str>>,
    /// The job.
    pub job: Arc<JobDef>,
}

/// Why there is no job to be had under an id.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum LookupError {
    /// No file and no host program defines it.
    Unknown {
        /// The id that was asked for.
        job_id: String,
        /// Every id that there is, the closest first.
        available: Vec<String>,
    },
    /// Its file cannot be used.
    Broken {
        /// The id that was asked for.
        job_id: String,
        /// The file.
        path: Arc<str>,
        /// What is wrong with it.
        problems: Diagnostics,
    },
    /// More than one file defines it.
    Ambiguous {
        /// The id that was asked for.
        job_id: String,
        /// The files.
        paths: Vec<Arc<str>>,
        /// The same with places.
        problems: Diagnostics,
    },
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { job_id, available } => {
                write!(f, "Unknown job: {}. Available: [{}]", quoted(job_id), available.join(", "))
            }
            Self::Broken { job_id, path, problems } => {
                let count = problems.len();
                let plural = if count == 1 { "problem" } else { "problems" };
                write!(f, "the file of job {}, {path}, has {count} {plural}", quoted(job_id))
            }
            Self::Ambiguous { job_id, paths, .. } => {
                write!(f, "{} files define the job {}: {}", paths.len(), quoted(job_id), paths.join(", "))
            }
        }
    }
}

impl std::error::Error for LookupError {}

impl LookupError {
    /// What is wrong with the files of the id; nothing where there is no file.
    #[must_use]
    pub fn problems(&self) -> Option<&Diagnostics> {
        match self {
            Self::Unknown { .. } => None,
            Self::Broken { problems, .. } | Self::Ambiguous { problems, .. } => Some(problems),
        }
    }
}

impl JobRegistry {
    /// An empty registry to fill.
    #[must_use]
    pub fn builder() -> JobRegistryBuilder {
        JobRegistryBuilder::default()
    }

    /// The job `job_id`.
    ///
    /// # Errors
    /// When nothing defines it, its file cannot be used, or more than one file defines it.
    pub fn get(&self, job_id: &str) -> Result<&Arc<JobDef>, LookupError> {
        self.file(job_id).map(|file| &file.job)
    }

    /// The job `job_id` and where it came from.
    ///
    /// # Errors
    /// As [`JobRegistry::get`].
    pub fn file(&self, job_id: &str) -> Result<&JobFile, LookupError> {
        let asked = || job_id.to_owned();
        match self.jobs.get(job_id) {
            Some(Entry::Job(file)) => Ok(file),
            Some(Entry::Broken { path, problems }) => Err(LookupError::Broken {
                job_id: asked(),
                path: Arc::clone(path),
                problems: problems.clone(),
            }),
            Some(Entry::Ambiguous { paths, problems }) => Err(LookupError::Ambiguous {
                job_id: asked(),
                paths: paths.clone(),
                problems: problems.clone(),
            }),
            None => Err(LookupError::Unknown { job_id: asked(), available: self.available(job_id) }),
        }
    }

    /// The jobs that can be used, by id.
    pub fn iter(&self) -> impl Iterator<Item = &JobFile> {
        self.jobs.values().filter_map(|entry| match entry {
            Entry::Job(file) => Some(file),
            Entry::Broken { .. } | Entry::Ambiguous { .. } => None,
        })
    }

    /// The ids of the jobs that can be used.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|file| file.job.job_id.as_str())
    }

    /// Everything that is wrong, and every warning, in the order of the files.
    #[must_use]
    pub fn problems(&self) -> &Diagnostics {
        &self.problems
    }

    /// The texts of all files, to render problems with.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    fn available(&self, job_id: &str) -> Vec<String> {
        let close = closest(job_id, self.ids());
        let others = self.ids().filter(|id| !close.contains(id));
        close.iter().copied().chain(others).map(str::to_owned).collect()
    }
}
