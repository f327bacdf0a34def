//! The one call that carries a repository.
//!
//! The destination's refs are what it has already, so only what is missing
//! flows; and they are read again afterwards, because what counts is what is
//! there.

use crate::{
    error::{GitError, RefusedRef},
    mirror,
    process::Git,
    progress::Listener,
    pump::{self, Ancestry, Destination, Pack, Source},
    refs::{self, LeftRef, RefList, RefPolicy},
    repository::{self, format_name},
};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use packhorse_core::{GitRemote, model::ObjectFormat};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

/// How a repository is carried.
#[derive(Clone, Debug)]
pub struct TransferOptions {
    /// Which refs travel.
    pub policy: RefPolicy,
    /// Whether refs that somebody moved at the destination are overwritten.
    pub force: bool,
    /// Whether refs that are gone at the source are removed.
    pub delete: bool,
    /// Object ids by ref that an earlier run left at the destination: what is still so is ours to move.
    pub known: Option<BTreeMap<String, String>>,
    /// Directory for a mirror, where one is needed.
    pub scratch: PathBuf,
    /// Hears how far it is.
    pub listener: Listener,
}

/// What was carried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transferred {
    /// Refs that were made.
    pub created: u64,
    /// Refs that were moved.
    pub updated: u64,
    /// Refs that were removed.
    pub deleted: u64,
    /// Refs that were as they should be.
    pub unchanged: u64,
    /// Refs that do not travel between these hosts.
    pub left: Vec<LeftRef>,
    /// Refs that should have arrived and did not.
    pub refused: Vec<RefusedRef>,
    /// Refs at the destination that the source no longer has.
    pub gone: Vec<String>,
    /// What of the destination's refs this route carries, as it is now.
    pub refs: RefList,
}

/// Carries all refs that travel from one remote to another.
///
/// Can be interrupted and repeated at any point. Nothing is removed, and no ref
/// is rewound, unless `options` say so.
///
/// # Errors
///
/// See [`GitError`]. Refused refs are not an error.
pub async fn transfer(
    git: &Git,
    from: &GitRemote,
    to: &GitRemote,
    options: &TransferOptions,
) -> Result<Transferred, GitError> {
    let mut way = Way { git, from, to, options, before: None, mirrored: None, is_measured: false };
    let mut breaks = 0;
    loop {
        match way.go().await {
            Err(GitError::NotStreamed { place, .. })
                if place == from.url.as_str() && way.mirrored.is_none() =>
            {
                let offered = refs::listed_by_git(git, from).await?;
                let (wanted, _) = options.policy.select(&offered);
                let path = mirror::refresh(git, from, &wanted, &options.scratch).await?;
                way.mirrored = Some((offered, GitRemote::local(&path)));
            }
            Err(GitError::NotStreamed { place, .. })
                if place == to.url.as_str() && !way.is_measured =>
            {
                way.is_measured = true;
            }
            Err(error) if error.is_passing() && breaks < MAX_BREAKS => {
                breaks += 1;
                tokio::time::sleep(FIRST_WAIT * 4u32.pow(breaks - 1)).await;
            }
            done => return done,
        }
    }
}

/// How often a transfer that broke off goes on, from what the refs then say.
const MAX_BREAKS: u32 = 2;
/// The first wait; each further one is four times as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Questions to the source about one ref each, at once and in all.
const QUESTIONS_AT_ONCE: usize = 4;
const MAX_QUESTIONS: usize = 5_000;

/// A transfer, over however many tries.
struct Way<'a> {
    git: &'a Git,
    from: &'a GitRemote,
    to: &'a GitRemote,
    options: &'a TransferOptions,
    /// The destination's refs before the first try.
    before: Option<RefList>,
    /// The source's refs and where their mirror is, when it cannot be streamed.
    mirrored: Option<(RefList, GitRemote)>,
    /// Whether the destination wants to know a pack's length.
    is_measured: bool,
}

impl Way<'_> {
    async fn go(&mut self) -> Result<Transferred, GitError> {
        let Self { git, from, to, options, .. } = *self;
        let source = match &self.mirrored {
            Some((_, mirror)) => Source::open(git, mirror).await?,
            None => Source::open(git, from).await?,
        };
        let offered = self.mirrored.as_ref().map_or(&source.listing().list, |(list, _)| list);
        let (wanted, mut left) = options.policy.select(offered);
        left.extend(source.listing().unreadable.iter().cloned());
        let wanted = with_unborn_head(wanted, from);
        let format = source.listing().object_format;
        if let Some(path) = to.url.as_path() {
            prepare(git, path, to, format).await?;
        }
        let destination = Destination::open(git, to).await?;
        let there = destination.listing().list.clone();
        if !wanted.refs.is_empty() {
            check_formats((from, format), (to, destination.listing().object_format))?;
        }
        let gone = gone(&wanted, &there, options);
        let errand = Errand { way: self, wanted: &wanted, there: &there, gone: &gone };
        let (words, has_changed) = errand.carry(source, destination).await?;
        if let (Some(path), Some(head)) = (to.url.as_path(), &wanted.head) {
            repository::set_head(path, head)?;
        }
        let mut after = match has_changed {
            true => Destination::open(git, to).await?.listing().list.clone(),
            false => there.clone(),
        };
        after.head = to.url.as_path().and_then(repository::head);
        let before = self.before.get_or_insert(there).clone();
        Ok(account(Tally { wanted, before, after, left, gone, words }, options.delete))
    }
}

/// A repository on this machine says what its `HEAD` will be, also to those who do not ask.
fn with_unborn_head(mut wanted: RefList, from: &GitRemote) -> RefList {
    let path = from.url.as_path().filter(|_| wanted.head.is_none());
    wanted.head = wanted.head.or_else(|| path.and_then(repository::head));
    wanted
}

/// Makes a repository on this machine where there is none, and gives an empty one the source's
/// way to name objects; anything else that stands there is left alone.
async fn prepare(
    git: &Git,
    path: &Path,
    to: &GitRemote,
    format: ObjectFormat,
) -> Result<(), GitError> {
    let is_free = !path.exists()
        || path.read_dir().is_ok_and(|mut it| it.next().is_none())
        // What a killed `init_bare` left: it writes `HEAD` last.
        || (path.join("objects/pack").is_dir() && !path.join("HEAD").exists());
    let is_empty = repository::is_repository(path)
        && repository::object_format(path) != format
        && refs::list(git, to).await?.refs.is_empty();
    if is_free || is_empty {
        repository::init_bare(path, format)?;
    }
    repository::remove_stale_locks(path)
}

fn check_formats(
    (from, offered): (&GitRemote, ObjectFormat),
    (to, there): (&GitRemote, ObjectFormat),
) -> Result<(), GitError> {
    if there == offered {
        return Ok(());
    }
    Err(GitError::ObjectFormatMismatch {
        from: from.url.to_string(),
        from_format: format_name(offered),
        to: to.url.to_string(),
        to_format: format_name(there),
    })
}

/// Refs of the destination that the source does not have and that this route would carry.
fn gone(wanted: &RefList, there: &RefList, options: &TransferOptions) -> Vec<String> {
    let ours =
        |name: &&String| !wanted.refs.contains_key(*name) && options.policy.leaves(name).is_none();
    there.refs.keys().filter(ours).cloned().collect()
}

/// The destination's words on refs that it refused.
type Words = BTreeMap<String, String>;

/// A try, once both sides have told their refs.
struct Errand<'a> {
    way: &'a Way<'a>,
    wanted: &'a RefList,
    there: &'a RefList,
    gone: &'a [String],
}

impl Errand<'_> {
    /// Gives the words on refs that stay as they are, and whether any was to be changed.
    async fn carry(
        &self,
        source: Source,
        destination: Destination,
    ) -> Result<(Words, bool), GitError> {
        let (wanted, there) = (&self.wanted.refs, &self.there.refs);
        let removed: &[String] = if self.way.options.delete { self.gone } else { &[] };
        let listener = &self.way.options.listener;
        let offered = &source.listing().list.refs;
        let mut words = self.stays(offered, source.ancestry()).await?;
        let commands = pump::commands(wanted, there, removed, &words);
        if commands.is_empty() {
            return Ok((words, false));
        }
        let mut wish = pump::wish(&commands, offered, there, destination.haves());
        wish.is_thin = !wish.haves.is_empty() && destination.takes_thin_packs();
        wish.is_quiet = !listener.is_there();
        wish.has_offsets = destination.takes_offsets();
        let pack = match wish.wants.is_empty() {
            true => Pack::Empty,
            false if self.way.is_measured => {
                let pack = source.pack(&wish, listener).await?;
                mirror::measured(pack, &self.way.options.scratch).await?
            }
            false => Pack::Streamed(source.pack(&wish, listener).await?),
        };
        words.extend(destination.push(&commands, pack, listener).await?);
        Ok((words, true))
    }

    /// The refs that are not changed, with the reason: those that the source did not give, and
    /// those that would be rewound and are not ours to rewind.
    async fn stays(
        &self,
        offered: &BTreeMap<String, String>,
        ancestry: Ancestry<'_>,
    ) -> Result<Words, GitError> {
        let mut words = Words::new();
        let mut doubtful = Vec::new();
        for (name, id) in &self.wanted.refs {
            match self.there.refs.get(name) {
                Some(old) if old == id => {}
                _ if offered.get(name) != Some(id) => {
                    words.insert(name.clone(), "the source did not give it".to_owned());
                }
                Some(old) if !self.may_move(name, old) => doubtful.push((name, id, old)),
                Some(_) | None => {}
            }
        }
        // A tag that moves is another tag, wherever it moves to.
        let (askable, others): (Vec<_>, Vec<_>) =
            doubtful.into_iter().partition(|(name, _, _)| !name.starts_with("refs/tags/"));
        let (asked, unasked) = askable.split_at(askable.len().min(MAX_QUESTIONS));
        let ask = |(name, id, old): &(&String, &String, &String)| {
            let (name, id, old) = ((*name).clone(), (*id).clone(), (*old).clone());
            let ancestry = ancestry.clone();
            async move { Ok::<_, GitError>((name, ancestry.descends(&id, &old).await?)) }.boxed()
        };
        let questions: Vec<_> = asked.iter().map(ask).collect();
        let answers = stream::iter(questions).buffer_unordered(QUESTIONS_AT_ONCE);
        let answers: Vec<_> = answers.try_collect().await?;
        let rewound = answers.into_iter().filter(|(_, descends)| !descends).map(|(name, _)| name);
        let others = others.iter().chain(unasked).map(|(name, _, _)| (*name).clone());
        words.extend(rewound.chain(others).map(|name| (name, reason(true))));
        Ok(words)
    }

    /// Whether a ref of the destination may be overwritten: on request, or when an earlier run of
    /// this route left it as it is.
    fn may_move(&self, name: &str, there: &str) -> bool {
        let options = self.way.options;
        let known = options.known.as_ref().and_then(|known| known.get(name));
        options.force || known.is_some_and(|it| it == there)
    }
}

struct Tally {
    wanted: RefList,
    before: RefList,
    after: RefList,
    left: Vec<LeftRef>,
    gone: Vec<String>,
    words: Words,
}

/// Counts what is there now against what was there and what was wanted.
fn account(tally: Tally, delete: bool) -> Transferred {
    let Tally { wanted, before, after, left, gone, words } = tally;
    let mut result = Transferred { left, ..Transferred::default() };
    let after_head = after.head.clone();
    result.refs.head = wanted.head.clone().or(after_head);
    for (name, id) in &wanted.refs {
        match after.refs.get(name) {
            Some(now) if now == id => match before.refs.get(name) {
                Some(old) if old == id => result.unchanged += 1,
                Some(_) => result.updated += 1,
                None => result.created += 1,
            },
            now => result.refused.push(RefusedRef {
                name: name.clone(),
                reason: words.get(name).cloned().unwrap_or_else(|| reason(now.is_some())),
            }),
        }
        if let Some(now) = after.refs.get(name) {
            result.refs.refs.insert(name.clone(), now.clone());
        }
    }
    let still: BTreeSet<_> = gone.iter().filter(|it| after.refs.contains_key(*it)).collect();
    result.deleted = (gone.len() - still.len()) as u64;
    if delete {
        result.refused.extend(still.iter().map(|name| RefusedRef {
            name: (*name).clone(),
            reason: words.get(*name).cloned().unwrap_or_else(|| "could not be removed".into()),
        }));
    }
    result.gone = still.into_iter().cloned().collect();
    result
}

fn reason(is_there: bool) -> String {
    if is_there {
        "somebody moved it at the destination; `--force` overwrites it".to_owned()
    } else {
        "it did not arrive: its name may collide with another ref's".to_owned()
    }
}
