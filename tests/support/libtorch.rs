//! libtorch's random generator and its number of threads belong to the process: a test that
//! depends on either has them for itself.

use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError};

static PROCESS: Mutex<()> = Mutex::new(());

thread_local! {
    static HELD: Cell<bool> = const { Cell::new(false) };
}

/// Generator and threads, for one test until it is dropped.
pub struct Exclusive(Option<MutexGuard<'static, ()>>);

/// Waits for other tests to be done with them. Within a thread, calls may nest.
pub fn exclusive() -> Exclusive {
    if HELD.replace(true) {
        return Exclusive(None);
    }
    Exclusive(Some(PROCESS.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// [`exclusive`], with the generator at the beginning of a sequence.
pub fn seeded(seed: i64) -> Exclusive {
    let exclusive = exclusive();
    tch::manual_seed(seed);
    exclusive
}

impl Drop for Exclusive {
    fn drop(&mut self) {
        if self.0.is_some() {
            HELD.set(false);
        }
    }
}
