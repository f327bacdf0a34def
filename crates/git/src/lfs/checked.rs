//! A file's bytes, checked while they flow.

use super::Pointer;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use futures::{StreamExt, stream};
use packhorse_core::port::ByteStream;
use sha2::{Digest, Sha256};
use std::{
    io,
    sync::{Arc, OnceLock},
};

/// Why a file's bytes are not what its pointer says; set by the stream, read by who sends it.
pub(super) type Fault = Arc<OnceLock<String>>;

struct State {
    inner: ByteStream,
    pointer: Pointer,
    hash: Sha256,
    at: u64,
    /// The latest piece: given out when what follows is known.
    held: Option<Bytes>,
    is_done: bool,
    fault: Fault,
    count: Box<dyn Fn(u64) + Send>,
}

/// Passes a file's bytes on, and ends with an error where size or hash are not the pointer's.
///
/// The last piece is held back until the hash is known, so that whoever was
/// told the length never has all of a wrong file.
pub(super) fn checked(
    inner: ByteStream,
    pointer: &Pointer,
    fault: Fault,
    count: Box<dyn Fn(u64) + Send>,
) -> ByteStream {
    let (hash, pointer) = (Sha256::new(), pointer.clone());
    let state = State { inner, pointer, hash, at: 0, held: None, is_done: false, fault, count };
    Box::pin(stream::unfold(Some(state), |state| async move {
        let mut state = state?;
        match state.next().await {
            Ok(Some(piece)) => {
                (state.count)(piece.len() as u64);
                Some((Ok(piece), Some(state)))
            }
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    }))
}

impl State {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        while !self.is_done {
            let Some(piece) = self.inner.next().await.transpose()? else {
                self.is_done = true;
                self.judge()?;
                return Ok(self.held.take());
            };
            if piece.is_empty() {
                continue;
            }
            self.at += piece.len() as u64;
            if self.at > self.pointer.size {
                return Err(self.wrong(format!("it has more than {} bytes", self.pointer.size)));
            }
            self.hash.update(&piece);
            if let Some(held) = self.held.replace(piece) {
                return Ok(Some(held));
            }
        }
        Ok(None)
    }

    fn judge(&mut self) -> io::Result<()> {
        if self.at != self.pointer.size {
            let detail = format!("it has {} of {} bytes", self.at, self.pointer.size);
            return Err(self.wrong(detail));
        }
        let hash = HEXLOWER.encode(&std::mem::take(&mut self.hash).finalize());
        if hash != self.pointer.sha256 {
            return Err(self.wrong(format!("its hash is {hash}")));
        }
        Ok(())
    }

    fn wrong(&self, detail: String) -> io::Error {
        let error = io::Error::new(io::ErrorKind::InvalidData, detail.clone());
        // The first fault is the one that counts.
        drop(self.fault.set(detail));
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(content: &[u8]) -> Pointer {
        Pointer::new(&HEXLOWER.encode(&Sha256::digest(content)), content.len() as u64).unwrap()
    }

    /// What comes through, and the fault.
    async fn pass(pieces: &[&'static [u8]], pointer: &Pointer) -> (Vec<u8>, Option<String>) {
        let pieces: Vec<_> = pieces.iter().map(|it| Ok(Bytes::from_static(it))).collect();
        let fault = Fault::default();
        let inner = Box::pin(stream::iter(pieces));
        let mut outer = checked(inner, pointer, Arc::clone(&fault), Box::new(|_| ()));
        let mut all = Vec::new();
        while let Some(Ok(piece)) = outer.next().await {
            all.extend_from_slice(&piece);
        }
        (all, fault.get().cloned())
    }

    #[tokio::test]
    async fn what_is_right_passes_whole() {
        for pieces in [&[b"abc".as_slice(), b"", b"def"][..], &[b"abcdef"], &[]] {
            let content = pieces.concat();
            assert_eq!(pass(pieces, &pointer(&content)).await, (content, None));
        }
    }

    #[tokio::test]
    async fn the_end_of_what_is_wrong_is_held_back() {
        let (all, fault) = pass(&[b"abc", b"dex"], &pointer(b"abcdef")).await;

        assert_eq!(all, b"abc");
        assert!(fault.unwrap().starts_with("its hash is "));
    }

    #[tokio::test]
    async fn too_much_and_too_little_are_told() {
        let (_, more) = pass(&[b"abc", b"defg"], &pointer(b"abcdef")).await;
        let (_, less) = pass(&[b"abc"], &pointer(b"abcdef")).await;
        let (_, none) = pass(&[], &pointer(b"abcdef")).await;

        assert_eq!(more.as_deref(), Some("it has more than 6 bytes"));
        assert_eq!(less.as_deref(), Some("it has 3 of 6 bytes"));
        assert_eq!(none.as_deref(), Some("it has 0 of 6 bytes"));
    }
}
