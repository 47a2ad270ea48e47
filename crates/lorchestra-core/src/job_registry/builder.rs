//! Fills the index: files come as text, their config files are put in, then ids are compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::lookup::{Entry, JobFile, JobRegistry};
use crate::diagnostic::{Diagnostic, Diagnostics, Source, Sources, Span, codes, quoted};
use crate::job_def::{JobDef, config_file_of};
use crate::yaml;

/// Paths with this in them are no jobs any more.
const DEPRECATED: &str = "_deprecated";
/// Endings of files that can be jobs.
const ENDINGS: [&str; 3] = [".yaml", ".yml", ".json"];

/// A registry that is being filled.
#[derive(Debug, Default)]
pub struct JobRegistryBuilder {
    registered: BTreeMap<String, Arc<JobDef>>,
    files: Vec<File>,
    /// Files that are the config of a job: they are no jobs, wherever they stand.
    configs: BTreeSet<String>,
    sources: Sources,
    /// What stands before a path in messages: the jobs root as the reader knows it, with a slash.
    shown_below: String,
}

#[derive(Debug)]
struct File {
    path: Arc<str>,
    stem: String,
    place: Source,
    job: Result<JobDef, Diagnostics>,
}

/// A host program registered one id twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredTwice {
    /// The id.
    pub job_id: String,
}

impl fmt::Display for RegisteredTwice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the job {} is registered twice", quoted(&self.job_id))
    }
}

impl std::error::Error for RegisteredTwice {}

impl JobRegistryBuilder {
    /// Names files in messages as they lie below `folder`, where the reader looks for them.
    #[must_use]
    pub fn shown_below(mut self, folder: &str) -> Self {
        self.shown_below = format!("{}/", folder.trim_end_matches('/'));
        self
    }

    /// Adds a job of the host program.
    ///
    /// # Errors
    /// When a job of this id was registered before.
    pub fn job(mut self, job: JobDef) -> Result<Self, RegisteredTwice> {
        let job_id = job.job_id.value.clone();
        self.sources.add(&job.source);
        match self.registered.insert(job_id.clone(), Arc::new(job)) {
            None => Ok(self),
            Some(_) => Err(RegisteredTwice { job_id }),
        }
    }

    /// Adds the file at `path`, relative to the jobs root and with `/` between folders.
    ///
    /// `read_config` gives the text of a config file, by its path relative to the jobs root, or says why it cannot.
    /// A path that holds `_deprecated`, and one that does not end in `.yaml`, `.yml` or `.json`, is left out.
    #[must_use]
    pub fn file(
        mut self,
        path: &str,
        text: &str,
        read_config: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Self {
        let Some(stem) = stem_of(path) else { return self };
        let source = Source::new(format!("{}{path}", self.shown_below), text);
        self.sources.add(&source);
        let mut diagnostics = Diagnostics::default();
        let job = match yaml::parse(&source, &mut diagnostics) {
            None => Err(diagnostics),
            Some(document) => {
                self.configs.extend(config_file_of(&document).map(|file| file.value.to_owned()));
                JobDef::from_document(&source, document, Some(stem), diagnostics)
                    .and_then(|job| self.put_config(job, read_config))
            }
        };
        self.files.push(File { path: path.into(), stem: stem.to_owned(), place: source, job });
        self
    }

    fn put_config(
        &mut self,
        job: JobDef,
        read_config: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<JobDef, Diagnostics> {
        let Some(config) = job.config_file() else { return Ok(job) };
        let mut diagnostics = Diagnostics::default();
        match read_config(config.value) {
            Ok(text) => {
                let source = Source::new(format!("{}{}", self.shown_below, config.value), &text);
                self.sources.add(&source);
                let content = yaml::parse(&source, &mut diagnostics).filter(|_| !diagnostics.has_errors());
                content.map(|content| job.with_config(content)).ok_or(diagnostics)
            }
            Err(why) => {
                let message = format!("the config file {} cannot be read: {why}", quoted(config.value));
                diagnostics.push(Diagnostic::error(codes::CONFIG_FILE, message).at(&job.source, config.span));
                Err(diagnostics)
            }
        }
    }

    /// The registry. Problems of files are in it, and block the ids of those files.
    #[must_use]
    pub fn build(self) -> JobRegistry {
        let Self { registered, mut files, configs, sources, shown_below: _ } = self;
        // a config file may stand among the jobs; alone it would look like a job that lacks everything
        files.retain(|file| file.job.is_ok() || !configs.contains(file.path.as_ref()));
        files.sort_by(|left, right| left.path.cmp(&right.path));
        let mut by_id: BTreeMap<String, Vec<File>> = BTreeMap::new();
        let mut problems = Diagnostics::default();
        for file in files {
            let found = match &file.job {
                Ok(job) => &job.warnings,
                Err(found) => found,
            };
            problems.append(found.clone());
            by_id.entry(file.stem.clone()).or_default().push(file);
        }
        let mut jobs: BTreeMap<String, Entry> = BTreeMap::new();
        for (job_id, job) in registered {
            let same = by_id.remove(&job_id).unwrap_or_default();
            let entry = match same.first() {
                None => Entry::Job(JobFile { path: None, job }),
                Some(first) => {
                    let message = format!("the job {} is registered by the program too", quoted(&job_id));
                    let diagnostic =
                        Diagnostic::error(codes::DUPLICATE_JOB_ID, message).at(&first.place, id_span(first));
                    problems.push(diagnostic.clone());
                    let paths = std::iter::once(Arc::clone(job.source.name()));
                    let paths = paths.chain(same.iter().map(|file| Arc::clone(&file.path))).collect();
                    Entry::Ambiguous { paths, problems: [diagnostic].into_iter().collect() }
                }
            };
            jobs.insert(job_id, entry);
        }
        for (job_id, files) in by_id {
            let mut files = files.into_iter();
            if let Some(first) = files.next() {
                let entry = entry_of(&job_id, first, files.collect(), &mut problems);
                jobs.insert(job_id, entry);
            }
        }
        JobRegistry { jobs, problems, sources }
    }
}

/// What stands under the id of `first` and `others`, the files of one stem.
fn entry_of(job_id: &str, first: File, others: Vec<File>, problems: &mut Diagnostics) -> Entry {
    if others.is_empty() {
        return match first.job {
            Ok(job) => Entry::Job(JobFile { path: Some(first.path), job: Arc::new(job) }),
            Err(problems) => Entry::Broken { path: first.path, problems },
        };
    }
    let message = format!("{} files define the job {}", others.len() + 1, quoted(job_id));
    let diagnostic = Diagnostic::error(codes::DUPLICATE_JOB_ID, message).at(&first.place, id_span(&first));
    let diagnostic = others.iter().fold(diagnostic, |diagnostic, file| {
        diagnostic.label(&file.place, id_span(file), "defined here too")
    });
    problems.push(diagnostic.clone());
    let paths = std::iter::once(first.path).chain(others.into_iter().map(|file| file.path)).collect();
    Entry::Ambiguous { paths, problems: [diagnostic].into_iter().collect() }
}

fn id_span(file: &File) -> Span {
    file.job.as_ref().map_or(Span::START, |job| job.job_id.span)
}

/// The file's name without folder and ending; `None` when the path is not one of a job.
fn stem_of(path: &str) -> Option<&str> {
    if path.contains(DEPRECATED) {
        return None;
    }
    let name = path.rsplit('/').next()?;
    ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).filter(|stem| !stem.is_empty())
}
