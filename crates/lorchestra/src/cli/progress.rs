//! How a run goes, while it goes: a live line a running step on a terminal, plain lines otherwise. It only watches:
//! what it misses is nobody's loss.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use lorchestra_core::run::journal::{Event, JournalEntry};
use lorchestra_engine::Committed;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use super::args::{Global, Output};
use super::{out, table};
use crate::host::Host;

pub(super) struct Progress {
    watcher: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins to watch `run_id`.
    pub(super) fn start(host: &Host, run_id: &str, global: &Global) -> Self {
        if global.quiet {
            return Self { watcher: None };
        }
        let mut committed = host.engine.watch();
        let run_id = run_id.to_owned();
        let mut lines = Lines::new(global);
        let watcher = tokio::spawn(async move {
            loop {
                match committed.recv().await {
                    Ok(Committed { run_id: of, entries }) if of == run_id => {
                        if entries.iter().any(|entry| lines.tell(entry)) {
                            break;
                        }
                    }
                    Ok(_) => {}
                    Err(RecvError::Lagged(missed)) => {
                        out::talk(&format!("… {missed} steps forward were not shown"))
                    }
                    Err(RecvError::Closed) => break,
                }
            }
        });
        Self { watcher: Some(watcher) }
    }

    /// Shows what is left to show, and ends.
    pub(super) async fn finish(self) {
        if let Some(watcher) = self.watcher {
            // the last entry ends it; a run that did not end has none
            let abort = watcher.abort_handle();
            if tokio::time::timeout(Duration::from_millis(50), watcher).await.is_err() {
                abort.abort();
            }
        }
    }
}

struct Lines {
    bars: Option<MultiProgress>,
    running: BTreeMap<String, ProgressBar>,
    ndjson: bool,
    began: BTreeMap<String, lorchestra_core::clock::Timestamp>,
}

impl Lines {
    fn new(global: &Global) -> Self {
        let terminal = out::stderr_is_terminal() && global.output == Output::Text;
        Self {
            bars: terminal.then(MultiProgress::new),
            running: BTreeMap::new(),
            ndjson: global.output == Output::Ndjson,
            began: BTreeMap::new(),
        }
    }

    /// Tells one entry; `true` after the last one.
    fn tell(&mut self, entry: &JournalEntry) -> bool {
        if self.ndjson {
            let at = entry.at;
            out::talk(&format!(
                "{{\"seq\":{},\"at\":\"{at}\",\"entry\":{}}}",
                entry.seq,
                entry.event.encode()
            ));
            return matches!(entry.event, Event::RunFinished(_));
        }
        match &entry.event {
            Event::StepDispatched(dispatched) => {
                self.began.insert(dispatched.step.clone(), entry.at);
                let again =
                    if dispatched.r#try > 1 { format!(" (try {})", dispatched.r#try) } else { String::new() };
                self.begin(&dispatched.step, &again);
            }
            Event::StepSucceeded(succeeded) => {
                let mut words = vec!["completed".to_owned()];
                if succeeded.rows.read > 0 {
                    words.push(format!("{} rows read", table::count(succeeded.rows.read)));
                }
                if succeeded.rows.written > 0 {
                    words.push(format!("{} rows written", table::count(succeeded.rows.written)));
                }
                self.end(&succeeded.step, &words.join(", "), entry);
            }
            Event::StepFailed(failed) => {
                let next = match failed.retry_at {
                    Some(at) => format!("; next try in {}", table::duration(at.millis_since(entry.at))),
                    None => String::new(),
                };
                self.end(&failed.step, &format!("failed: {}{next}", failed.error.message), entry);
            }
            Event::StepSkipped(skipped) => {
                self.line(&format!("{:<24} skipped: {}", skipped.step, skipped.why))
            }
            Event::StepCancelled(cancelled) => {
                self.end(&cancelled.step, &format!("cancelled: {}", cancelled.why), entry)
            }
            Event::StepInterrupted(interrupted) => {
                self.line(&format!("{:<24} interrupted: {}", interrupted.step, interrupted.why));
            }
            Event::RunFinished(_) => return true,
            _ => {}
        }
        false
    }

    fn begin(&mut self, step: &str, again: &str) {
        match &self.bars {
            Some(bars) => {
                let bar = bars.add(ProgressBar::new_spinner());
                if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
                    bar.set_style(style);
                }
                bar.set_message(format!("{step}{again}"));
                bar.enable_steady_tick(Duration::from_millis(100));
                self.running.insert(step.to_owned(), bar);
            }
            None if again.is_empty() => {}
            None => self.line(&format!("{step:<24} begins again{again}")),
        }
    }

    fn end(&mut self, step: &str, words: &str, entry: &JournalEntry) {
        if let Some(bar) = self.running.remove(step) {
            bar.finish_and_clear();
        }
        let took = self
            .began
            .remove(step)
            .map(|began| format!(" in {}", table::duration(entry.at.millis_since(began))));
        self.line(&format!("{step:<24} {words}{}", took.unwrap_or_default()));
    }

    fn line(&self, text: &str) {
        match &self.bars {
            Some(bars) => {
                let _ = bars.println(text);
            }
            None => out::talk(text),
        }
    }
}
