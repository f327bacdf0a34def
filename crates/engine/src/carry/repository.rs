//! Repositories: from remote to remote, with their refs as the record.

use super::{Carrier, Place, lane};
use crate::{EngineError, plan::HIDDEN_REFS};
use packhorse_core::{
    Event, Fingerprint, GitRemote, Lane, Limits, Loss, Object, ObjectKind, RepoKind, Settle,
    TargetId,
    model::{Repository, Wiki},
    port::{Begun, Counts, Entry, Item, ItemQuery, Outcome, Position, Settled},
};
use packhorse_git::{
    GitError, PushLimits, RefList, TransferOptions, Transferred, lfs::Gate, progress, transfer,
};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

/// Field of the losses that refs are which should have arrived and did not.
const REFS: &str = "refs";

/// A repository on its way.
struct Errand<'a> {
    lane: &'a Lane,
    /// What the journal has of it.
    item: Option<&'a Item>,
    /// Where it is, and where it goes.
    ends: (&'a GitRemote, &'a GitRemote),
    /// Heads of change requests that no ref of the source leads to, by number.
    heads: BTreeMap<u64, String>,
}

impl Carrier<'_> {
    /// Carries a repository of a project, if it has one.
    pub(super) async fn repository(
        &self,
        place: &Place,
        kind: ObjectKind,
    ) -> Result<(), EngineError> {
        let (run, ends, lane) = (self.run, self.run.ends, place.lane(kind));
        let (Some(from), Some(to)) = (place.source.project(), place.target.project()) else {
            return Ok(());
        };
        let repo = repo_of(kind);
        let Some(source) = run.stop.or(ends.source.remote(from, repo)).await? else {
            return self.close_lane(&lane).await;
        };
        let Some(destination) = run.stop.or(ends.sink.remote(to, repo)).await? else {
            let why = "the destination has no such repository";
            return self.drop_lane(&lane, place.count(kind), why).await;
        };
        let counts = Counts { source: Some(1), ..Counts::default() };
        run.worker.tell(run.claim, lane::progress(&lane, &counts, 0)).await?;
        let item = self.repository_item(&lane, repo).await?;
        let heads = match repo {
            RepoKind::Code => self.heads(place, &source).await?,
            RepoKind::Wiki => BTreeMap::new(),
        };
        let ends = (&source, &destination);
        let errand = Errand { lane: &lane, item: item.as_ref(), ends, heads };
        let done = match repo {
            RepoKind::Code => Box::pin(self.with_large_files(place, &errand)).await?,
            RepoKind::Wiki => match self.transfer(&errand, None).await {
                Err(error) => return self.without_wiki(&errand, error).await,
                Ok(done) => (done, Vec::new()),
            },
        };
        self.note_repository(&lane, repo, done).await
    }

    /// Carries a repository, and before its refs the large files that they lead to.
    async fn with_large_files(
        &self,
        place: &Place,
        errand: &Errand<'_>,
    ) -> Result<(Transferred, Vec<Loss>), EngineError> {
        let files = Box::pin(self.large_files(place, errand.item, errand.ends)).await?;
        let Some(files) = files else {
            return Ok((self.transfer(errand, None).await?, Vec::new()));
        };
        let gate = files.gate.clone();
        let (rest, (ledger, events)) = files.split();
        let carrying = async {
            let done = self.transfer(errand, Some(gate)).await?;
            let losses = self.run.stop.or(rest.carry()).await?;
            Ok::<_, EngineError>((done, losses))
        };
        let (done, ledger) = futures::try_join!(carrying, ledger.keep(self, events))?;
        self.close_large_files(&ledger).await?;
        Ok(done)
    }

    /// What comes of a wiki that is not there: hosts say that a project has one before its first
    /// page is written, and some make it only then.
    async fn without_wiki(
        &self,
        errand: &Errand<'_>,
        error: EngineError,
    ) -> Result<(), EngineError> {
        let (source, destination) = errand.ends;
        let EngineError::Git(GitError::NoRepository { place }) = &error else { return Err(error) };
        if place == source.url.as_str() {
            return self.close_lane(errand.lane).await;
        }
        if place != destination.url.as_str() {
            return Err(error);
        }
        let why = "the destination makes a wiki with its first page: write one there, \
                   then run again";
        self.drop_lane(errand.lane, Some(1), why).await
    }

    async fn repository_item(
        &self,
        lane: &Lane,
        repo: RepoKind,
    ) -> Result<Option<Item>, EngineError> {
        let query = ItemQuery::Origins(vec![repo.name().to_owned()]);
        let items = self.run.worker.journal.items(self.run.claim.route, lane, &query).await?;
        Ok(items.into_iter().next())
    }

    async fn transfer(
        &self,
        errand: &Errand<'_>,
        gate: Option<Gate>,
    ) -> Result<Transferred, EngineError> {
        let Errand { lane, item, ends: (source, destination), ref heads } = *errand;
        let (run, name) = (self.run, document(lane));
        let Limits { push_bytes, file_bytes, .. } = self.sides.sink.limits;
        let known = match item {
            Some(item) => run.worker.journal.kept(item.written_by, &name).await?,
            None => None,
        };
        let known = known.map(serde_json::from_value::<BTreeMap<String, String>>).transpose();
        // Hosts make the place for a wiki with a page of their own, which nobody wrote.
        let is_new_wiki =
            lane.kind == ObjectKind::Wiki && item.is_none() && self.is_ours(lane).await?;
        let options = TransferOptions {
            force: run.options.force || is_new_wiki,
            delete: run.options.delete,
            known: known.map_err(EngineError::document("of refs"))?,
            heads: heads.clone(),
            limits: PushLimits { push_bytes, file_bytes },
            listener: self.transfer_listener(lane),
            gate,
            packs: self.packs.clone(),
            reads_back: run.worker.tuning.reads_refs_back,
            ..TransferOptions::new(run.ends.policy(run.options)?, &run.ends.scratch)
        };
        let done =
            run.stop.or(Box::pin(transfer(&self.git, source, destination, &options))).await?;
        // Before the item says that this job wrote it, for that is where the next one looks.
        run.keep(&name, &done.refs.refs).await?;
        Ok(done)
    }

    /// Tells the run's listener how far a repository is.
    fn transfer_listener(&self, lane: &Lane) -> progress::Listener {
        let (listener, lane) = (self.run.worker.listener.clone(), lane.clone());
        let told = AtomicU64::new(0);
        progress::Listener::new(move |it| {
            let before = told.fetch_max(it.bytes, Ordering::Relaxed);
            let bytes = it.bytes.saturating_sub(before);
            let (scope, kind) = (lane.scope.clone(), lane.kind);
            let (phase, done, all) = (it.phase, it.done, it.all);
            listener.on(&Event::Transfer { scope, kind, phase, done, all, bytes });
        })
    }

    async fn note_repository(
        &self,
        lane: &Lane,
        repo: RepoKind,
        (done, more): (Transferred, Vec<Loss>),
    ) -> Result<(), EngineError> {
        let (run, journal) = (self.run, &self.run.worker.journal);
        let fingerprint = Fingerprint::of(&object(repo, &done.refs));
        let id = repo.name().to_owned();
        let entry = Entry { id: id.clone(), fingerprint };
        let begun = journal.begin(run.claim, lane, Settle::Page, &[entry]).await?;
        let outcome = match begun.first() {
            Some(Begun::Done) => None,
            Some(Begun::Changed(_)) => Some(Outcome::Updated),
            Some(Begun::Fresh | Begun::Interrupted) | None => {
                Some(self.first_outcome(lane, &done).await?)
            }
        };
        let losses = [losses(&done), more].concat();
        let mut counts = Counts { source: Some(1), read: 1, ..Counts::default() };
        counts.losses = losses.len() as u64;
        match outcome {
            None => counts.unchanged = 1,
            Some(Outcome::Created) => counts.created = 1,
            Some(Outcome::Updated) => counts.updated = 1,
            Some(Outcome::Adopted) => counts.adopted = 1,
            Some(Outcome::Dropped) => counts.dropped = 1,
        }
        let target = TargetId(id.clone());
        let settled = [Settled { id, fingerprint, target, outcome, losses }];
        journal.settle(run.claim, lane, &settled, &[], Some(&Position::Done)).await?;
        run.worker.listener.on(&lane::progress(lane, &counts, 0));
        Ok(())
    }

    /// Whether the project of a lane was made over this route.
    async fn is_ours(&self, lane: &Lane) -> Result<bool, EngineError> {
        let project = Lane::new(lane.scope.clone(), ObjectKind::Project);
        let query = ItemQuery::After(None, 1);
        let items = self.run.worker.journal.items(self.run.claim.route, &project, &query).await?;
        Ok(items.first().is_some_and(|it| it.created_by.is_some()))
    }

    /// Whether a repository that no earlier job carried was made by us.
    ///
    /// It was when nothing of it had been there, or when the project itself is ours: then
    /// what was there was left by a run that died.
    async fn first_outcome(&self, lane: &Lane, done: &Transferred) -> Result<Outcome, EngineError> {
        let was_empty = done.unchanged + done.updated + done.deleted == 0
            && done.gone.is_empty()
            && done.refused.is_empty();
        Ok(if was_empty || self.is_ours(lane).await? {
            Outcome::Created
        } else if done.created + done.updated + done.deleted > 0 {
            Outcome::Updated
        } else {
            Outcome::Adopted
        })
    }
}

/// Name of the document that says where a lane's refs were left.
fn document(lane: &Lane) -> String {
    format!("refs/{}/{}", lane.kind, lane.scope.key())
}

fn losses(done: &Transferred) -> Vec<Loss> {
    let left = done.left.iter().map(|it| (HIDDEN_REFS, &it.name, &it.reason));
    let left = left.map(|(field, name, why)| Loss::policy(field, format!("{name}: {why}")));
    let refused = done.refused.iter();
    let refused = refused.map(|it| Loss::sink(REFS, format!("{}: {}", it.name, it.reason)));
    left.chain(refused).collect()
}

/// Which repository a kind stands for.
pub(crate) fn repo_of(kind: ObjectKind) -> RepoKind {
    if kind == ObjectKind::Wiki { RepoKind::Wiki } else { RepoKind::Code }
}

/// The record of a repository with these refs.
pub(crate) fn object(repo: RepoKind, list: &RefList) -> Object {
    let (head, object_format) = (list.head.clone(), list.object_format());
    let (refs, refs_digest) = (list.refs.len() as u64, list.digest());
    match repo {
        RepoKind::Code => Object::from(Repository { head, object_format, refs, refs_digest }),
        RepoKind::Wiki => Object::from(Wiki { head, object_format, refs, refs_digest }),
    }
}
