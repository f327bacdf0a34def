//! Records that a host lists in another order than that of their numbers.
//!
//! Hosts list by when something was made, and that is told anew where things were imported or moved
//! from elsewhere: what was made first may have the last number.

use packhorse_core::{Object, Record};
use std::{collections::BTreeMap, ops::Range};

/// Records that wait for others at most.
const MAX_WAITING: usize = 2_000;
/// Bytes of text that wait at most.
const MAX_WAITING_BYTES: usize = 16 << 20;

/// A set of numbers, small where they follow each other.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// First numbers of stretches, and their ends, which do not belong to them.
    stretches: BTreeMap<u64, u64>,
}

impl Numbers {
    /// The stretch that begins at or before a number.
    fn around(&self, number: u64) -> Option<(u64, u64)> {
        self.stretches.range(..=number).next_back().map(|(first, end)| (*first, *end))
    }

    pub(super) fn add(&mut self, number: u64) {
        let (mut first, mut end) = (number, number.saturating_add(1));
        if let Some((before, its_end)) = self.around(number).filter(|it| it.1 >= number) {
            if its_end > number {
                return;
            }
            first = before;
        }
        if let Some(its_end) = self.stretches.remove(&end) {
            end = its_end;
        }
        self.stretches.insert(first, end);
    }

    pub(super) fn remove(&mut self, number: u64) {
        let Some((first, end)) = self.around(number).filter(|it| it.1 > number) else { return };
        self.stretches.remove(&first);
        if first < number {
            self.stretches.insert(first, number);
        }
        if number.saturating_add(1) < end {
            self.stretches.insert(number.saturating_add(1), end);
        }
    }

    pub(super) fn has(&self, number: u64) -> bool {
        self.around(number).is_some_and(|(_, end)| end > number)
    }

    /// Whether one of a range is in it.
    pub(super) fn has_any_of(&self, range: &Range<u64>) -> bool {
        let last = range.end.saturating_sub(1);
        range.start < range.end && self.around(last).is_some_and(|(_, end)| end > range.start)
    }
}

/// Records that wait for lower numbers, by their number and the lane that they are of.
#[derive(Default)]
pub(super) struct Waiting {
    records: BTreeMap<(u64, usize), Record>,
    bytes: usize,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether nothing more may wait.
    pub(super) fn is_full(&self) -> bool {
        self.records.len() >= MAX_WAITING || self.bytes >= MAX_WAITING_BYTES
    }

    /// The lowest number that waits.
    pub(super) fn first(&self) -> Option<u64> {
        self.records.first_key_value().map(|((number, _), _)| *number)
    }

    pub(super) fn put(&mut self, number: u64, which: usize, record: Record) {
        self.bytes += weight(&record);
        if let Some(twice) = self.records.insert((number, which), record) {
            self.bytes -= weight(&twice);
        }
    }

    /// Takes the one with the lowest number, and the lane that it is of.
    pub(super) fn take(&mut self) -> Option<(usize, Record)> {
        let ((_, which), record) = self.records.pop_first()?;
        self.bytes -= weight(&record);
        Some((which, record))
    }
}

/// About how much room a record takes.
fn weight(record: &Record) -> usize {
    let body = if let Object::Issue(it) = &record.object {
        it.body.as_ref()
    } else if let Object::ChangeRequest(it) = &record.object {
        it.body.as_ref()
    } else {
        None
    };
    body.map_or(0, |it| it.as_str().len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn numbers_that_follow_each_other_are_one_stretch() {
        let mut numbers = Numbers::default();
        [5, 1, 3, 2, 4, 9].into_iter().for_each(|it| numbers.add(it));

        assert_eq!(numbers.stretches, BTreeMap::from([(1, 6), (9, 10)]));
    }

    proptest! {
        #[test]
        fn it_holds_what_a_set_holds(
            steps in prop::collection::vec((any::<bool>(), 0u64..40), 0..200),
            (from, to) in (0u64..41, 0u64..41),
        ) {
            let (mut numbers, mut set) = (Numbers::default(), BTreeSet::new());
            for (adds, number) in steps {
                if adds {
                    numbers.add(number);
                    set.insert(number);
                } else {
                    numbers.remove(number);
                    set.remove(&number);
                }
            }
            let is_any = from < to && set.range(from..to).next().is_some();
            prop_assert_eq!(numbers.has_any_of(&(from..to)), is_any);
        }
    }
}
