//! Compresses the pieces of a stream side by side, and gives them back in order.
//!
//! Each piece is compressed by itself: a zstd frame, or deflate blocks that end
//! at a byte and refer to nothing before them. So it does not matter which
//! thread took which, and the bytes are the same on every machine.

use flate2::{Compress, FlushCompress, Status};
use std::{
    io,
    num::NonZero,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

/// Most threads; more would wait for the disk.
const MAX_THREADS: usize = 4;
/// Pieces that wait for a thread while it is busy, or for us.
const WAITING: usize = 1;

/// How a piece is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// A zstd frame of that level, with a checksum.
    Zstd(i32),
    /// Deflate blocks of that level.
    Deflate(u32),
}

/// A piece that is compressed.
pub(super) struct Pressed {
    pub(super) packed: Vec<u8>,
    /// CRC-32 and number of the bytes as they were; of deflate alone.
    pub(super) sum: crc32fast::Hasher,
    pub(super) size: u32,
    /// The piece's memory, emptied.
    plain: Vec<u8>,
}

struct Job {
    method: Method,
    plain: Vec<u8>,
    packed: Vec<u8>,
}

struct Worker {
    jobs: SyncSender<Job>,
    done: Receiver<io::Result<Pressed>>,
}

/// Threads that compress; they start with the first piece and end with this.
#[derive(Default)]
pub(super) struct Press {
    workers: Vec<Worker>,
    /// Pieces that were given, and pieces that were taken back.
    given: usize,
    taken: usize,
    spare: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Press {
    /// Whether a piece has to be taken before the next one can be given.
    pub(super) fn is_full(&self) -> bool {
        !self.workers.is_empty() && self.given - self.taken > self.workers.len() * WAITING
    }

    /// Whether nothing was given yet.
    pub(super) const fn is_idle(&self) -> bool {
        self.given == 0
    }

    /// Gives a piece to be compressed, and takes an empty one for it.
    pub(super) fn give(&mut self, method: Method, plain: &mut Vec<u8>) -> io::Result<()> {
        if self.workers.is_empty() {
            self.start()?;
        }
        let (empty, packed) = self.spare.pop().unwrap_or_default();
        let plain = std::mem::replace(plain, empty);
        let worker = &self.workers[self.given % self.workers.len()];
        worker.jobs.send(Job { method, plain, packed }).map_err(|_| ended())?;
        self.given += 1;
        Ok(())
    }

    /// The oldest piece that was given and not taken, once it is compressed.
    pub(super) fn take(&mut self) -> Option<io::Result<Pressed>> {
        if self.given == self.taken {
            return None;
        }
        let worker = &self.workers[self.taken % self.workers.len()];
        self.taken += 1;
        Some(worker.done.recv().unwrap_or_else(|_| Err(ended())))
    }

    /// Takes a piece's memory back, for the next one.
    pub(super) fn recycle(&mut self, mut pressed: Pressed) {
        pressed.packed.clear();
        self.spare.push((pressed.plain, pressed.packed));
    }

    fn start(&mut self) -> io::Result<()> {
        let n = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS);
        for _ in 0..n {
            let (jobs, work) = sync_channel(WAITING);
            let (finished, done) = sync_channel(WAITING + 1);
            thread::Builder::new().name("compress".into()).spawn(move || {
                let mut tools = Tools::default();
                for job in work {
                    if finished.send(tools.press(job)).is_err() {
                        break;
                    }
                }
            })?;
            self.workers.push(Worker { jobs, done });
        }
        Ok(())
    }
}

fn ended() -> io::Error {
    io::Error::other("a thread that compresses has ended")
}

/// What a thread compresses with; setting it up costs more than a small piece.
#[derive(Default)]
struct Tools {
    zstd: Option<(i32, zstd::bulk::Compressor<'static>)>,
    deflate: Option<(u32, Compress)>,
}

impl Tools {
    fn press(&mut self, job: Job) -> io::Result<Pressed> {
        let Job { method, mut plain, mut packed } = job;
        let mut sum = crc32fast::Hasher::new();
        match method {
            Method::Zstd(level) => self.zstd(level, &plain, &mut packed)?,
            Method::Deflate(level) => {
                sum.update(&plain);
                self.deflate(level, &plain, &mut packed)?;
            }
        }
        let size = u32::try_from(plain.len()).map_err(io::Error::other)?;
        plain.clear();
        Ok(Pressed { packed, sum, size, plain })
    }

    fn zstd(&mut self, level: i32, plain: &[u8], packed: &mut Vec<u8>) -> io::Result<()> {
        let tool = match self.zstd.take() {
            Some((of, tool)) if of == level => tool,
            _ => {
                let mut tool = zstd::bulk::Compressor::new(level)?;
                tool.include_checksum(true)?;
                tool
            }
        };
        let (_, tool) = self.zstd.insert((level, tool));
        packed.reserve(zstd::zstd_safe::compress_bound(plain.len()));
        tool.compress_to_buffer(plain, packed).map(drop)
    }

    fn deflate(&mut self, level: u32, plain: &[u8], packed: &mut Vec<u8>) -> io::Result<()> {
        let tool = match self.deflate.take() {
            Some((of, tool)) if of == level => tool,
            _ => Compress::new(flate2::Compression::new(level), false),
        };
        let (_, tool) = self.deflate.insert((level, tool));
        tool.reset();
        packed.reserve(plain.len() / 4 + 64);
        loop {
            let read = tool.total_in() as usize;
            let before = packed.len();
            // A full flush ends at a byte, and what follows refers to nothing before it.
            let status = tool.compress_vec(&plain[read..], packed, FlushCompress::Full);
            let is_stuck = packed.len() == before && tool.total_in() as usize == read;
            match status.map_err(io::Error::other)? {
                // Room that is left says that the flush is complete.
                Status::Ok | Status::BufError
                    if tool.total_in() as usize == plain.len()
                        && packed.len() < packed.capacity() =>
                {
                    return Ok(());
                }
                Status::BufError if is_stuck && packed.len() < packed.capacity() => {
                    return Err(io::Error::other("deflate does not go on"));
                }
                Status::Ok | Status::BufError | Status::StreamEnd => {
                    packed.reserve(plain.len() / 4 + 64);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn pieces() -> Vec<Vec<u8>> {
        let noise = |n: usize| (0..n).map(|k| (k * k % 251) as u8).collect();
        vec![Vec::new(), vec![7; 300_000], noise(70_000), b"short".to_vec(), noise(1)]
    }

    fn press(method: Method) -> Vec<Vec<u8>> {
        let mut press = Press::default();
        let mut packed = Vec::new();
        for mut piece in pieces() {
            if press.is_full() {
                packed.push(press.take().unwrap().unwrap().packed);
            }
            press.give(method, &mut piece).unwrap();
        }
        packed.extend(std::iter::from_fn(|| press.take()).map(|it| it.unwrap().packed));
        packed
    }

    #[test]
    fn every_piece_is_a_zstd_frame_of_its_own_in_order() {
        let packed = press(Method::Zstd(3));

        for (packed, plain) in packed.iter().zip(pieces()) {
            assert_eq!(zstd::decode_all(&packed[..]).unwrap(), plain);
        }
        assert_eq!(packed.len(), pieces().len());
    }

    #[test]
    fn pieces_of_deflate_are_one_stream_when_they_are_joined() {
        for level in [0, 6] {
            let mut file = press(Method::Deflate(level)).concat();
            file.extend([3, 0]);
            let mut plain = Vec::new();
            flate2::read::DeflateDecoder::new(&file[..]).read_to_end(&mut plain).unwrap();

            assert_eq!(plain, pieces().concat());
        }
    }

    #[test]
    fn memory_is_used_again() {
        let mut press = Press::default();
        let mut plain = Vec::with_capacity(5_000);
        plain.write_all(&[1; 4_000]).unwrap();
        press.give(Method::Zstd(1), &mut plain).unwrap();
        let pressed = press.take().unwrap().unwrap();
        press.recycle(pressed);
        press.give(Method::Zstd(1), &mut plain).unwrap();

        assert!(plain.capacity() >= 5_000 && plain.is_empty());
    }
}
