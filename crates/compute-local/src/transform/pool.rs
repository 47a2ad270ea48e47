//! The threads of one transform. They end when the pool is dropped and what they have begun is done.

use std::io;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Programs recurse: deep values and deep calls need more than a thread's usual stack. Only what is used is committed.
const STACK_BYTES: usize = 64 << 20;

pub(super) struct Pool<T>(mpsc::Sender<T>);

impl<T: Send + 'static> Pool<T> {
    pub(super) fn start(workers: usize, work: impl Fn(T) + Send + Sync + 'static) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel::<T>();
        let receiver = Arc::new(Mutex::new(receiver));
        let work = Arc::new(work);
        for _ in 0..workers {
            let (receiver, work) = (Arc::clone(&receiver), Arc::clone(&work));
            let next = move || receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
            spawn(move || {
                while let Ok(task) = next() {
                    work(task);
                }
            })?;
        }
        Ok(Self(sender))
    }

    /// Hands a task to the next free worker. If none is left, the task is dropped, which whoever waits for it notices.
    pub(super) fn submit(&self, task: T) {
        drop(self.0.send(task));
    }
}

/// Runs `work` on a thread of its own with a large stack.
pub(crate) fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("compute-local".into()).stack_size(STACK_BYTES).spawn(work).map(drop)
}
