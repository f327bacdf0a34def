//! A place to read from that lies in memory, and a journal that says what was put there.

use async_trait::async_trait;
use bytes::Bytes;
use packhorse_core::{
    Capabilities, Cursor, Fingerprint, GitRemote, HostError, HostErrorKind, Lane, Object,
    ObjectKind, Record, RepoKind, Scope, Settle, Support, TargetId,
    job::{JobId, JobOptions, JobSpec, JobState},
    model::*,
    port::{
        BlobRef, ByteStream, Claim, Entry, Inventory, Journal, Outcome, Page, Position, Queue,
        Settled, Source,
    },
};
use packhorse_journal::SqliteJournal;
use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};
use tokio::sync::Barrier;

/// Records by lane, in the order in which they were put; two to a page.
#[derive(Clone, Default)]
pub(crate) struct Shelf {
    pub(crate) lanes: BTreeMap<Lane, Vec<Record>>,
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
    pub(crate) remotes: BTreeMap<String, GitRemote>,
    /// Where issues and comments wait to be read at the same time.
    pub(crate) meeting: Option<Arc<Barrier>>,
}

impl Shelf {
    pub(crate) fn with(mut self, scope: &Scope, records: impl IntoIterator<Item = Record>) -> Self {
        for record in records {
            let lane = Lane::new(scope.clone(), record.origin.kind);
            self.lanes.entry(lane).or_default().push(record);
        }
        self
    }

    pub(crate) fn lane(&mut self, scope: &Scope, kind: ObjectKind) -> &mut Vec<Record> {
        self.lanes.entry(Lane::new(scope.clone(), kind)).or_default()
    }
}

#[async_trait]
impl Source for Shelf {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        Ok(full())
    }

    async fn inventory(&self, _: &Scope) -> Result<Inventory, HostError> {
        Ok(Inventory::default())
    }

    async fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, HostError> {
        if let Some(meeting) = &self.meeting
            && matches!(lane.kind, ObjectKind::Issue | ObjectKind::Comment)
        {
            let waits = tokio::time::timeout(Duration::from_secs(30), meeting.wait());
            waits.await.expect("another lane is read meanwhile");
        }
        let from: usize = at.map_or(0, |it| it.0.parse().unwrap());
        let all = self.lanes.get(lane).map(Vec::as_slice).unwrap_or_default();
        let to = (from + 2).min(all.len());
        let next = (to < all.len()).then(|| Cursor(to.to_string()));
        Ok(Page { records: all[from..to].to_vec(), next })
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        let wanted = repo == RepoKind::Code;
        Ok(self.remotes.get(project).filter(|_| wanted).cloned())
    }

    async fn open(&self, blob: &BlobRef, from: u64) -> Result<ByteStream, HostError> {
        let bytes = self.blobs.get(&blob.origin.id);
        let bytes = bytes.ok_or_else(|| HostError::new(HostErrorKind::NotFound, "open a blob"))?;
        let rest = Bytes::copy_from_slice(&bytes[from as usize..]);
        Ok(Box::pin(futures::stream::iter([Ok(rest)])))
    }
}

pub(crate) fn full() -> Capabilities {
    Capabilities::promised(|_| Support::Full, "shelf")
}

pub(crate) fn app() -> Scope {
    Scope::Project("acme/app".into())
}

pub(crate) fn issue(number: u64, title: &str) -> Record {
    let issue = Issue { number, title: title.into(), ..Issue::default() };
    Record::new(number.to_string(), Object::from(issue))
}

pub(crate) fn comment(id: &str, text: &str) -> Record {
    let body = Some(Text::new(text, Markup::Github));
    let subject = Subject::Issue(1);
    Record::new(id, Object::from(Comment { subject, body, ..Comment::default() }))
}

/// A journal with one job under way.
pub(crate) struct Notes {
    pub(crate) journal: SqliteJournal,
    pub(crate) claim: Claim,
    _directory: tempfile::TempDir,
}

impl Notes {
    pub(crate) async fn begun() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let journal = SqliteJournal::open(&directory.path().join("journal.sqlite")).unwrap();
        let spec = JobSpec {
            from: "local:a".into(),
            to: "local:b".into(),
            source_identity: "a".into(),
            sink_identity: "b".into(),
            options: JobOptions::default(),
            queued: false,
        };
        let job = journal.submit(&spec).await.unwrap();
        let lease = Duration::from_secs(60);
        let claim = journal.claim(Some(job), "worker", lease).await.unwrap().unwrap();
        Self { journal, claim, _directory: directory }
    }

    pub(crate) fn job(&self) -> JobId {
        self.claim.job
    }

    /// Notes that all records of a lane were written, as themselves.
    pub(crate) async fn wrote(&self, scope: &Scope, records: &[Record]) {
        let Some(first) = records.first() else { return };
        let lane = Lane::new(scope.clone(), first.origin.kind);
        let settled: Vec<_> = records
            .iter()
            .map(|it| Settled {
                id: it.origin.id.clone(),
                fingerprint: Fingerprint::of(&it.object),
                target: TargetId(it.origin.id.clone()),
                outcome: Some(Outcome::Created),
                losses: it.losses.clone(),
            })
            .collect();
        let entries: Vec<_> = settled
            .iter()
            .map(|it| Entry { id: it.id.clone(), fingerprint: it.fingerprint })
            .collect();
        self.journal.begin(&self.claim, &lane, Settle::Page, &entries).await.unwrap();
        let done = Some(&Position::Done);
        self.journal.settle(&self.claim, &lane, &settled, &[], done).await.unwrap();
    }

    pub(crate) async fn close(&self, state: JobState) {
        self.journal.close(&self.claim, state, None).await.unwrap();
    }
}

/// A directory for what is needed during a test only.
pub(crate) fn scratch(notes: &Notes) -> &Path {
    notes._directory.path()
}
