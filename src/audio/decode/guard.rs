//! Contains panics of the libraries that decode: they end a file, not the program.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use super::failure::Failure;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    /// Where the last guarded panic began.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Calls `decode`. A panic inside becomes an error with its message and place, and is logged
/// instead of being printed.
pub(super) fn guarded<T>(decode: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    install_hook();
    let outer = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(decode));
    GUARDED.set(outer);
    result.unwrap_or_else(|panic| Err(Failure::Panicked(message(panic.as_ref()))))
}

/// The hook of a panic on a guarded thread logs; any other panic goes to the hook before.
fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if GUARDED.get() {
                let place = panic.location().map(ToString::to_string);
                PLACE.set(place.unwrap_or_default());
                tracing::debug!("a decoder panicked: {panic}");
            } else {
                before(panic);
            }
        }));
    });
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("no reason given").replace('\n', " ");
    // The last folders of a long path.
    let place = PLACE.take();
    let parts: Vec<&str> = place.rsplitn(4, '/').collect();
    let place: Vec<&str> = parts.into_iter().take(3).rev().collect();
    format!("{text}, {}", place.join("/"))
}
