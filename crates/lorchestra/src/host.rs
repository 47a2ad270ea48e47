//! A project brought to life: its stores opened, its catalog filled, its engine built.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use compute_local::LocalComputeEngine;
use futures_util::stream;
use io_sqlite::artifacts::SqliteArtifacts;
use io_sqlite::data_plane::{self, SqliteDataPlane};
use io_sqlite::run_store::{self, SqliteRunStore};
use lorchestra_core::artifact::ArtifactStore;
use lorchestra_core::catalog::Catalog;
use lorchestra_core::handler::{HandlerRegistry, RegistryError};
use lorchestra_core::instance::JobInstance;
use lorchestra_core::run_store::StoreError;
use lorchestra_engine::{Engine, EngineConfig, EngineParts};
use storacle_client::standard_tables;

use crate::project::{Project, Synchronous};
use crate::system::{EnvSecrets, RandomIds, SystemClock};

/// How long a store waits for another process's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Everything a command needs to run jobs.
pub struct Host {
    /// Drives runs.
    pub engine: Engine,
    /// The run store.
    pub store: Arc<SqliteRunStore>,
    /// Its artifacts.
    pub artifacts: Arc<SqliteArtifacts>,
    /// The data plane.
    pub data_plane: Arc<SqliteDataPlane>,
}

/// Why a project cannot be brought to life.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The run store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The data plane.
    #[error(transparent)]
    DataPlane(#[from] data_plane::OpenError),
    /// The artifacts beside the run store.
    #[error(transparent)]
    Artifacts(#[from] lorchestra_core::artifact::ArtifactError),
    /// Two names for one file.
    #[error("run store and data plane are one file ({0}); they never share one")]
    OneFile(String),
    /// A folder cannot be made.
    #[error("{path} cannot be made: {source}")]
    Folder {
        /// Its path.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A handler is registered twice.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A resource cannot be stored.
    #[error("resource '{key}' cannot be stored")]
    Resource {
        /// Its key.
        key: String,
        /// Why.
        source: lorchestra_core::artifact::ArtifactError,
    },
}

/// What compiling the jobs of `project` must know; `custom` are ops of the host's own.
#[must_use]
pub fn catalog(project: &Project, custom: &HandlerRegistry) -> Catalog {
    let mut catalog = Catalog::default();
    for spec in lorchestra_handlers::ops().into_iter().chain(custom.custom_ops().cloned()) {
        catalog.ops.insert(spec.name.clone(), spec);
    }
    catalog.planned_ops = lorchestra_handlers::planned_ops().into_iter().map(str::to_owned).collect();
    use lorchestra_core::op::Backend;
    catalog.backends = [Backend::DataPlane, Backend::Compute, Backend::Orchestration].into();
    for (key, resource) in &project.resources {
        match &resource.problem {
            None => catalog.resources.insert(key.clone(), resource.sha256).is_some(),
            Some(problem) => catalog.broken_resources.insert(key.clone(), problem.clone()).is_some(),
        };
    }
    for table in standard_tables::all().iter().chain(&project.config.schema) {
        let columns = table.columns.iter().map(|column| column.name.clone()).collect();
        catalog.tables.insert(table.table.clone(), columns);
    }
    catalog
}

impl Host {
    /// Opens the stores of `project`, making files and folders that are not there.
    ///
    /// # Errors
    /// When a store cannot be used.
    pub fn open(project: &Project) -> Result<Self, HostError> {
        Self::open_with(project, |_| Ok(()))
    }

    /// The same, with custom ops that `register` adds.
    ///
    /// # Errors
    /// When a store cannot be used, or an op is registered twice.
    pub fn open_with(
        project: &Project,
        register: impl FnOnce(&mut HandlerRegistry) -> Result<(), RegistryError>,
    ) -> Result<Self, HostError> {
        let profile = &project.config.profile;
        let runs_path = project.root.join(&profile.store.sqlite);
        let warehouse_path = project.root.join(&profile.data_plane.sqlite);
        let runs_folder = folder_of(&runs_path)?;
        folder_of(&warehouse_path)?;
        refuse_one_file(&runs_path, &warehouse_path)?;
        let clock = Arc::new(SystemClock);
        let synchronous = match profile.store.synchronous {
            Synchronous::Full => run_store::Synchronous::Full,
            Synchronous::Normal => run_store::Synchronous::Normal,
        };
        let worker = format!("{}-{}", std::process::id(), uuid::Uuid::now_v7().simple());
        let store = Arc::new(SqliteRunStore::open(
            &runs_path,
            run_store::OpenOptions {
                clock: clock.clone(),
                worker_dir: runs_folder.join("workers"),
                synchronous,
                busy_timeout: BUSY_TIMEOUT,
            },
        )?);
        let artifacts = Arc::new(SqliteArtifacts::open(runs_folder.join("artifacts"), &store)?);
        let mut declared = standard_tables::all();
        declared.extend(project.config.schema.iter().cloned());
        let mut options = data_plane::Options::new(clock.clone());
        options.busy_timeout = BUSY_TIMEOUT;
        options.declared = declared;
        let data_plane = Arc::new(SqliteDataPlane::open(&warehouse_path, options)?);
        let compute = Arc::new(LocalComputeEngine::default());
        let mut handlers = lorchestra_handlers::registry(data_plane.clone(), compute)?;
        register(&mut handlers)?;
        let engine = Engine::new(EngineParts {
            store: store.clone(),
            artifacts: artifacts.clone(),
            handlers,
            secrets: Arc::new(EnvSecrets),
            clock,
            ids: Arc::new(RandomIds),
            config: EngineConfig { worker, ..EngineConfig::default() },
        });
        Ok(Self { engine, store, artifacts, data_plane })
    }

    /// Stores the resources that `instance` was compiled with, so that its run never reads them from disk again.
    ///
    /// # Errors
    /// When one cannot be stored.
    pub async fn store_resources(&self, project: &Project, instance: &JobInstance) -> Result<(), HostError> {
        for key in instance.resources.keys() {
            if let Some(resource) = project.resources.get(key) {
                let bytes = Bytes::from(resource.text.clone().into_bytes());
                self.artifacts
                    .put(Box::pin(stream::iter([Ok(bytes)])))
                    .await
                    .map_err(|source| HostError::Resource { key: key.clone(), source })?;
            }
        }
        Ok(())
    }
}

fn folder_of(file: &Path) -> Result<PathBuf, HostError> {
    let folder = file.parent().unwrap_or_else(|| Path::new(".")).to_owned();
    std::fs::create_dir_all(&folder)
        .map_err(|source| HostError::Folder { path: folder.display().to_string(), source })?;
    Ok(folder)
}

/// Run store and data plane never share a transaction, so they never share a file, by whatever names.
fn refuse_one_file(left: &Path, right: &Path) -> Result<(), HostError> {
    use std::os::unix::fs::MetadataExt;
    let same = match (std::fs::metadata(left), std::fs::metadata(right)) {
        (Ok(left), Ok(right)) => left.dev() == right.dev() && left.ino() == right.ino(),
        // not there yet: their folders are
        _ => match (settled(left), settled(right)) {
            (Some(left), Some(right)) => left == right,
            _ => left == right,
        },
    };
    if same { Err(HostError::OneFile(left.display().to_string())) } else { Ok(()) }
}

/// The path of a file that may not exist, in a folder that does, without links and detours.
fn settled(file: &Path) -> Option<PathBuf> {
    Some(file.parent()?.canonicalize().ok()?.join(file.file_name()?))
}
