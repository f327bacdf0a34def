//! How far a transfer is, as the servers tell it.

pub use packhorse_core::TransferPhase as Phase;

use std::{fmt, sync::Arc};

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What the servers are at.
    pub phase: Phase,
    /// Objects that are done with in this phase, where that is told.
    pub done: Option<u64>,
    /// Objects of this phase in all, where that is told.
    pub all: Option<u64>,
    /// Bytes of the pack that have flowed.
    pub bytes: u64,
}

/// Hears how far a transfer is, a few times a second at most where servers keep to Git's ways.
#[derive(Clone, Default)]
pub struct Listener(Option<Arc<dyn Fn(Progress) + Send + Sync>>);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Listener" } else { "Nobody" })
    }
}

impl Listener {
    /// Calls `hear`, which must not take long: the pack waits.
    pub fn new(hear: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hear)))
    }

    /// Whether anybody listens.
    pub(crate) fn is_there(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn tell(&self, progress: Progress) {
        self.0.iter().for_each(|hear| hear(progress));
    }

    /// Passes on what a server remarks, if it is about its progress.
    pub(crate) fn tell_remark(&self, remark: &[u8]) {
        if self.is_there() {
            let remark = String::from_utf8_lossy(remark);
            // Git writes over its line: the last state is what counts.
            let last = remark.split(['\r', '\n']).rfind(|it| !it.trim().is_empty());
            last.and_then(read).into_iter().for_each(|it| self.tell(it));
        }
    }
}

/// Reads `Counting objects:  12% (3/25)` and its like. Source: git's progress.c.
fn read(line: &str) -> Option<Progress> {
    let (title, counts) = line.split_once(": ")?;
    let phase = match title.trim_start_matches("remote: ") {
        "Enumerating objects" | "Counting objects" | "Compressing objects" => Phase::Counting,
        "Receiving objects" | "Writing objects" => Phase::Transferring,
        "Resolving deltas"
        | "Unpacking objects"
        | "Checking connectivity"
        | "Updating references" => Phase::Resolving,
        _ => return None,
    };
    let bracket = counts.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let (done, all) = match bracket.and_then(|(counts, _)| counts.split_once('/')) {
        Some((done, all)) => (done.parse().ok(), all.parse().ok()),
        None => (counts.split([',', ' ']).find(|it| !it.is_empty())?.parse().ok(), None),
    };
    Some(Progress { phase, done, all, bytes: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Mutex;

    #[track_caller]
    fn check(remark: &str, phase: Phase, done: Option<u64>, all: Option<u64>) {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        let listener = Listener::new(move |it| ear.lock().unwrap().push(it));

        listener.tell_remark(remark.as_bytes());

        assert_eq!(*heard.lock().unwrap(), [Progress { phase, done, all, bytes: 0 }], "{remark}");
    }

    #[test]
    fn what_git_remarks_is_read() {
        let counting = Phase::Counting;
        check("Enumerating objects: 12, done.\n", counting, Some(12), None);
        check(
            "Counting objects:   4% (1/25)\rCounting objects:   8% (2/25)\r",
            counting,
            Some(2),
            Some(25),
        );
        check("Resolving deltas: 100% (3/3), done.\n", Phase::Resolving, Some(3), Some(3));
    }

    proptest! {
        #[test]
        fn no_remark_makes_it_panic(remark in "(Counting objects: )?[ -~\\r\\n]{0,40}") {
            Listener::new(|_| ()).tell_remark(remark.as_bytes());
        }
    }
}
