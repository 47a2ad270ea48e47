//! Benches of the stores.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use io_sqlite::artifacts::SqliteArtifacts;
use io_sqlite::run_store::{OpenOptions, SqliteRunStore};
use lorchestra_core::artifact::ArtifactError;
use lorchestra_core::run_store::{RunStore, StoreError};
use store_contract::Bench;
use tempfile::TempDir;
use testkit::{FixedClock, MemoryRunStore};

/// The store in memory; all processes are this one.
pub(crate) struct MemoryBench {
    clock: FixedClock,
    store: Arc<MemoryRunStore>,
}

impl Default for MemoryBench {
    fn default() -> Self {
        let clock = FixedClock::default();
        Self { store: Arc::new(MemoryRunStore::new(Arc::new(clock.clone()))), clock }
    }
}

impl Bench for MemoryBench {
    fn store(&self) -> Arc<dyn RunStore> {
        self.store.clone()
    }

    fn process_of(&mut self, _worker: &str) -> Arc<dyn RunStore> {
        self.store.clone()
    }

    fn worker_dies(&mut self, worker: &str) {
        self.store.worker_dies(worker);
    }

    fn clock(&self) -> &FixedClock {
        &self.clock
    }
}

/// One file, opened once for each process.
pub(crate) struct SqliteBench {
    clock: FixedClock,
    store: Arc<SqliteRunStore>,
    processes: HashMap<String, Arc<SqliteRunStore>>,
    dir: TempDir,
}

impl SqliteBench {
    pub(crate) fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let (clock, dir) = (FixedClock::default(), tempfile::tempdir()?);
        let store = Arc::new(open(&dir, &clock)?);
        Ok(Self { clock, store, processes: HashMap::new(), dir })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("runs.db")
    }

    /// Closes every connection and opens the file again, as after the end of all processes.
    pub(crate) fn reopen(self) -> Result<Self, StoreError> {
        let Self { clock, store, processes, dir } = self;
        drop((store, processes));
        let store = Arc::new(open(&dir, &clock)?);
        Ok(Self { clock, store, processes: HashMap::new(), dir })
    }

    pub(crate) fn artifacts(&self) -> Result<SqliteArtifacts, ArtifactError> {
        SqliteArtifacts::beside(&self.store)
    }

    pub(crate) fn sqlite(&self) -> &Arc<SqliteRunStore> {
        &self.store
    }
}

fn open(dir: &TempDir, clock: &FixedClock) -> Result<SqliteRunStore, StoreError> {
    let options = OpenOptions::new(Arc::new(clock.clone()), dir.path().join("workers"));
    SqliteRunStore::open(dir.path().join("runs.db"), options)
}

impl Bench for SqliteBench {
    fn store(&self) -> Arc<dyn RunStore> {
        self.store.clone()
    }

    fn process_of(&mut self, worker: &str) -> Arc<dyn RunStore> {
        let (dir, clock) = (&self.dir, &self.clock);
        let opened = self.processes.entry(worker.to_owned());
        opened.or_insert_with(|| Arc::new(open(dir, clock).expect("the file is open already"))).clone()
    }

    fn worker_dies(&mut self, worker: &str) {
        let process = self.processes.remove(worker).expect("it lives");
        assert_eq!(Arc::strong_count(&process), 1, "the process of {worker} is in use");
    }

    fn clock(&self) -> &FixedClock {
        &self.clock
    }
}
