//! The journal's side of large files: each is noted when its fate is known.

use super::{Carrier, lane::progress, large_files::KIND, shelf::object};
use crate::EngineError;
use packhorse_core::{
    Fingerprint, Lane, Loss, Scope, Settle, TargetId,
    port::{Begun, Counts, Entry, Failure, Outcome, Settled},
};
use packhorse_git::lfs::{LfsEvent, LostAt, LostFile, Pointer};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedReceiver;

/// Files that are noted together.
const AT_ONCE: usize = 100;

/// Events that are taken together: most tell of bytes alone.
const EVENTS: usize = 1_000;

/// Lost files that are named for the next run.
const MAX_NAMED: usize = 1_000;

/// Files that a run has lost, for the next one to look for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Lost {
    /// Hash and size.
    files: Vec<(String, u64)>,
    /// How many there were.
    n: u64,
}

impl Lost {
    /// Whether all of them are named.
    pub(super) fn is_named(&self) -> bool {
        self.n == self.files.len() as u64
    }

    pub(super) fn pointers(self) -> Vec<Pointer> {
        self.files.iter().filter_map(|(sha256, size)| Pointer::new(sha256, *size)).collect()
    }
}

/// Notes large files of one project.
pub(super) struct Ledger {
    lane: Lane,
    target: Scope,
    /// Whether the destination keeps them as records, which have to be made durable.
    is_lane: bool,
    counts: Counts,
    lost: Lost,
}

/// What became of a file.
enum Fate {
    Moved,
    Present,
    Lost(LostAt, String),
}

impl Ledger {
    pub(super) fn new(lane: Lane, target: Scope, is_lane: bool) -> Self {
        Self { lane, target, is_lane, counts: Counts::default(), lost: Lost::default() }
    }

    /// How many files the source says there are.
    pub(super) fn expect(&mut self, count: Option<u64>) {
        self.counts.source = count;
    }

    pub(super) fn lane(&self) -> &Lane {
        &self.lane
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(super) fn lost(&self) -> &Lost {
        &self.lost
    }

    /// Name of the document that says what was lost.
    pub(super) fn document(&self) -> String {
        format!("large_files/{}", self.lane.scope.key())
    }

    /// Notes what it hears until nobody says anything more.
    pub(super) async fn keep(
        mut self,
        carrier: &Carrier<'_>,
        mut events: UnboundedReceiver<LfsEvent>,
    ) -> Result<Self, EngineError> {
        let mut heard = Vec::with_capacity(EVENTS);
        while events.recv_many(&mut heard, EVENTS).await > 0 {
            let mut bytes = 0;
            let mut files = Vec::new();
            for event in heard.drain(..) {
                match event {
                    LfsEvent::Bytes(n) => bytes += n,
                    LfsEvent::Moved(file) => files.push((file, Fate::Moved)),
                    LfsEvent::Present(file) => files.push((file, Fate::Present)),
                    LfsEvent::Lost(LostFile { pointer, at, reason }) => {
                        files.push((pointer, Fate::Lost(at, reason)));
                    }
                }
            }
            for files in files.chunks(AT_ONCE) {
                self.note(carrier, files).await?;
            }
            carrier.run.worker.listener.on(&progress(&self.lane, &self.counts, bytes));
        }
        Ok(self)
    }

    async fn note(
        &mut self,
        carrier: &Carrier<'_>,
        files: &[(Pointer, Fate)],
    ) -> Result<(), EngineError> {
        let (journal, claim) = (&carrier.run.worker.journal, carrier.run.claim);
        let entry = |(file, _): &(Pointer, Fate)| Entry {
            id: file.sha256.clone(),
            fingerprint: Fingerprint::of(&object(file)),
        };
        let entries: Vec<_> = files.iter().map(entry).collect();
        let begun = journal.begin(claim, &self.lane, Settle::Page, &entries).await?;
        let mut settled = Vec::with_capacity(files.len());
        for (((file, fate), entry), begun) in files.iter().zip(entries).zip(begun) {
            settled.push(self.settled(file, fate, entry, &begun));
        }
        if self.is_lane {
            carrier.run.ends.sink.flush(&self.target).await?;
        }
        let failed: [Failure; 0] = [];
        Ok(journal.settle(claim, &self.lane, &settled, &failed, None).await?)
    }

    fn settled(&mut self, file: &Pointer, fate: &Fate, entry: Entry, begun: &Begun) -> Settled {
        let was_ours = *begun == Begun::Done;
        let (outcome, losses) = match fate {
            Fate::Present if was_ours => (None, Vec::new()),
            Fate::Present => (Some(Outcome::Adopted), Vec::new()),
            Fate::Moved if was_ours => (Some(Outcome::Updated), Vec::new()),
            Fate::Moved => (Some(Outcome::Created), Vec::new()),
            Fate::Lost(at, reason) => {
                if self.lost.files.len() < MAX_NAMED {
                    self.lost.files.push((file.sha256.clone(), file.size));
                }
                self.lost.n += 1;
                (Some(Outcome::Dropped), vec![loss(*at, reason.clone())])
            }
        };
        self.counts.read += 1;
        self.counts.losses += losses.len() as u64;
        match outcome {
            None => self.counts.unchanged += 1,
            Some(Outcome::Created) => self.counts.created += 1,
            Some(Outcome::Updated) => self.counts.updated += 1,
            Some(Outcome::Adopted) => self.counts.adopted += 1,
            Some(Outcome::Dropped) => self.counts.dropped += 1,
        }
        let target = if self.is_lane { file.sha256.clone() } else { named(file) };
        let Entry { id, fingerprint } = entry;
        Settled { id, fingerprint, target: TargetId(target), outcome, losses }
    }
}

/// A file at a server, as the journal calls it: the hash alone does not find it there again.
fn named(file: &Pointer) -> String {
    format!("{}/{}", file.sha256, file.size)
}

/// Reads what [`named`] wrote.
pub(crate) fn at_server(target: &TargetId) -> Option<Pointer> {
    let (sha256, size) = target.0.split_once('/')?;
    Pointer::new(sha256, size.parse().ok()?)
}

fn loss(at: LostAt, reason: String) -> Loss {
    match at {
        LostAt::Source | LostAt::Damaged => Loss::source("blob", reason),
        LostAt::Destination => Loss::sink("blob", reason),
    }
}

/// Whether a loss is of what a source lacks, which no plan can know before history is read.
pub(crate) fn is_of_source(kind: packhorse_core::ObjectKind, loss: &Loss) -> bool {
    kind == KIND && loss.field == "blob" && loss.cause == packhorse_core::LossCause::Source
}
