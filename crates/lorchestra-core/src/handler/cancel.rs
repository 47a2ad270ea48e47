//! Cancellation without a runtime: a flag, those who wait for it, and hooks that interrupt a backend.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// Told to a running try; cloned freely. Once cancelled it stays so.
#[derive(Clone, Default)]
pub struct Cancel(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    cancelled: bool,
    wakers: Vec<Waker>,
    hooks: Vec<Box<dyn FnOnce() + Send>>,
}

impl Cancel {
    /// Cancels: wakes all who wait and runs every hook, once.
    pub fn cancel(&self) {
        let (wakers, hooks) = {
            let mut state = self.lock();
            state.cancelled = true;
            (std::mem::take(&mut state.wakers), std::mem::take(&mut state.hooks))
        };
        for waker in wakers {
            waker.wake();
        }
        for hook in hooks {
            hook();
        }
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.lock().cancelled
    }

    /// Runs `hook` when it is cancelled; at once when it is already. For backends that are interrupted from outside.
    pub fn on_cancel(&self, hook: impl FnOnce() + Send + 'static) {
        let mut state = self.lock();
        if state.cancelled {
            drop(state);
            hook();
        } else {
            state.hooks.push(Box::new(hook));
        }
    }

    /// Ends when it is cancelled.
    #[must_use]
    pub fn cancelled(&self) -> Cancelled {
        Cancelled(self.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // no user code runs under the lock, so a poisoned state is still whole
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancel").field("cancelled", &self.is_cancelled()).finish()
    }
}

/// The future of `Cancel::cancelled`.
#[derive(Debug)]
pub struct Cancelled(Cancel);

impl Future for Cancelled {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.cancelled {
            return Poll::Ready(());
        }
        if !state.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn hooks_run_once_also_when_added_late() {
        let calls = Arc::new(AtomicU32::new(0));
        let cancel = Cancel::default();
        let counted = Arc::clone(&calls);
        cancel.on_cancel(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        cancel.cancel();
        cancel.cancel();
        let counted = Arc::clone(&calls);
        cancel.on_cancel(move || {
            counted.fetch_add(10, Ordering::SeqCst);
        });
        assert_eq!(calls.load(Ordering::SeqCst), 11);
        assert!(cancel.is_cancelled());
    }
}
