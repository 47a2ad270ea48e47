//! A bounded channel from a thread that may wait to a task that may not.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Items that wait to be taken, before the sender has to wait too.
const CAPACITY: usize = 2;

struct State<T> {
    items: VecDeque<T>,
    sender_gone: bool,
    receiver_gone: bool,
    waker: Option<Waker>,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    room: Condvar,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // no code of others runs under the lock, so a poisoned state is still a whole one
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of the thread.
pub(crate) struct Sender<T>(Arc<Shared<T>>);

/// The end of the task.
pub(crate) struct Receiver<T>(Arc<Shared<T>>);

/// Nobody will take items any more.
#[derive(Debug)]
pub(crate) struct ReceiverGone;

pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let state = State { items: VecDeque::new(), sender_gone: false, receiver_gone: false, waker: None };
    let shared = Arc::new(Shared { state: Mutex::new(state), room: Condvar::new() });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

impl<T> Sender<T> {
    /// Waits for room, and puts `item` there.
    pub(crate) fn send(&self, item: T) -> Result<(), ReceiverGone> {
        let full = |state: &mut State<T>| state.items.len() >= CAPACITY && !state.receiver_gone;
        let waited = self.0.room.wait_while(self.0.lock(), full);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.receiver_gone {
            return Err(ReceiverGone);
        }
        state.items.push_back(item);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// Whether items are wanted at all.
    pub(crate) fn receiver_gone(&self) -> bool {
        self.0.lock().receiver_gone
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.sender_gone = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Receiver<T> {
    /// The next item; none once the sender is gone and everything was taken.
    pub(crate) fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = self.0.lock();
        if let Some(item) = state.items.pop_front() {
            drop(state);
            self.0.room.notify_one();
            return Poll::Ready(Some(item));
        }
        if state.sender_gone {
            return Poll::Ready(None);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.receiver_gone = true;
        let items = std::mem::take(&mut state.items);
        drop(state);
        self.0.room.notify_one();
        drop(items);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll<T>(receiver: &Receiver<T>) -> Poll<Option<T>> {
        receiver.poll_next(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn items_arrive_in_order_and_then_the_end() {
        let (sender, receiver) = channel();
        assert_eq!(poll(&receiver), Poll::Pending);
        sender.send(1).unwrap();
        sender.send(2).unwrap();
        drop(sender);
        assert_eq!(poll(&receiver), Poll::Ready(Some(1)));
        assert_eq!(poll(&receiver), Poll::Ready(Some(2)));
        assert_eq!(poll(&receiver), Poll::Ready(None));
    }

    #[test]
    fn a_full_pipe_lets_its_sender_wait_until_the_receiver_goes() {
        let (sender, receiver) = channel();
        let thread = std::thread::spawn(move || (0..10).find(|item| sender.send(*item).is_err()));
        while poll(&receiver).is_pending() {
            std::thread::yield_now();
        }
        drop(receiver);
        let refused = thread.join().unwrap().unwrap();
        assert!((1..=3).contains(&refused), "{refused}");
    }
}
