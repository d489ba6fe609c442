//! A thread on which a sink does its slow work: it is restarted after a panic, and its end is noticed.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;

use crate::restarts::Restarts;

/// The thread.
pub struct RestartedThread {
    name: &'static str,
    thread: Option<JoinHandle<()>>,
}

impl RestartedThread {
    /// Runs `work` on a thread, and once more after each panic until there were too many of them.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn start(name: &'static str, mut work: impl FnMut() + Send + 'static) -> io::Result<Self> {
        let run = move || {
            let mut restarts = Restarts::default();
            while catch_unwind(AssertUnwindSafe(&mut work)).is_err() {
                let Some(wait) = restarts.next_wait() else {
                    tracing::error!("the thread \"{name}\" panicked again and again; it has ended");
                    return;
                };
                tracing::error!("the thread \"{name}\" panicked; it is restarted");
                std::thread::sleep(wait);
            }
        };
        let thread = std::thread::Builder::new().name(name.into()).spawn(run)?;
        Ok(Self {
            name,
            thread: Some(thread),
        })
    }

    /// Checks that the thread works.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn check(&self) -> io::Result<()> {
        match self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            true => Err(io::Error::other(format!(
                "its thread \"{}\" panicked again and again; see the log above",
                self.name
            ))),
            false => Ok(()),
        }
    }

    /// Waits for the end of the work.
    pub fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // Its panics were logged.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use crossbeam_channel::unbounded;

    use super::*;

    #[test]
    fn work_that_panics_is_done_again_and_its_end_is_an_error() {
        let (begun, begins) = unbounded();
        let (go_on, goes_on) = unbounded();
        let mut thread = RestartedThread::start("test", move || {
            begun.send(()).unwrap();
            let is_fine: bool = goes_on.recv().unwrap();
            assert!(is_fine, "injected");
        })
        .unwrap();
        let patience = Duration::from_secs(30);
        for is_fine in [false, false, true] {
            begins.recv_timeout(patience).unwrap();
            assert!(thread.check().is_ok());
            go_on.send(is_fine).unwrap();
        }
        let deadline = Instant::now() + patience;
        while thread.check().is_ok() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let error = thread.check().unwrap_err().to_string();
        assert!(error.contains("its thread \"test\" panicked"), "{error}");
        thread.join();
    }
}
