//! Streams of bytes.

use futures::{StreamExt, TryStreamExt};
use packhorse_core::port::ByteStream;

/// Leaves out the first bytes of a stream.
pub(crate) fn skip(body: ByteStream, from: u64) -> ByteStream {
    let mut left = from;
    let rest = body.map_ok(move |mut piece| {
        let cut = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
        left -= cut as u64;
        piece.split_off(cut)
    });
    Box::pin(rest.filter(|it| {
        let is_something = it.as_ref().map_or(true, |piece| !piece.is_empty());
        async move { is_something }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;

    #[tokio::test]
    async fn the_first_bytes_are_left_out_across_pieces() {
        for (from, expected) in
            [(0, "abcdef"), (1, "bcdef"), (3, "def"), (5, "f"), (6, ""), (9, "")]
        {
            let pieces = ["ab", "cd", "ef"].map(|it| Ok(bytes::Bytes::from_static(it.as_bytes())));
            let rest: Vec<_> =
                skip(Box::pin(stream::iter(pieces)), from).try_collect().await.unwrap();
            assert_eq!(rest.concat(), expected.as_bytes());
        }
    }
}
