//! What stands before each object of a pack.

/// An object's head.
pub(super) struct EntryHead {
    /// Where it begins in the pack.
    pub(super) at: u64,
    /// Its inflated size in bytes: of the object, or of the difference.
    pub(super) size: u64,
    pub(super) base: Base,
}

/// What an object is made from.
pub(super) enum Base {
    /// A commit, a tree or a tag: nothing to look at.
    NotABlob,
    /// A blob that is there whole.
    Whole,
    /// A difference to the object at this place.
    Offset(u64),
    /// A difference to an object that is named.
    Name,
}

/// Reads a head byte by byte.
pub(super) struct HeadReader {
    at: u64,
    hash_length: usize,
    step: Step,
    kind: u8,
    size: u64,
}

enum Step {
    First,
    /// More of the size, from this bit on.
    Size(u32),
    /// More of the distance to the base.
    Distance(Option<u64>),
    /// Bytes of the base's name that are to come.
    Name(usize),
}

impl HeadReader {
    pub(super) fn new(at: u64, hash_length: usize) -> Self {
        Self { at, hash_length, step: Step::First, kind: 0, size: 0 }
    }

    /// Takes a byte, and gives the head when it was the last.
    pub(super) fn push(&mut self, byte: u8) -> Result<Option<EntryHead>, &'static str> {
        let (more, seven) = (byte & 0x80 != 0, u64::from(byte & 0x7f));
        match self.step {
            Step::First => {
                self.kind = byte >> 4 & 7;
                self.size = u64::from(byte & 15);
                if more { self.go(Step::Size(4)) } else { self.sized() }
            }
            Step::Size(shift) => {
                // Sizes beyond 2^56 bytes are nobody's.
                if shift > 49 {
                    return Err("an object's size is beyond measure");
                }
                self.size |= seven << shift;
                if more { self.go(Step::Size(shift + 7)) } else { self.sized() }
            }
            Step::Distance(distance) => {
                let distance = match distance {
                    None => seven,
                    Some(it) if it >= 1 << 48 => return Err("an object's base is out of reach"),
                    Some(it) => ((it + 1) << 7) | seven,
                };
                if more {
                    return self.go(Step::Distance(Some(distance)));
                }
                match self.at.checked_sub(distance).filter(|_| distance > 0) {
                    Some(base) => Ok(Some(self.done(Base::Offset(base)))),
                    None => Err("an object's base is outside the pack"),
                }
            }
            Step::Name(1) => Ok(Some(self.done(Base::Name))),
            Step::Name(left) => self.go(Step::Name(left - 1)),
        }
    }

    fn go(&mut self, step: Step) -> Result<Option<EntryHead>, &'static str> {
        self.step = step;
        Ok(None)
    }

    fn sized(&mut self) -> Result<Option<EntryHead>, &'static str> {
        match self.kind {
            1 | 2 | 4 => Ok(Some(self.done(Base::NotABlob))),
            3 => Ok(Some(self.done(Base::Whole))),
            6 => self.go(Step::Distance(None)),
            7 => self.go(Step::Name(self.hash_length)),
            _ => Err("an object is of no known kind"),
        }
    }

    fn done(&self, base: Base) -> EntryHead {
        EntryHead { at: self.at, size: self.size, base }
    }
}
