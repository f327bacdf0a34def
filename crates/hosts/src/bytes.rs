//! Streams of bytes.

use futures::{StreamExt, TryStreamExt, stream};
use http::{HeaderValue, StatusCode, header};
use packhorse_core::{HostError, HostErrorKind, port::ByteStream};
use packhorse_net::{Request, Transport};

/// Opens a file from a byte on, whether the host knows ranges or not.
///
/// # Errors
///
/// When the host refuses, or cannot be asked.
pub(crate) async fn open(
    transport: &dyn Transport,
    request: Request,
    from: u64,
) -> Result<ByteStream, HostError> {
    let operation = request.operation;
    let identity = HeaderValue::from_static("identity");
    let mut request = request.streamed().header(header::ACCEPT_ENCODING, identity);
    if from > 0 {
        let range = HeaderValue::try_from(format!("bytes={from}-"))
            .map_err(|error| HostError::new(HostErrorKind::Rejected, operation).because(error))?;
        request = request.header(header::RANGE, range);
    }
    let answer = transport.send(request).await?;
    if from > 0 && answer.status == StatusCode::RANGE_NOT_SATISFIABLE {
        return Ok(Box::pin(stream::empty()));
    }
    let answer = answer.success().await?;
    let is_rest = answer.status == StatusCode::PARTIAL_CONTENT;
    Ok(if is_rest { answer.body } else { skip(answer.body, from) })
}

/// Leaves out the first bytes of a stream.
fn skip(body: ByteStream, from: u64) -> ByteStream {
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
