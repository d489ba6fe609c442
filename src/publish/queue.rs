//! The bounded queue in front of a sink.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What happens to a sink that is slower than the messages come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The sink loses its oldest messages and gets their number in `lagged`: for everything live.
    DropOldest {
        /// Messages that may wait; at least 1.
        capacity: usize,
    },
    /// Publishing waits for the sink: only where the source can wait too.
    Lossless {
        /// Messages that may wait; at least 1.
        capacity: usize,
    },
}

/// A queue with one reader and any number of writers.
pub struct Queue<T> {
    delivery: Delivery,
    state: Mutex<State<T>>,
    filled: Condvar,
    emptied: Condvar,
}

struct State<T> {
    items: VecDeque<T>,
    /// Since the last `take`.
    dropped: u64,
    /// Nothing more will be pushed.
    finishing: bool,
    /// Nobody takes any more.
    closed: bool,
}

impl<T> Queue<T> {
    pub fn new(delivery: Delivery) -> Self {
        Self {
            delivery,
            state: Mutex::new(State {
                items: VecDeque::new(),
                dropped: 0,
                finishing: false,
                closed: false,
            }),
            filled: Condvar::new(),
            emptied: Condvar::new(),
        }
    }

    /// Whether [`push`](Self::push) waits for the reader.
    pub fn is_lossless(&self) -> bool {
        matches!(self.delivery, Delivery::Lossless { .. })
    }

    pub fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// Adds an item; when full, drops the oldest or waits. After [`close`](Self::close) the item is dropped.
    pub fn push(&self, item: T) {
        let mut state = self.lock();
        match self.delivery {
            Delivery::DropOldest { capacity } => {
                while state.items.len() >= capacity.max(1) {
                    state.items.pop_front();
                    state.dropped += 1;
                }
            }
            Delivery::Lossless { capacity } => {
                while state.items.len() >= capacity.max(1) && !state.closed {
                    state = wait(&self.emptied, state);
                }
            }
        }
        if !state.closed {
            state.items.push_back(item);
            self.filled.notify_one();
        }
    }

    /// Waits for items, `patience` at most, and appends up to `most` of them to `into`. Returns how many were dropped
    /// before them; `None` when the queue is finished and empty.
    pub fn take(&self, into: &mut Vec<T>, most: usize, patience: Duration) -> Option<u64> {
        let idle = |state: &mut State<T>| state.items.is_empty() && !state.finishing;
        let waited = self.filled.wait_timeout_while(self.lock(), patience, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.items.is_empty() && state.finishing {
            return None;
        }
        let count = state.items.len().min(most);
        into.extend(state.items.drain(..count));
        self.emptied.notify_all();
        Some(std::mem::take(&mut state.dropped))
    }

    /// Lets the reader take what is left, and no more.
    pub fn finish(&self) {
        self.lock().finishing = true;
        self.filled.notify_one();
    }

    /// Drops everything and lets all writers go on: the reader is gone.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.items.clear();
        self.emptied.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wait<'a, T>(condition: &Condvar, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
    condition
        .wait(state)
        .unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn taken(queue: &Queue<u32>, most: usize) -> Option<(Vec<u32>, u64)> {
        let mut items = Vec::new();
        let dropped = queue.take(&mut items, most, PATIENCE)?;
        Some((items, dropped))
    }

    #[test]
    fn a_full_queue_drops_its_oldest_and_counts_them() {
        let queue = Queue::new(Delivery::DropOldest { capacity: 3 });
        (0..5).for_each(|n| queue.push(n));
        assert_eq!(queue.len(), 3);
        assert_eq!(taken(&queue, 2), Some((vec![2, 3], 2)));
        assert_eq!(taken(&queue, 2), Some((vec![4], 0)));
        queue.finish();
        assert_eq!(taken(&queue, 2), None);
    }

    #[test]
    fn a_lossless_queue_waits_for_its_reader() {
        let queue = Arc::new(Queue::new(Delivery::Lossless { capacity: 1 }));
        let writer = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                (0..100).for_each(|n| queue.push(n));
                queue.finish();
            }
        });
        let mut all = Vec::new();
        while let Some(dropped) = queue.take(&mut all, 8, PATIENCE) {
            assert_eq!(dropped, 0);
        }
        writer.join().unwrap();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_closed_queue_holds_nobody_up() {
        let queue = Arc::new(Queue::new(Delivery::Lossless { capacity: 1 }));
        queue.push(0);
        let writer = thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.push(1)
        });
        thread::sleep(Duration::from_millis(20));
        queue.close();
        writer.join().unwrap();
        queue.push(2);
        assert_eq!(queue.len(), 0);
    }
}
