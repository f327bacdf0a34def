//! Reading ahead: one thread unpacks while another looks at what was unpacked.

use std::{
    io::{self, Read},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

/// Bytes of a piece.
const PIECE: usize = 128 << 10;
/// Pieces that are read before anybody asks for them.
const AHEAD: usize = 4;

/// A reader whose bytes are read on a thread of its own.
pub(crate) struct ReadAhead<R> {
    pieces: Receiver<io::Result<Vec<u8>>>,
    /// Pieces that were read out, to be filled again.
    empty: SyncSender<Vec<u8>>,
    piece: Vec<u8>,
    at: usize,
    /// How it has ended; an error is told to whoever reads on, too.
    end: Option<Result<(), (io::ErrorKind, String)>>,
    thread: JoinHandle<R>,
}

impl<R: Read + Send + 'static> ReadAhead<R> {
    /// Begins to read.
    pub(crate) fn new(mut from: R) -> Self {
        let (full, pieces) = sync_channel(AHEAD);
        let (empty, to_fill) = sync_channel::<Vec<u8>>(AHEAD + 1);
        let thread = thread::spawn(move || {
            loop {
                let mut piece = to_fill.try_recv().unwrap_or_default();
                piece.resize(PIECE, 0);
                let (n, end) = fill(&mut from, &mut piece);
                piece.truncate(n);
                let is_wanted = piece.is_empty() || full.send(Ok(piece)).is_ok();
                if let Some(end) = end {
                    // An empty piece is the end, so that a thread that has died is none.
                    drop(full.send(end.map(|()| Vec::new())));
                    return from;
                }
                if !is_wanted {
                    return from;
                }
            }
        });
        Self { pieces, empty, piece: Vec::new(), at: 0, end: None, thread }
    }

    /// The reader itself, wherever it has come to.
    ///
    /// # Errors
    ///
    /// When it panicked.
    pub(super) fn into_inner(self) -> io::Result<R> {
        // Whoever still reads ahead finds that nobody wants it.
        drop(self.pieces);
        self.thread.join().map_err(|_| io::Error::other("the thread that reads ahead has died"))
    }
}

impl<R> Read for ReadAhead<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            if let Some(end) = &self.end {
                return end.clone().map(|()| 0).map_err(|(kind, text)| io::Error::new(kind, text));
            }
            let died = |_| io::Error::other("the thread that reads ahead has died");
            let next = self.pieces.recv().map_err(died)?.inspect_err(|error| {
                self.end = Some(Err((error.kind(), error.to_string())));
            })?;
            if next.is_empty() {
                self.end = Some(Ok(()));
                return Ok(0);
            }
            let used = std::mem::replace(&mut self.piece, next);
            self.at = 0;
            drop(self.empty.try_send(used));
        }
        let n = out.len().min(self.piece.len() - self.at);
        out[..n].copy_from_slice(&self.piece[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

/// Reads until a piece is full; how much there was, and the end or error that came before.
///
/// Whoever unpacks gives little at a time, and each piece wakes a thread.
fn fill(from: &mut impl Read, piece: &mut [u8]) -> (usize, Option<io::Result<()>>) {
    let mut n = 0;
    while n < piece.len() {
        match from.read(&mut piece[n..]) {
            Ok(0) => return (n, Some(Ok(()))),
            Ok(more) => n += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (n, Some(Err(error))),
        }
    }
    (n, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_in_order_and_the_reader_comes_back() {
        let bytes: Vec<u8> = (0..3 * PIECE as u32 + 7).map(|n| (n % 251) as u8).collect();
        let mut ahead = ReadAhead::new(io::Cursor::new(bytes.clone()));

        let mut found = Vec::new();
        ahead.read_to_end(&mut found).unwrap();

        assert!(found == bytes);
        assert_eq!(ahead.into_inner().unwrap().position(), bytes.len() as u64);
    }

    #[test]
    fn an_error_comes_where_it_happened() {
        let broken = io::Cursor::new(b"abc").chain(Broken);
        let mut ahead = ReadAhead::new(broken);

        let mut found = Vec::new();
        let error = ahead.read_to_end(&mut found).unwrap_err();
        let again = ahead.read(&mut [0]).unwrap_err();

        assert_eq!((found.as_slice(), error.to_string().as_str()), (&b"abc"[..], "gone"));
        assert_eq!(again.to_string(), "gone", "it is no end for who reads on");
    }

    #[test]
    fn a_thread_that_dies_is_no_end() {
        let mut ahead = ReadAhead::new(io::Cursor::new(b"abc").chain(Deadly));

        let error = ahead.read_to_end(&mut Vec::new()).unwrap_err();

        assert!(error.to_string().contains("has died"), "{error}");
    }

    struct Deadly;

    impl Read for Deadly {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("a test's reader")
        }
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }

    #[test]
    fn one_that_nobody_reads_ends() {
        let ahead = ReadAhead::new(io::repeat(1));

        assert!(ahead.into_inner().is_ok());
    }
}
