//! Issues and change requests for hosts that number them one after the other.
//!
//! Such a host gives the next number to whatever comes next. So both kinds are read side by side
//! and written in the order of their numbers, and where the source has a gap, a closed issue takes
//! the number: what follows then keeps its own, and so do all references that people remember.

use super::{
    Carrier, Place,
    batch::{Batch, Prepared, Written},
    lane::progress,
    pages::Pages,
};
use crate::{EngineError, Stop};
use packhorse_core::{
    HostErrorKind, Lane, Numbering, Object, ObjectKind, Origin, Record, Scope,
    job::Gaps,
    model::{Issue, Markup, OpenState, Text},
    port::{Counts, Item, ItemQuery, Position, Settled},
};
use std::collections::VecDeque;

/// Numbers that follow each other and belong to nothing, up to which they are filled.
///
/// A project that was moved before may begin at some large number; a thousand issues that say
/// nothing are worse than other numbers.
const MAX_GAP: u64 = 1_000;

/// Items that are looked at at a time.
const PAGE: usize = 1_000;

/// The two kinds, issues first: of two with one number, the issue keeps it.
pub(super) const KINDS: [ObjectKind; 2] = [ObjectKind::Issue, ObjectKind::ChangeRequest];

/// Records of one kind that are prepared together.
const TOGETHER: usize = 64;

/// What begins the ids of issues that fill gaps; the rest is the number.
const FILLER: &str = "gap ";

/// A lane that is being read.
struct Reading {
    pages: Option<Pages>,
    lane: Lane,
    page: VecDeque<Record>,
    /// Where the lane stands when the page is done.
    to: Option<Position>,
    counts: Counts,
}

impl Reading {
    /// Number of the next record, and where the lane stands if a page has just been done.
    async fn head(&mut self, stop: &Stop) -> Result<(Option<u64>, Option<Position>), EngineError> {
        let mut done = None;
        while self.page.is_empty() {
            done = self.to.take().or(done);
            let Some(pages) = &mut self.pages else { return Ok((None, done)) };
            match stop.or(pages.next()).await? {
                None => self.pages = None,
                Some((records, to)) => {
                    self.page = records.into();
                    self.to = Some(to);
                }
            }
        }
        Ok((self.page.front().and_then(number), done))
    }

    /// Takes the records whose numbers come before that of the other lane.
    fn take(&mut self, before: impl Fn(u64) -> bool) -> Vec<Record> {
        let mut taken = Vec::new();
        while taken.len() < TOGETHER
            && self.page.front().and_then(number).is_some_and(&before)
            && let Some(record) = self.page.pop_front()
        {
            taken.push(record);
        }
        taken
    }
}

impl Carrier<'_> {
    /// Whether issues and change requests of a place have to be carried in the order of their
    /// numbers.
    pub(super) async fn goes_by_number(&self, place: &Place) -> Result<bool, EngineError> {
        let passes =
            |kind: &ObjectKind| self.is_wanted(*kind) && self.sides.sink.of(*kind).is_some();
        if self.sides.sink.numbering != Numbering::OneRow || !KINDS.iter().all(passes) {
            return Ok(false);
        }
        match self.sides.source.numbering {
            Numbering::OneRow => Ok(true),
            Numbering::TwoRows => Ok(false),
            Numbering::Kept => self.share_a_row(&place.source).await,
        }
    }

    /// Whether no issue has the number of a change request, in a source that keeps what it is told.
    async fn share_a_row(&self, scope: &Scope) -> Result<bool, EngineError> {
        let [mut issues, mut changes] =
            KINDS.map(|kind| self.reading(scope, kind, &Position::Start));
        let stop = self.run.stop;
        loop {
            match (issues.head(stop).await?.0, changes.head(stop).await?.0) {
                (None, _) | (_, None) => return Ok(true),
                (Some(issue), Some(change)) if issue == change => return Ok(false),
                (Some(issue), Some(change)) => {
                    drop(issues.take(|it| it < change));
                    drop(changes.take(|it| it < issue));
                }
            }
        }
    }

    fn reading(&self, scope: &Scope, kind: ObjectKind, position: &Position) -> Reading {
        let lane = Lane::new(scope.clone(), kind);
        let from = position.cursor().cloned();
        let pages =
            (*position != Position::Done).then(|| Pages::from(&self.run.ends.source, &lane, from));
        let (page, to, counts) = (VecDeque::new(), None, Counts::default());
        Reading { pages, lane, page, to, counts }
    }

    /// Carries issues and change requests in the order of their numbers.
    pub(super) async fn by_number(&self, place: &Place) -> Result<(), EngineError> {
        let (journal, claim) = (&self.run.worker.journal, self.run.claim);
        let mut lanes = Vec::with_capacity(KINDS.len());
        for kind in KINDS {
            let position = journal.position(claim, &place.lane(kind)).await?;
            let mut reading = self.reading(&place.source, kind, &position);
            reading.counts.source = place.count(kind);
            self.run.worker.tell(claim, progress(&reading.lane, &reading.counts, 0)).await?;
            lanes.push(reading);
        }
        let mut next = self.next_number(place).await?;
        loop {
            let mut heads = [None; KINDS.len()];
            for (head, reading) in heads.iter_mut().zip(&mut lanes) {
                let (number, done) = reading.head(self.run.stop).await?;
                if done.is_some() {
                    journal.settle(claim, &reading.lane, &[], &[], done.as_ref()).await?;
                }
                *head = number;
            }
            let records = match heads {
                [None, None] => return Ok(()),
                [Some(_), other] => lanes[0].take(|it| other.is_none_or(|other| it <= other)),
                [None, Some(_)] => Vec::new(),
            };
            let (which, records) = match (records.is_empty(), heads[0]) {
                (false, _) => (0, records),
                (true, issue) => (1, lanes[1].take(|it| issue.is_none_or(|issue| it < issue))),
            };
            self.carry_numbered(place, &mut lanes[which], records, &mut next).await?;
        }
    }

    /// Carries records of one kind, in the order of their numbers.
    async fn carry_numbered(
        &self,
        place: &Place,
        reading: &mut Reading,
        records: Vec<Record>,
        next: &mut Option<u64>,
    ) -> Result<(), EngineError> {
        let lane = reading.lane.clone();
        let mut batch = Batch::new(lane.clone(), place.target.clone());
        batch.take(records);
        let prepared = self.prepare_batch(&mut batch).await?;
        for one in self.settle_unchanged(&lane, prepared, &mut reading.counts).await? {
            self.run.stop.check()?;
            let Some(number) = number(&one.record) else { continue };
            self.fill_gap(place, number, next).await?;
            let became = self.carry_next(&lane, place, one, &mut reading.counts).await?;
            // What was refused leaves its number free, and it will be filled.
            *next = became.map(|it| it + 1).max(*next);
        }
        Ok(())
    }

    /// Carries one record; the number that it got.
    async fn carry_next(
        &self,
        lane: &Lane,
        place: &Place,
        mut one: Prepared,
        counts: &mut Counts,
    ) -> Result<Option<u64>, EngineError> {
        let one = std::slice::from_mut(&mut one);
        let results = self.write_chunk(lane, &place.target, one).await?;
        let became = results.settled.first().and_then(|it| it.target.0.parse().ok());
        let bytes = self
            .settle(lane, &place.target, Written { results, to: None, n_batches: 1 }, counts)
            .await?;
        self.run.worker.listener.on(&progress(lane, counts, bytes));
        Ok(became)
    }

    /// Takes the numbers up to that one, which nothing at the source has.
    async fn fill_gap(
        &self,
        place: &Place,
        number: u64,
        next: &mut Option<u64>,
    ) -> Result<(), EngineError> {
        if self.run.options.gaps == Gaps::Leave || !place.has_issues {
            return Ok(());
        }
        let lane = place.lane(ObjectKind::Issue);
        while let Some(free) = next.filter(|it| *it < number && number - it <= MAX_GAP) {
            let filler = self.prepare(&lane, filler(free));
            let became = self.carry_next(&lane, place, filler, &mut Counts::default()).await?;
            *next = became.map(|it| it + 1);
        }
        Ok(())
    }

    /// The number that the destination gives next; `None` where that cannot be told.
    ///
    /// What earlier runs put into gaps is noted as still wanted on the way.
    async fn next_number(&self, place: &Place) -> Result<Option<u64>, EngineError> {
        let (journal, claim) = (&self.run.worker.journal, self.run.claim);
        let mut last = 0;
        for kind in KINDS {
            let (lane, mut after) = (place.lane(kind), None);
            loop {
                let query = ItemQuery::After(after, PAGE);
                let items = journal.items(claim.route, &lane, &query).await?;
                let Some(end) = items.last() else { break };
                after = Some(end.origin.id.clone());
                last = items.iter().filter_map(|it| it.target.0.parse().ok()).fold(last, u64::max);
                let fillers = items.into_iter().filter(|it| it.origin.id.starts_with(FILLER));
                let kept: Vec<Settled> = fillers.map(unchanged).collect();
                if !kept.is_empty() {
                    journal.settle(claim, &lane, &kept, &[], None).await?;
                }
            }
        }
        let is_ours = last > 0 || self.is_empty(&place.target).await?;
        Ok(is_ours.then_some(last + 1))
    }

    /// Whether the destination says that it has no issue and no change request there.
    async fn is_empty(&self, target: &Scope) -> Result<bool, EngineError> {
        let inventory = match (self.run.ends.reader)() {
            Ok(reader) => reader.inventory(target).await,
            Err(error) => Err(error),
        };
        Ok(match inventory {
            Ok(inventory) => KINDS.iter().all(|kind| inventory.records(*kind) == Some(0)),
            Err(error) if error.kind == HostErrorKind::NotFound => true,
            Err(error) => return Err(error.into()),
        })
    }
}

fn unchanged(item: Item) -> Settled {
    let Item { origin, target, fingerprint, .. } = item;
    Settled { id: origin.id, fingerprint, target, outcome: None, losses: Vec::new() }
}

/// The closed issue that takes a number.
fn filler(number: u64) -> Record {
    let text = format!("Nothing at the source has the number {number}: what had it was deleted.");
    let issue = Issue {
        number,
        title: format!("(number {number} was not in use)"),
        body: Some(Text::new(text, Markup::Github)),
        state: OpenState::Closed,
        ..Issue::default()
    };
    Record::new(format!("{FILLER}{number}"), Object::Issue(issue))
}

/// The issue that took a number for nobody, by the id that it is noted under.
pub(crate) fn filler_of(origin: &Origin) -> Option<Record> {
    let number = origin.id.strip_prefix(FILLER)?.parse().ok()?;
    (origin.kind == ObjectKind::Issue).then(|| filler(number))
}

fn number(record: &Record) -> Option<u64> {
    if let Object::Issue(it) = &record.object {
        Some(it.number)
    } else if let Object::ChangeRequest(it) = &record.object {
        Some(it.number)
    } else {
        None
    }
}
