//! Waits, told to whoever looks after the whole process.
//!
//! Budgets belong to the process and not to a job, so what they make everybody wait for is told in
//! one place too.

use packhorse_core::{Event, Listener};
use std::sync::{Arc, OnceLock};

/// The one of the process.
static LISTENER: OnceLock<Arc<dyn Listener>> = OnceLock::new();

/// Hears of every wait from now on; `false` when somebody does already.
pub fn listen(listener: Arc<dyn Listener>) -> bool {
    LISTENER.set(listener).is_ok()
}

/// Tells of a wait, to the one who asked and to the one of the process.
pub(crate) fn tell(listener: &dyn Listener, event: &Event) {
    listener.on(event);
    if let Some(all) = LISTENER.get() {
        all.on(event);
    }
}
