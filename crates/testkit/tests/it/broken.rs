//! The suites notice what is broken: hosts with one fault each.

use async_trait::async_trait;
use packhorse_core::{
    Capabilities, Cursor, GitRemote, HostError, Lane, Object, ObjectKind, Origin, Record, RepoKind,
    Scope, TargetId,
    port::{AroundSink, BlobRef, ByteStream, Inventory, Page, Sink, Source, Written},
};
use packhorse_testkit::{
    memory::{MemoryHost, MemoryOptions},
    suite::{self, Place},
};
use std::sync::Arc;

/// What is wrong with a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    DoublesWhatItDoesNotKnow,
    ForgetsUpdates,
    KeepsWhatIsRemoved,
    LosesTitlesSilently,
    TakesAnyBlob,
    EndsAFullPageEarly,
    StartsBlobsAnew,
    MiscountsIssues,
    InventsProjects,
    FindsNothing,
}

#[derive(Clone)]
struct Broken {
    host: MemoryHost,
    wrong: Wrong,
}

impl Broken {
    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == wrong
    }
}

#[async_trait]
impl Source for Broken {
    async fn probe(&self) -> Result<Capabilities, HostError> {
        Source::probe(&self.host).await
    }

    async fn inventory(&self, scope: &Scope) -> Result<Inventory, HostError> {
        let mut inventory = self.host.inventory(scope).await?;
        if self.is(Wrong::MiscountsIssues) {
            let issues = inventory.counts.iter_mut().filter(|it| it.kind == ObjectKind::Issue);
            issues.for_each(|it| it.records = it.records.map(|n| n + 1));
        }
        Ok(inventory)
    }

    async fn read(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, HostError> {
        let mut page = self.host.read(lane, at).await?;
        if self.is(Wrong::EndsAFullPageEarly) && page.records.len() == 1000 {
            page.next = None;
        }
        let is_label = lane.kind == ObjectKind::Label && at.is_none();
        if self.is(Wrong::InventsProjects) && is_label && lane.scope.key().starts_with("nobody") {
            let record = packhorse_testkit::samples::sample(ObjectKind::Label, 1);
            page.records.push(record);
        }
        Ok(page)
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        Source::remote(&self.host, project, repo).await
    }

    async fn open(&self, blob: &BlobRef, from: u64) -> Result<ByteStream, HostError> {
        let from = if self.is(Wrong::StartsBlobsAnew) { 0 } else { from };
        self.host.open(blob, from).await
    }
}

#[async_trait]
impl AroundSink for Broken {
    fn inner(&self) -> &dyn Sink {
        &self.host
    }

    async fn find(&self, scope: &Scope, record: &Record) -> Result<Option<TargetId>, HostError> {
        if self.is(Wrong::FindsNothing) {
            return Ok(None);
        }
        self.host.find(scope, record).await
    }

    async fn write(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError> {
        if self.is(Wrong::ForgetsUpdates)
            && let Some(target) = existing
        {
            let (outcome, losses) = (packhorse_core::port::Outcome::Updated, Vec::new());
            return Ok(Written { target: target.clone(), outcome, losses });
        }
        let mut record = record.clone();
        if self.is(Wrong::LosesTitlesSilently)
            && let Object::Issue(issue) = &mut record.object
        {
            issue.title.clear();
        }
        if self.is(Wrong::DoublesWhatItDoesNotKnow) && existing.is_none() {
            let count = self.host.calls().write;
            record.origin.id = format!("{}-{count}", record.origin.id);
        }
        self.host.write(scope, &record, existing).await
    }

    async fn remove(
        &self,
        scope: &Scope,
        origin: &Origin,
        target: &TargetId,
    ) -> Result<(), HostError> {
        if self.is(Wrong::KeepsWhatIsRemoved) {
            return Ok(());
        }
        self.host.remove(scope, origin, target).await
    }

    async fn save(&self, blob: &BlobRef, bytes: ByteStream) -> Result<(), HostError> {
        let mut blob = blob.clone();
        if self.is(Wrong::TakesAnyBlob) {
            (blob.size, blob.sha256) = (None, None);
        }
        self.host.save(&blob, bytes).await
    }
}

#[async_trait]
impl Place for Broken {
    fn sink(&self) -> Arc<dyn Sink> {
        Arc::new(self.clone())
    }

    async fn source(&self) -> Arc<dyn Source> {
        Arc::new(self.clone())
    }
}

/// What the suite says of a host with that fault.
async fn verdict(wrong: Wrong) -> String {
    let options = MemoryOptions { page_size: 1000, ..MemoryOptions::default() };
    let suite = tokio::spawn(suite::sink(async move || Broken {
        host: MemoryHost::new(options.clone()),
        wrong,
    }));
    let panic = suite.await.expect_err("the suite fails").into_panic();
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned())).unwrap_or_default()
}

async fn check(wrong: Wrong, words: &str) {
    let said = verdict(wrong).await;

    assert!(said.contains(words), "{wrong:?}: {said}");
}

#[tokio::test]
async fn records_that_come_twice_or_not_at_all_are_noticed() {
    check(Wrong::DoublesWhatItDoesNotKnow, "is found before it is flushed").await;
    check(Wrong::FindsNothing, "is found before it is flushed").await;
    check(Wrong::KeepsWhatIsRemoved, "was removed").await;
    check(Wrong::EndsAFullPageEarly, "label").await;
    check(Wrong::MiscountsIssues, "are not").await;
    check(Wrong::InventsProjects, "has records").await;
}

#[tokio::test]
async fn content_that_is_not_what_was_written_is_noticed() {
    check(Wrong::ForgetsUpdates, "user-2").await;
    check(Wrong::LosesTitlesSilently, "title").await;
    check(Wrong::TakesAnyBlob, "was taken").await;
    check(Wrong::StartsBlobsAnew, "from").await;
}
