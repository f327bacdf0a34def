//! A try, once both sides have told their refs.

use super::{
    account::{Words, collisions, reason},
    forward::Forward,
    parts::Part,
    way::Way,
};
use crate::{
    error::GitError,
    large_files, mirror,
    pump::{self, Destination, Pack, RefCommand, Source, Wish},
    refs::{PARTS, RefList, Selection},
};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use packhorse_core::port::ByteStream;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Questions to the source about one ref each, at once and in all.
const QUESTIONS_AT_ONCE: usize = 4;
const MAX_QUESTIONS: usize = 5_000;

pub(super) struct Errand<'a> {
    pub(super) chosen: &'a Selection,
    pub(super) there: &'a RefList,
    pub(super) gone: &'a [String],
    /// Why refs stay as they are, from earlier tries and from this.
    pub(super) words: &'a mut Words,
}

/// What a try has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All is as it should be, or stays as it is.
    Nothing,
    /// What could be done is done; the refs that are there now, where the destination has said so.
    Pushed(Option<RefList>),
    /// Another push is to follow.
    More,
    /// Nothing was pushed: there are files that the destination does not take.
    LargeFiles,
}

impl Errand<'_> {
    pub(super) async fn carry(
        self,
        way: &mut Way<'_>,
        source: Source,
        destination: Destination,
    ) -> Result<Outcome, GitError> {
        let there = &self.there.refs;
        let offered = &source.listing().list.refs;
        let removed = self.removed(way.options.delete);
        let collisions = collisions(&self.chosen.wanted.refs, there, &removed);
        self.words.extend(collisions);
        let stays = self.stays(way, offered, Forward::new(way, &source)).await?;
        self.words.extend(stays);
        let mut commands = pump::commands(&self.chosen.wanted.refs, there, &removed, self.words);
        if let Some(group) = way.turns.current() {
            commands.retain(|it| group.contains(&it.name));
        }
        if commands.is_empty() {
            let has_turns = way.turns.current().is_some();
            way.turns.skip();
            return Ok(if has_turns { Outcome::More } else { Outcome::Nothing });
        }
        let mut is_part = false;
        if way.parts.is_some() {
            way.last.clone_from(&commands);
        }
        if let Some(part) = next_part(way, &commands, self.there).await? {
            commands = part;
            is_part = true;
        }
        let wish = self.wish(way, &commands, offered, &destination);
        let permit = match &way.options.packs {
            Some(packs) => Some(permit(packs).await?),
            None => None,
        };
        let Some(pack) = pack(way, source, &wish).await? else { return Ok(Outcome::LargeFiles) };
        let verdict = destination.push(&commands, pack, &way.options.listener).await?;
        drop(permit);
        if is_part {
            let is_refused = !verdict.refused.is_empty();
            let elsewhere = way.parts.as_mut().filter(|_| is_refused).map(|it| it.go_elsewhere());
            let Some(false) = elsewhere else { return Ok(Outcome::More) };
            let name = verdict.refused.keys().next().cloned().unwrap_or_default();
            let words = verdict.explained(&name).unwrap_or_default();
            return Err(GitError::Refused { place: way.to.url.to_string(), words });
        }
        let settled = way.turns.settle(&commands, &verdict);
        if settled.is_final {
            let refused = verdict.refused.keys();
            let words = refused.filter_map(|it| Some((it.clone(), verdict.explained(it)?)));
            self.words.extend(words);
        }
        // What the parts have left goes in a push of its own, where refs went in turns.
        let is_tidy = removed.iter().all(|name| commands.iter().any(|it| it.name == *name));
        if settled.has_more || !is_tidy {
            return Ok(Outcome::More);
        }
        Ok(Outcome::Pushed(verdict.applied(self.there.clone(), &commands)))
    }

    /// What is removed: what is gone, if that is wanted, and what unfinished pushes have left.
    fn removed(&self, delete: bool) -> Vec<String> {
        let there = self.there.refs.keys();
        let parts = there.filter(|name| PARTS.iter().any(|it| name.starts_with(it))).cloned();
        let gone = self.gone.iter().filter(|it| delete && self.there.refs.contains_key(*it));
        gone.cloned().chain(parts).collect()
    }

    fn wish(
        &self,
        way: &Way<'_>,
        commands: &[RefCommand],
        offered: &BTreeMap<String, String>,
        destination: &Destination,
    ) -> Wish {
        let mut wish = pump::wish(commands, offered, &self.there.refs, destination.haves());
        wish.is_thin = !wish.haves.is_empty() && destination.takes_thin_packs();
        wish.is_quiet = !way.options.listener.is_there();
        wish.has_offsets = destination.takes_offsets();
        wish
    }

    /// The refs that are not changed, with the reason: those that the source did not give, and
    /// those that would be rewound and are not ours to rewind.
    async fn stays(
        &self,
        way: &Way<'_>,
        offered: &BTreeMap<String, String>,
        forward: Forward<'_>,
    ) -> Result<Words, GitError> {
        let mut words = Words::new();
        let mut doubtful = Vec::new();
        for (name, id) in &self.chosen.wanted.refs {
            let at_source = self.chosen.renamed.get(name).unwrap_or(name);
            let is_given = self.chosen.given.contains(name) || offered.get(at_source) == Some(id);
            match self.there.refs.get(name) {
                Some(old) if old == id => {}
                _ if self.words.contains_key(name) => {}
                _ if !is_given => {
                    let why = "the source gives no whole history of it; it may hold a part alone";
                    words.insert(name.clone(), why.to_owned());
                }
                Some(old) if !may_move(way, name, old) => doubtful.push((name, id, old)),
                Some(_) | None => {}
            }
        }
        // A tag that moves is another tag, wherever it moves to.
        let (askable, others): (Vec<_>, Vec<_>) =
            doubtful.into_iter().partition(|(name, _, _)| !name.starts_with("refs/tags/"));
        let (asked, unasked) = askable.split_at(askable.len().min(MAX_QUESTIONS));
        let ask = |(name, id, old): &(&String, &String, &String)| {
            let (name, id, old) = ((*name).clone(), (*id).clone(), (*old).clone());
            let forward = forward.clone();
            async move { Ok::<_, GitError>((name, forward.descends(&id, &old).await?)) }.boxed()
        };
        let questions: Vec<_> = asked.iter().map(ask).collect();
        let answers = stream::iter(questions).buffer_unordered(QUESTIONS_AT_ONCE);
        let answers: Vec<_> = answers.try_collect().await?;
        let rewound = answers.into_iter().filter(|(_, descends)| !descends).map(|(name, _)| name);
        words.extend(rewound.map(|name| (name, reason(true))));
        let others = others.iter().chain(unasked).map(|(name, _, _)| (*name).clone());
        words.extend(others.map(|name| (name, reason(true))));
        Ok(words)
    }
}

/// Waits until a pack may be on its way.
async fn permit(packs: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, GitError> {
    let permit = Arc::clone(packs).acquire_owned().await;
    permit.map_err(|closed| GitError::system("wait for other packs")(std::io::Error::other(closed)))
}

/// Whether a ref of the destination may be overwritten: on request, or when an earlier run of
/// this route left it as it is.
fn may_move(way: &Way<'_>, name: &str, there: &str) -> bool {
    let options = way.options;
    let known = options.known.as_ref().and_then(|known| known.get(name));
    options.force || known.is_some_and(|it| it == there)
}

/// The commands that push a part; `None` when all that is left can go at once.
async fn next_part(
    way: &mut Way<'_>,
    commands: &[RefCommand],
    there: &RefList,
) -> Result<Option<Vec<RefCommand>>, GitError> {
    let Some(parts) = &mut way.parts else { return Ok(None) };
    let wants: BTreeSet<String> = commands.iter().filter_map(|it| it.new.clone()).collect();
    let wants: Vec<String> = wants.into_iter().collect();
    let haves = there.refs.values().map(String::as_str).collect();
    let heads = match parts.next(&wants, &haves).await? {
        Part::Rest => return Ok(None),
        Part::Some(heads) => heads,
    };
    let command = |(name, id): (String, String)| {
        let old = there.refs.get(&name).cloned();
        RefCommand { name, old, new: Some(id) }
    };
    Ok(Some(heads.into_iter().map(command).collect()))
}

/// The pack that a push needs; `None` when there are files in it that the destination does not
/// take.
async fn pack(way: &mut Way<'_>, source: Source, wish: &Wish) -> Result<Option<Pack>, GitError> {
    if wish.wants.is_empty() {
        return Ok(Some(Pack::Empty));
    }
    let (limits, format) = (way.options.limits, source.listing().object_format);
    let at_most = limits.file_bytes.filter(|_| !way.is_looked_through);
    let count = at_most.and_then(|it| source.count_up_to(it));
    let pack = source.pack(wish, &way.options.listener);
    let (flow, without) = tokio::join!(pack, large_files::count(count, wish));
    let flow = flow?;
    if without.is_some_and(|it| it != flow.objects) {
        return Ok(None);
    }
    way.is_looked_through = true;
    let pack = match &way.options.gate {
        Some(gate) => gate.pass(flow.pack, format, wish.haves.is_empty()),
        None => flow.pack,
    };
    if way.is_measured {
        return mirror::measured(pack, limits.push_bytes, (way.to, &way.options.scratch))
            .await
            .map(Some);
    }
    Ok(Some(Pack::Streamed(match limits.push_bytes {
        Some(at_most) => bounded(pack, at_most, way.to.url.to_string()),
        None => pack,
    })))
}

/// A pack that ends with an error when it is larger than its destination takes.
fn bounded(pack: ByteStream, at_most: u64, place: String) -> ByteStream {
    let mut n_bytes = 0;
    Box::pin(pack.map(move |piece| {
        let piece = piece?;
        n_bytes += piece.len() as u64;
        if n_bytes <= at_most {
            return Ok(piece);
        }
        let words = format!(": at most {at_most} bytes");
        Err(std::io::Error::other(GitError::TooLarge { place: place.clone(), words }))
    }))
}
