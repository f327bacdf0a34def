//! Bytes from a blocking reader, as a stream.

use bytes::Bytes;
use futures::{Stream, stream};
use std::io::{self, Read};

/// Bytes of a piece.
const PIECE: usize = 64 << 10;

/// Reads piece by piece, away from the tasks that must not wait; ends after an error.
pub(crate) fn blocking(from: impl Read + Send + 'static) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold(Some(from), |from| async move {
        let mut from = from?;
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; PIECE];
            from.read(&mut piece).map(|n| {
                piece.truncate(n);
                (Bytes::from(piece), from)
            })
        });
        match read.await {
            Ok(Ok((piece, _))) if piece.is_empty() => None,
            Ok(Ok((piece, from))) => Some((Ok(piece), Some(from))),
            Ok(Err(error)) => Some((Err(error), None)),
            Err(error) => Some((Err(io::Error::other(error)), None)),
        }
    })
}
