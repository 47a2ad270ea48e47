//! A project on disk: `lorchestra.yaml`, jobs, transforms and templates, read once. Compiling it is core's work.

mod config;
mod files;
mod resources;

use std::path::{Path, PathBuf};

use lorchestra_core::diagnostic::{Diagnostics, Source, Sources};
use lorchestra_core::job_registry::JobRegistry;

pub use config::{CONFIG_FILE, Config, LoadDeclaration, Profile, Synchronous};
pub use resources::{Resource, Resources};

/// A project, read.
#[derive(Debug)]
pub struct Project {
    /// The folder that holds `lorchestra.yaml`.
    pub root: PathBuf,
    /// Its settings.
    pub config: Config,
    /// Its jobs; a file that is wrong blocks only itself.
    pub jobs: JobRegistry,
    /// Its transforms and templates.
    pub resources: Resources,
}

/// Why a project cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// There is none.
    #[error("no {CONFIG_FILE} in {0} or above")]
    NotFound(String),
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The settings are wrong.
    #[error("{CONFIG_FILE} is not valid")]
    Invalid {
        /// Everything that is wrong.
        diagnostics: Diagnostics,
        /// The texts they speak of.
        sources: Sources,
    },
}

impl Project {
    /// Reads the project that `start` lies in: the nearest folder upward with a `lorchestra.yaml`.
    ///
    /// # Errors
    /// When there is none, it cannot be read, or its settings are wrong. A wrong job is not an error here.
    pub fn find(start: &Path, profile: Option<&str>) -> Result<Self, ProjectError> {
        let root = start
            .ancestors()
            .find(|folder| folder.join(CONFIG_FILE).is_file())
            .ok_or_else(|| ProjectError::NotFound(start.display().to_string()))?;
        Self::open(root, profile)
    }

    /// Reads the project in `root`.
    ///
    /// # Errors
    /// As `find`.
    pub fn open(root: &Path, profile: Option<&str>) -> Result<Self, ProjectError> {
        let mut sources = Sources::default();
        let text = files::read(&root.join(CONFIG_FILE))?;
        let source = Source::new(CONFIG_FILE, &text);
        sources.add(&source);
        let config = config::parse(&source, profile)
            .map_err(|diagnostics| ProjectError::Invalid { diagnostics, sources: sources.clone() })?;
        let jobs_root = root.join(&config.jobs);
        let mut builder = JobRegistry::builder().shown_below(&config.jobs);
        for (path, text) in files::texts(&jobs_root, &["yaml", "yml", "json"])? {
            builder = builder.file(&path, &text, &mut |config| {
                std::fs::read_to_string(jobs_root.join(config)).map_err(|error| error.to_string())
            });
        }
        let resources = resources::read(root)?;
        Ok(Self { root: root.to_owned(), config, jobs: builder.build(), resources })
    }
}
