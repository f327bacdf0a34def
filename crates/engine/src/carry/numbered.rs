//! Issues and change requests for hosts that number them one after the other.
//!
//! Such a host gives the next number to whatever comes next. So both kinds are read side by side
//! and written in the order of their numbers, and where the source has a gap, a closed issue takes
//! the number: what follows then keeps its own, and so do all references that people remember.
//! What is listed before something with a lower number waits for it.

use super::{
    Carrier, Place,
    batch::{Batch, Written},
    lane::progress,
    order::{Numbers, Waiting},
    pages::Pages,
    tail::{self, Tail},
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
    /// Where this run began to read it; `None` when it was done before.
    from: Option<Position>,
    page: VecDeque<Record>,
    /// Where the lane stands when the page is done.
    to: Option<Position>,
    /// Where it stands when nothing of it waits any more.
    done: Option<Position>,
    counts: Counts,
}

/// How far the numbers of a place are.
struct Row {
    lanes: Vec<Reading>,
    /// The number that the destination gives next; `None` where that is not told.
    next: Option<u64>,
    /// Whether gaps are filled.
    fills: bool,
    /// What was read and comes after what was not.
    waiting: Waiting,
    /// The numbers that were read.
    seen: Numbers,
    /// Those that are still to be read, once it was looked.
    coming: Option<Numbers>,
    tail: Tail,
}

impl Reading {
    /// Number of the next record.
    async fn head(&mut self, stop: &Stop) -> Result<Option<u64>, EngineError> {
        while self.page.is_empty() {
            self.done = self.to.take().or(self.done.take());
            let Some(pages) = &mut self.pages else { return Ok(None) };
            match stop.or(pages.next()).await? {
                None => self.pages = None,
                Some((records, to)) => {
                    self.page = records.into();
                    self.to = Some(to);
                }
            }
        }
        Ok(self.page.front().and_then(number_of))
    }

    /// Takes the records that follow each other without a gap, up to a number.
    fn take_row(&mut self, most: u64) -> Vec<Record> {
        let (mut taken, mut last) = (Vec::new(), None);
        while taken.len() < TOGETHER
            && let Some(number) = self.page.front().and_then(number_of)
            && number <= most
            && last.is_none_or(|last: u64| number <= last.saturating_add(1))
            && let Some(record) = self.page.pop_front()
        {
            last = Some(number);
            taken.push(record);
        }
        taken
    }
}

impl Row {
    /// Notes that records were read.
    fn saw(&mut self, records: &[Record]) {
        for number in records.iter().filter_map(number_of) {
            self.seen.add(number);
            if let Some(coming) = &mut self.coming {
                coming.remove(number);
            }
        }
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
        let mut issues = Numbers::default();
        for kind in KINDS {
            let mut pages =
                Pages::from(&self.run.ends.source, &Lane::new(scope.clone(), kind), None);
            while let Some((records, _)) = self.run.stop.or(pages.next()).await? {
                for number in records.iter().filter_map(number_of) {
                    match kind == ObjectKind::Issue {
                        true => issues.add(number),
                        false if issues.has(number) => return Ok(false),
                        false => {}
                    }
                }
            }
        }
        Ok(true)
    }

    fn reading(&self, scope: &Scope, kind: ObjectKind, position: &Position) -> Reading {
        let lane = Lane::new(scope.clone(), kind);
        let from = position.cursor().cloned();
        let pages =
            (*position != Position::Done).then(|| Pages::from(&self.run.ends.source, &lane, from));
        let (page, to, done, counts) = (VecDeque::new(), None, None, Counts::default());
        let from = (*position != Position::Done).then(|| position.clone());
        Reading { pages, lane, from, page, to, done, counts }
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
        let fills = self.run.options.gaps != Gaps::Leave && place.has_issues;
        let next = self.next_number(place).await?;
        let (waiting, seen) = (Waiting::default(), Numbers::default());
        let tail = Tail::default();
        let mut row = Row { lanes, next, fills, waiting, seen, coming: None, tail };
        let carried = self.all_steps(place, &mut row).await;
        if carried.is_err() {
            row.tail.unmark();
        }
        // What is complete by now is settled also when what comes after it cannot be carried.
        self.settle_tail(place, &mut row, 0).await?;
        carried
    }

    async fn all_steps(&self, place: &Place, row: &mut Row) -> Result<(), EngineError> {
        while self.step(place, row).await? {}
        Ok(())
    }

    /// Carries what comes next, or sets it aside for what comes later and has a lower number;
    /// whether there was anything.
    async fn step(&self, place: &Place, row: &mut Row) -> Result<bool, EngineError> {
        let mut head: Option<(usize, u64)> = None;
        let mut other = u64::MAX;
        for which in 0..row.lanes.len() {
            let Some(number) = row.lanes[which].head(self.run.stop).await? else { continue };
            match head {
                Some((_, least)) if least <= number => other = other.min(number),
                Some((_, least)) => {
                    // Of two with one number, the issue comes first.
                    other = least.saturating_sub(1);
                    head = Some((which, number));
                }
                None => head = Some((which, number)),
            }
        }
        Self::note_positions(row);
        self.settle_tail(place, row, tail::MOST).await?;
        let first = row.waiting.first();
        let due = first.filter(|it| head.is_none_or(|(_, head)| *it <= head));
        let Some(number) = due.or(head.map(|(_, it)| it)) else { return Ok(false) };
        let is_awaited = head.is_some() && self.comes_before(row, number).await?;
        let (which, records, is_in_order) = match (head, due) {
            (Some((which, _)), _) if is_awaited && !row.waiting.is_full() => {
                let record = row.lanes[which].page.pop_front();
                row.saw(record.as_slice());
                if let Some((number, record)) = record.and_then(|it| Some((number_of(&it)?, it))) {
                    row.waiting.put(number, which, record);
                }
                return Ok(true);
            }
            // Too much waits: its number goes to what is less late.
            (_, Some(_)) => match row.waiting.take() {
                Some((which, record)) => (which, vec![record], !is_awaited),
                None => return Ok(true),
            },
            (Some((which, number)), None) => {
                let most = first.map_or(other, |it| it.min(other)).max(number);
                let records = row.lanes[which].take_row(most);
                row.saw(&records);
                (which, records, !is_awaited)
            }
            (None, None) => return Ok(false),
        };
        self.carry_numbered(place, row, (which, records), is_in_order).await?;
        Ok(true)
    }

    /// Notes where the lanes stand when all that was numbered is settled, unless something of them
    /// waits.
    fn note_positions(row: &mut Row) {
        if row.waiting.is_empty() {
            for reading in &mut row.lanes {
                if let Some(done) = reading.done.take() {
                    row.tail.mark(&reading.lane, done);
                }
            }
        }
    }

    /// Whether a number that is free, and lower than that one, comes later in the listings.
    ///
    /// They are read ahead once for it, when the first gap is met.
    async fn comes_before(&self, row: &mut Row, number: u64) -> Result<bool, EngineError> {
        // Where nobody knows what is next, what was left by a run that died may be.
        let next = row.next.unwrap_or(1);
        if !row.fills || next >= number {
            return Ok(false);
        }
        if row.coming.is_none() {
            let mut coming = Numbers::default();
            for reading in &row.lanes {
                let Some(from) = &reading.from else { continue };
                let mut pages =
                    Pages::from(&self.run.ends.source, &reading.lane, from.cursor().cloned());
                while let Some((records, _)) = self.run.stop.or(pages.next()).await? {
                    let numbers = records.iter().filter_map(number_of);
                    numbers.filter(|it| !row.seen.has(*it)).for_each(|it| coming.add(it));
                }
            }
            row.coming = Some(coming);
        }
        Ok(row.coming.as_ref().is_some_and(|it| it.has_any_of(&(next..number))))
    }

    /// Carries records of one kind, in the order of their numbers; gaps before them are filled
    /// unless what belongs there is late.
    async fn carry_numbered(
        &self,
        place: &Place,
        row: &mut Row,
        (which, records): (usize, Vec<Record>),
        is_in_order: bool,
    ) -> Result<(), EngineError> {
        let fills = is_in_order && row.fills;
        let reading = &mut row.lanes[which];
        let lane = reading.lane.clone();
        let mut batch = Batch::new(lane.clone(), place.target.clone());
        batch.take(records);
        let prepared = self.preparer.batch(&mut batch).await?;
        for one in self.settle_unchanged(&lane, prepared, &mut reading.counts).await? {
            self.run.stop.check()?;
            let Some(number) = number_of(&one.record) else { continue };
            if fills {
                self.fill_gap(place, number, row).await?;
            }
            let became = self.number(place, (&lane, false), one, &mut row.tail).await?;
            // What was refused leaves its number free, and it will be filled.
            row.next = became.map(|it| it + 1).max(row.next);
            self.settle_tail(place, row, tail::MOST).await?;
        }
        Ok(())
    }

    /// Settles what is complete, and waits for the rest as long as more than `most` are not.
    async fn settle_tail(
        &self,
        place: &Place,
        row: &mut Row,
        most: usize,
    ) -> Result<(), EngineError> {
        while let Some(last) = self.next_of(&mut row.tail, most).await? {
            let reading = row.lanes.iter_mut().find(|it| !last.is_filler && it.lane == last.lane);
            let mut fillers = Counts::default();
            let counts = reading.map_or(&mut fillers, |it| &mut it.counts);
            let written = Written { results: last.results, to: last.to, n_batches: 1 };
            let bytes = self.settle(&last.lane, &place.target, written, counts).await?;
            self.run.worker.listener.on(&progress(&last.lane, counts, bytes));
            place.coming.some_came();
        }
        Ok(())
    }

    /// Takes the numbers up to that one, which nothing at the source has.
    async fn fill_gap(&self, place: &Place, number: u64, row: &mut Row) -> Result<(), EngineError> {
        let lane = place.lane(ObjectKind::Issue);
        while let Some(free) = row.next.filter(|it| *it < number && number - it <= MAX_GAP) {
            let filler = self.preparer.record(&lane, filler(free));
            let became = self.number(place, (&lane, true), filler, &mut row.tail).await?;
            row.next = became.map(|it| it + 1);
            self.settle_tail(place, row, tail::MOST).await?;
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
    Record::new(format!("{FILLER}{number}"), Object::from(issue))
}

/// The issue that took a number for nobody, by the id that it is noted under.
pub(crate) fn filler_of(origin: &Origin) -> Option<Record> {
    let number = origin.id.strip_prefix(FILLER)?.parse().ok()?;
    (origin.kind == ObjectKind::Issue).then(|| filler(number))
}

fn number_of(record: &Record) -> Option<u64> {
    if let Object::Issue(it) = &record.object {
        Some(it.number)
    } else if let Object::ChangeRequest(it) = &record.object {
        Some(it.number)
    } else {
        None
    }
}
