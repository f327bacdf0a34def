//! A transfer, over however many tries and by whichever way works.

use super::{
    TransferOptions, Transferred,
    account::{Tally, Words, account},
    errand::{Errand, Outcome},
    parts::Parts,
    prepare::{check_formats, prepare, with_unborn_head},
    turns::Turns,
};
use crate::{
    error::GitError,
    large_files, mirror,
    process::Git,
    pump::{Destination, RefCommand, Source, Stock, Version},
    refs::{self, LeftRef, PARTS, RefList, Selection},
    repository,
};
use http::StatusCode;
use packhorse_core::GitRemote;
use std::{collections::BTreeSet, time::Duration};

/// How often a transfer that broke off goes on, from what the refs then say.
const MAX_BREAKS: u32 = 2;
/// The first wait; each further one is four times as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// How often an end may ask to wait because there were too many requests: hosts that
/// allow so many a minute or an hour do, and nothing is lost by waiting.
const MAX_WAITS: u32 = 20;
/// The longest wait that is asked for and taken: the window of the slowest public limit.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// Refs of the source, where it has them.
pub(super) struct Mirrored {
    offered: RefList,
    at: GitRemote,
}

pub(super) struct Way<'a> {
    pub(super) git: &'a Git,
    pub(super) from: &'a GitRemote,
    pub(super) to: &'a GitRemote,
    pub(super) options: &'a TransferOptions,
    /// The destination's refs before the first try.
    before: Option<RefList>,
    /// Where the source's mirror is, when it cannot be streamed.
    mirrored: Option<Mirrored>,
    /// Whether the destination wants to know a pack's length.
    pub(super) is_measured: bool,
    /// Whether files that are too large have been looked for.
    pub(super) is_looked_through: bool,
    /// Refs that are not tried any more, with the reason.
    words: Words,
    /// Refs that go one group after the other.
    pub(super) turns: Turns,
    /// What was to be pushed last.
    pub(super) last: Vec<RefCommand>,
    /// History that goes one part after the other.
    pub(super) parts: Option<Parts>,
    breaks: u32,
    /// How often an end asked to wait.
    waits: u32,
}

impl<'a> Way<'a> {
    pub(super) fn new(
        git: &'a Git,
        from: &'a GitRemote,
        to: &'a GitRemote,
        options: &'a TransferOptions,
    ) -> Self {
        Self {
            git,
            from,
            to,
            options,
            before: None,
            mirrored: None,
            is_measured: false,
            is_looked_through: options.limits.file_bytes.is_none(),
            words: Words::new(),
            turns: Turns::default(),
            last: Vec::new(),
            parts: None,
            breaks: 0,
            waits: 0,
        }
    }

    /// Does what can be done in one push; `None` when another is to follow.
    pub(super) async fn go(&mut self) -> Result<Option<Transferred>, GitError> {
        let (from, to) = (self.from, self.to);
        let (source, destination) = self.open().await?;
        let offered = self.mirrored.as_ref().map_or(&source.listing().list, |it| &it.offered);
        let mut chosen = self.options.policy.selection(offered);
        chosen.left.extend(source.listing().unreadable.iter().cloned());
        self.add_heads(source.stock(), &mut chosen).await?;
        chosen.wanted = with_unborn_head(chosen.wanted, from);
        let format = source.listing().object_format;
        if let Some(path) = to.url.as_path() {
            prepare(self.git, path, to, format).await?;
        }
        let mut destination = match destination {
            Some(destination) => destination,
            None => Destination::open(self.git, to).await?,
        };
        let there = destination.take_refs();
        if !chosen.wanted.refs.is_empty() {
            check_formats((from, format), (to, destination.listing().object_format))?;
        }
        let before = self.before.get_or_insert_with(|| there.clone());
        let gone = gone(&chosen.wanted, before, self.options);
        let mut words = self.words.clone();
        let errand = Errand { chosen: &chosen, there: &there, gone: &gone, words: &mut words };
        let outcome = errand.carry(self, source, destination).await?;
        let now = match outcome {
            Outcome::Nothing => Some(there),
            Outcome::Pushed(said) => said.filter(|_| !self.options.reads_back),
            Outcome::More => {
                self.words = words;
                return Ok(None);
            }
            Outcome::LargeFiles => {
                self.is_looked_through = true;
                self.words.extend(self.large_files(&chosen).await?);
                return Ok(None);
            }
        };
        if let (Some(path), Some(head)) = (to.url.as_path(), &chosen.wanted.head) {
            repository::set_head(path, head)?;
        }
        let mut after = match now {
            Some(now) => now,
            None => Destination::open(self.git, to).await?.take_refs(),
        };
        after.head = to.url.as_path().and_then(repository::head);
        let Selection { wanted, left, .. } = chosen;
        let before = self.before.take().unwrap_or_default();
        let tally = Tally { wanted, before, after, left, gone, words };
        Ok(Some(account(tally, self.options.delete)))
    }

    /// Asks the source for its refs, and the destination at the same time where it is there already.
    async fn open(&self) -> Result<(Source, Option<Destination>), GitError> {
        let at = self.history();
        if self.to.url.as_path().is_some() {
            return Ok((Source::open(self.git, at, Version::V2).await?, None));
        }
        // What no ref leads to is looked for only where there are heads.
        let version = if self.options.heads.is_empty() { Version::V0 } else { Version::V2 };
        let (source, destination) = futures::join!(
            Source::open(self.git, at, version),
            Destination::open(self.git, self.to)
        );
        let mut source = source?;
        if version == Version::V0 && source.listing().list.head.is_none() {
            // It may be told, but for the protocol: what is not born yet, in an empty one above all.
            source = Source::open(self.git, at, Version::V2).await?;
        }
        Ok((source, Some(destination?)))
    }

    /// Finds another way, or gives the error back.
    pub(super) async fn around(&mut self, error: GitError) -> Result<(), GitError> {
        let is_at = |place: &str, end: &GitRemote| place == end.url.as_str();
        if let GitError::NotStreamed { place, .. } = &error {
            if is_at(place, self.from) && self.mirrored.is_none() {
                return self.mirror().await;
            }
            if is_at(place, self.to) && !self.is_measured {
                self.is_measured = true;
                return Ok(());
            }
        }
        if let GitError::Status { place, status: StatusCode::PAYLOAD_TOO_LARGE, .. } = &error
            && is_at(place, self.to)
        {
            // Some mean the length that they were not told.
            if self.is_measured {
                return self.split(error).await;
            }
            self.is_measured = true;
            return Ok(());
        }
        if matches!(error, GitError::TooLarge { .. }) {
            return self.split(error).await;
        }
        if let Some(asked) = error.busy_for().filter(|it| *it <= LONGEST_WAIT)
            && self.waits < MAX_WAITS
        {
            self.waits += 1;
            if let Some(gate) = &self.options.gate {
                gate.settle().await;
            }
            tokio::time::sleep(asked).await;
            return Ok(());
        }
        if error.is_passing() && self.breaks < MAX_BREAKS {
            self.breaks += 1;
            if let Some(gate) = &self.options.gate {
                gate.settle().await;
            }
            tokio::time::sleep(FIRST_WAIT * 4u32.pow(self.breaks - 1)).await;
            return Ok(());
        }
        Err(error)
    }

    /// Goes on from a mirror on this machine.
    async fn mirror(&mut self) -> Result<(), GitError> {
        let offered = refs::listed_by_git(self.git, self.from).await?;
        let wanted = self.options.policy.selection(&offered).at_source();
        let path = mirror::refresh(self.git, self.from, &wanted, &self.options.scratch).await?;
        self.mirrored = Some(Mirrored { offered, at: GitRemote::local(&path) });
        Ok(())
    }

    /// Where the source's history can be asked for.
    pub(super) fn history(&self) -> &GitRemote {
        self.mirrored.as_ref().map_or(self.from, |it| &it.at)
    }

    /// What the source lists, as far as it travels.
    async fn offered(&self) -> Result<RefList, GitError> {
        let list = refs::list(self.git, self.history()).await?;
        Ok(self.options.policy.selection(&list).at_source())
    }

    /// Makes pushes smaller: along the history first, then ref by ref. A ref that is too large by
    /// itself is not tried any more.
    async fn split(&mut self, error: GitError) -> Result<(), GitError> {
        let Some(parts) = &mut self.parts else {
            let (git, scratch) = (self.git, &self.options.scratch);
            let offered = self.offered().await?;
            let parts = Parts::of(git, self.history(), &offered, scratch).await?;
            self.parts = Some(parts);
            return Ok(());
        };
        if parts.shrink() {
            return Ok(());
        }
        parts.begin_anew();
        self.turns.skip();
        if !self.turns.split(&self.last, "") {
            let why = format!("a single commit of it is too large: {error}");
            self.words.extend(self.last.drain(..).map(|it| (it.name, why.clone())));
        }
        Ok(())
    }

    /// Why refs with too large a file in their history are left.
    async fn large_files(&self, chosen: &Selection) -> Result<Words, GitError> {
        let Some(at_most) = self.options.limits.file_bytes else { return Ok(Words::new()) };
        let (git, scratch) = (self.git, &self.options.scratch);
        let offered = self.offered().await?;
        let found = large_files::look(git, self.history(), &offered, at_most, scratch).await?;
        let mut words = Words::new();
        for file in found {
            let ids: BTreeSet<_> = file.refs.iter().filter_map(|it| offered.refs.get(it)).collect();
            for (name, _) in chosen.wanted.refs.iter().filter(|(_, id)| ids.contains(id)) {
                words.entry(name.clone()).or_insert_with(|| file.explained());
            }
        }
        Ok(words)
    }

    /// Adds the heads of change requests that no ref leads to.
    async fn add_heads(&self, stock: Stock, chosen: &mut Selection) -> Result<(), GitError> {
        let policy = &self.options.policy;
        let tips: BTreeSet<String> = chosen.wanted.refs.values().cloned().collect();
        let heads =
            self.options.heads.iter().map(|(number, id)| (policy.kept(&number.to_string()), id));
        let heads = heads
            .filter(|(name, id)| !tips.contains(*id) && !chosen.wanted.refs.contains_key(name));
        let heads: Vec<(String, String)> = heads.map(|(name, id)| (name, id.clone())).collect();
        if heads.is_empty() {
            return Ok(());
        }
        let lacking = stock.lacks(heads.iter().map(|(_, id)| id.clone()).collect()).await?;
        for (name, id) in heads {
            if lacking.contains(&id) {
                let reason = format!("the source does not give its commit {id} any more");
                chosen.left.push(LeftRef { name, reason });
            } else {
                chosen.given.insert(name.clone());
                chosen.wanted.refs.insert(name, id);
            }
        }
        Ok(())
    }
}

/// Refs of the destination that the source does not have and that this route would carry.
fn gone(wanted: &RefList, there: &RefList, options: &TransferOptions) -> Vec<String> {
    let is_part = |name: &&String| PARTS.iter().any(|it| name.starts_with(it));
    let ours =
        |name: &&String| !wanted.refs.contains_key(*name) && options.policy.leaves(name).is_none();
    there.refs.keys().filter(|it| ours(it) && !is_part(it)).cloned().collect()
}
