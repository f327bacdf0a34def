//! What is remembered of a pack's objects, within bounds.

use super::begin::Begin;
use std::collections::{HashMap, VecDeque};

/// Most objects whose place is remembered: 8 bytes each.
const MAX_PLACES: usize = 512 << 10;

/// Most content that is kept, in bytes.
const MAX_CONTENT: usize = 8 << 20;

/// What one blob's content costs beside its bytes, about.
const OVERHEAD: usize = 64;

/// What is known of the object at a place in the pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is a commit, a tree or a tag.
    NotABlob,
    /// It begins as no pointer does.
    Plain,
    /// It begins as a pointer may.
    LikeAPointer,
    /// Nothing is known of it.
    Unknown,
}

impl Place {
    pub(super) fn of(begin: Begin) -> Self {
        match begin {
            Begin::Plain => Self::Plain,
            Begin::LikeAPointer => Self::LikeAPointer,
            Begin::Unknown => Self::Unknown,
        }
    }
}

/// Objects by their place in the pack, the latest of them.
#[derive(Default)]
pub(super) struct Known {
    /// Places in ascending order, shifted by the two bits of what is there.
    places: VecDeque<u64>,
    contents: HashMap<u64, Box<[u8]>>,
    /// The same places, the oldest first.
    order: VecDeque<u64>,
    weight: usize,
}

impl Known {
    pub(super) fn note(&mut self, at: u64, place: Place) {
        if self.places.len() == MAX_PLACES {
            self.places.pop_front();
        }
        let bits = match place {
            Place::NotABlob => 0,
            Place::Plain => 1,
            Place::LikeAPointer => 2,
            Place::Unknown => 3,
        };
        self.places.push_back(at << 2 | bits);
    }

    pub(super) fn note_content(&mut self, at: u64, content: &[u8]) {
        self.note(at, Place::of(Begin::of(content)));
        self.weight += content.len() + OVERHEAD;
        self.contents.insert(at, content.into());
        self.order.push_back(at);
        while self.weight > MAX_CONTENT
            && let Some(oldest) = self.order.pop_front()
        {
            let content = self.contents.remove(&oldest).map_or(0, |it| it.len());
            self.weight -= content + OVERHEAD;
        }
    }

    pub(super) fn place(&self, at: u64) -> Place {
        let found = self.places.binary_search_by_key(&at, |it| it >> 2);
        match found.ok().and_then(|it| self.places.get(it)).map(|it| it & 3) {
            Some(0) => Place::NotABlob,
            Some(1) => Place::Plain,
            Some(2) => Place::LikeAPointer,
            Some(_) | None => Place::Unknown,
        }
    }

    pub(super) fn content(&self, at: u64) -> Option<&[u8]> {
        self.contents.get(&at).map(|it| &**it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_first() {
        let mut known = Known::default();
        let content = vec![b'a'; 8192];
        for at in 0..2_000 {
            known.note_content(at, &content);
        }

        assert!(known.content(0).is_none());
        assert!(known.content(1_999).is_some());
        assert_eq!(known.place(0), Place::Plain);
        assert!(known.weight <= MAX_CONTENT);
    }

    #[test]
    fn places_that_were_never_noted_are_unknown() {
        let mut known = Known::default();
        known.note(12, Place::NotABlob);

        assert_eq!((known.place(12), known.place(13)), (Place::NotABlob, Place::Unknown));
    }
}
