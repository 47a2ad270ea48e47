//! Where a panic happened: the backtrace is taken by the panic hook, because it is gone when the unwinding is caught.

use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// A recorded backtrace is cut to this many characters.
const MAX_TRACE: usize = 8 * 1024;

/// Adds to the process's panic hook, once; the hook that was there goes on to be called.
pub(crate) fn remember_backtraces() {
    HOOK.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let place = info.location().map(|place| format!("at {place}\n")).unwrap_or_default();
            let trace: String =
                format!("{place}{}", Backtrace::force_capture()).chars().take(MAX_TRACE).collect();
            LAST.with(|last| *last.borrow_mut() = Some(trace));
            previous(info);
        }));
    });
}

/// The backtrace of the last panic on this thread.
pub(crate) fn take_backtrace() -> Option<String> {
    LAST.with(|last| last.borrow_mut().take())
}

/// What a caught panic said.
pub(crate) fn message(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".into())
}
