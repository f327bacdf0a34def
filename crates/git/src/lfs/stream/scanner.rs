//! The scanner itself.

use super::{
    begin::Begin,
    delta::Delta,
    entry::{Base, EntryHead, HeadReader},
    known::{Known, Place},
};
use crate::lfs::{MAX_POINTER, MIN_POINTER, Pointer};
use flate2::{Decompress, FlushDecompress, Status};
use packhorse_core::model::ObjectFormat;

/// Most of an inflated object that is kept, in bytes: twice a pointer, since many small
/// texts that are differences are differences to such
const MAX_KEPT: usize = 2 << 10;

/// Inflated bytes at a time.
const WINDOW: usize = 32 << 10;

/// What a pack was found to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Pointers that were found, each as often as it is in the pack.
    pub n_pointers: u64,
    /// Small objects of which could not be told whether they are pointers.
    pub n_unresolved: u64,
    /// Objects that were looked at, and how many the pack's head promised.
    pub n_objects: (u32, u32),
    /// Why reading stopped before the pack's end.
    pub broken: Option<&'static str>,
}

impl Scanned {
    /// Whether no pointer can have been missed.
    pub fn is_complete(&self) -> bool {
        self.n_unresolved == 0 && self.broken.is_none() && self.n_objects.0 == self.n_objects.1
    }
}

/// Looks for pointers in a pack that is fed to it in pieces.
///
/// It never fails: a pack that cannot be read ends the search and is told by
/// [`PackScanner::finish`]; whether the pack is sound is the receiver's to find
/// out. Memory is bounded by about 14 MiB whatever is in the pack.
pub struct PackScanner {
    /// Bytes of the pack that are behind us.
    at: u64,
    state: State,
    inflate: Decompress,
    window: Vec<u8>,
    kept: Vec<u8>,
    known: Known,
    hash_length: usize,
    scanned: Scanned,
}

enum State {
    /// Reading the pack's 12 bytes.
    PackHead(Vec<u8>),
    /// Reading an object's type, size and base.
    EntryHead(HeadReader),
    /// Inflating an object.
    Body(EntryHead),
    /// All objects are through, or nothing more can be read.
    Done,
}

impl PackScanner {
    /// A scanner for a pack whose objects are named in that format.
    pub fn new(format: ObjectFormat) -> Self {
        Self {
            at: 0,
            state: State::PackHead(Vec::with_capacity(12)),
            inflate: Decompress::new(true),
            window: vec![0; WINDOW],
            kept: Vec::with_capacity(MAX_KEPT),
            known: Known::default(),
            hash_length: match format {
                ObjectFormat::Sha1 => 20,
                ObjectFormat::Sha256 => 32,
            },
            scanned: Scanned::default(),
        }
    }

    /// Takes the next bytes of the pack and calls `found` for each pointer that ends in them.
    pub fn feed(&mut self, mut bytes: &[u8], mut found: impl FnMut(Pointer)) {
        while !bytes.is_empty() {
            let state = std::mem::replace(&mut self.state, State::Done);
            let n = match state {
                State::PackHead(head) => self.pack_head(head, bytes),
                State::EntryHead(head) => self.entry_head(head, bytes),
                State::Body(head) => self.body(head, bytes, &mut found),
                State::Done => return,
            };
            self.at += n as u64;
            bytes = &bytes[n..];
        }
    }

    /// What was found, after the last byte.
    pub fn finish(self) -> Scanned {
        self.scanned
    }

    fn break_off(&mut self, why: &'static str) -> usize {
        self.scanned.broken = Some(why);
        self.state = State::Done;
        0
    }

    fn pack_head(&mut self, mut head: Vec<u8>, bytes: &[u8]) -> usize {
        let n = bytes.len().min(12 - head.len());
        head.extend_from_slice(&bytes[..n]);
        if head.len() < 12 {
            self.state = State::PackHead(head);
            return n;
        }
        let is_pack = head.starts_with(b"PACK\0\0\0\x02") || head.starts_with(b"PACK\0\0\0\x03");
        if !is_pack {
            return self.break_off("it does not begin as a pack");
        }
        self.scanned.n_objects.1 = u32::from_be_bytes([head[8], head[9], head[10], head[11]]);
        self.next_entry(self.at + n as u64);
        n
    }

    fn next_entry(&mut self, at: u64) {
        let (done, promised) = self.scanned.n_objects;
        self.state = if done == promised {
            State::Done
        } else {
            State::EntryHead(HeadReader::new(at, self.hash_length))
        };
    }

    fn entry_head(&mut self, mut head: HeadReader, bytes: &[u8]) -> usize {
        for (n, byte) in bytes.iter().enumerate() {
            match head.push(*byte) {
                Ok(None) => (),
                Ok(Some(entry)) => {
                    self.inflate.reset(true);
                    self.kept.clear();
                    self.state = State::Body(entry);
                    return n + 1;
                }
                Err(why) => return self.break_off(why),
            }
        }
        self.state = State::EntryHead(head);
        bytes.len()
    }

    fn body(&mut self, head: EntryHead, bytes: &[u8], found: &mut impl FnMut(Pointer)) -> usize {
        let before = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(bytes, &mut self.window, FlushDecompress::None);
        let n_in = (self.inflate.total_in() - before.0) as usize;
        let n_out = (self.inflate.total_out() - before.1) as usize;
        let room = MAX_KEPT - self.kept.len();
        self.kept.extend_from_slice(&self.window[..n_out.min(room)]);
        if self.inflate.total_out() > head.size {
            return self.break_off("an object is larger than it says");
        }
        match status {
            Err(_) => return self.break_off("an object cannot be inflated"),
            Ok(Status::StreamEnd) => {
                if self.inflate.total_out() < head.size {
                    return self.break_off("an object is smaller than it says");
                }
                self.scanned.n_objects.0 += 1;
                self.settle(&head, found);
                self.next_entry(self.at + n_in as u64);
            }
            Ok(Status::Ok | Status::BufError) if n_in == 0 && n_out == 0 => {
                return self.break_off("an object cannot be inflated");
            }
            Ok(Status::Ok | Status::BufError) => self.state = State::Body(head),
        }
        n_in
    }

    /// An object is through: keeps what later ones may need, and tells a pointer.
    fn settle(&mut self, head: &EntryHead, found: &mut impl FnMut(Pointer)) {
        let kept = std::mem::take(&mut self.kept);
        match &head.base {
            Base::NotABlob => self.known.note(head.at, Place::NotABlob),
            Base::Whole => self.blob(head.at, head.size, &kept, found),
            Base::Offset(base) => self.delta(head, Some(*base), &kept, found),
            Base::Name => self.delta(head, None, &kept, found),
        }
        self.kept = kept;
    }

    fn blob(&mut self, at: u64, size: u64, kept: &[u8], found: &mut impl FnMut(Pointer)) {
        if size == kept.len() as u64 {
            if let Some(pointer) = Pointer::parse(kept) {
                self.scanned.n_pointers += 1;
                found(pointer);
            }
            self.known.note_content(at, kept);
        } else {
            self.known.note(at, Place::of(Begin::of(kept)));
        }
    }

    /// A difference: what it makes is found out, or that it cannot be a pointer.
    fn delta(
        &mut self,
        head: &EntryHead,
        base: Option<u64>,
        kept: &[u8],
        found: &mut impl FnMut(Pointer),
    ) {
        let place = base.map_or(Place::Unknown, |it| self.known.place(it));
        if place == Place::NotABlob {
            return self.known.note(head.at, Place::NotABlob);
        }
        let Some(delta) = Delta::parse(kept) else {
            self.scanned.n_unresolved += 1;
            return self.known.note(head.at, Place::Unknown);
        };
        let content = base.and_then(|it| self.known.content(it));
        let is_whole = head.size == kept.len() as u64;
        if is_whole
            && delta.result <= MAX_KEPT as u64
            && let Some(made) = content.and_then(|it| delta.apply(it))
        {
            return self.blob(head.at, made.len() as u64, &made, found);
        }
        let place = Place::of(delta.begin(place));
        let can_be_pointer = (MIN_POINTER..MAX_POINTER).contains(&delta.result);
        if can_be_pointer && place != Place::Plain {
            self.scanned.n_unresolved += 1;
        }
        self.known.note(head.at, place);
    }
}
