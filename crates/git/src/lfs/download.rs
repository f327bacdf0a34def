//! A file's bytes from a server, however often the connection breaks.

use super::{
    LfsError, Pointer,
    batch::{Action, Granted, Operation, Verdict},
    server::Server,
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{StatusCode, header};
use packhorse_core::port::ByteStream;
use packhorse_net::Answer;
use std::{io, sync::Arc, time::Duration};

/// How often one file's download is taken up again.
const MAX_RESUMES: u32 = 5;

/// The first wait before that; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// What came of opening a file.
pub(super) enum Opened {
    /// Its bytes, unchecked.
    Bytes(ByteStream),
    /// The source has it not, and why we think so.
    Missing(String),
    /// The source has something else.
    Damaged(String),
}

struct Download {
    server: Arc<Server>,
    pointer: Pointer,
    action: Action,
    body: ByteStream,
    /// Bytes that were given out.
    at: u64,
    /// Bytes that come again although we have them.
    skip: u64,
    resumes: u32,
}

/// Opens a file at a server that has granted it.
pub(super) async fn open(server: &Arc<Server>, granted: &Granted) -> Result<Opened, LfsError> {
    let mut granted = granted.clone();
    let mut anew = false;
    loop {
        let action = match &granted.verdict {
            Verdict::Move { action, .. } => server.complete(&granted, action),
            Verdict::Nothing => {
                return Ok(Opened::Missing("the source gives no way to read it".to_owned()));
            }
            Verdict::Refused { code, message } => return refused(server, *code, message),
        };
        if server.is_over(&action) && !anew {
            (granted, anew) = (again(server, &granted.pointer).await?, true);
            continue;
        }
        let answer = server.act_from(&action, 0).await?;
        if is_refusal(answer.status) && !anew {
            (granted, anew) = (again(server, &granted.pointer).await?, true);
            continue;
        }
        if [StatusCode::NOT_FOUND, StatusCode::GONE, StatusCode::FORBIDDEN].contains(&answer.status)
        {
            return Ok(Opened::Missing(format!("the source answered {}", answer.status)));
        }
        let answer = answer.success().await?;
        let size = granted.pointer.size;
        if let Some(length) = length(&answer).filter(|it| *it != size) {
            return Ok(Opened::Damaged(format!("it has {length} of {size} bytes")));
        }
        let (server, pointer) = (Arc::clone(server), granted.pointer);
        let body = answer.body;
        let download = Download { server, pointer, action, body, at: 0, skip: 0, resumes: 0 };
        return Ok(Opened::Bytes(download.into_stream()));
    }
}

fn refused(server: &Server, code: u16, message: &str) -> Result<Opened, LfsError> {
    match code {
        // As statuses, these are about all of the server and not about one file.
        401 | 429 | 500.. => {
            let why = super::batch::Malformed(format!("it refuses a file with {code}: {message}"));
            Err(server.refuses(&why))
        }
        _ => Ok(Opened::Missing(match message {
            "" => format!("the source answered {code}"),
            message => message.to_owned(),
        })),
    }
}

/// A right that was given too long ago is refused in one of these ways.
fn is_refusal(status: StatusCode) -> bool {
    [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST].contains(&status)
}

async fn again(server: &Server, pointer: &Pointer) -> Result<Granted, LfsError> {
    let asked = std::slice::from_ref(pointer);
    let mut granted = server.batch(Operation::Download, asked).await?;
    granted.pop().ok_or_else(|| {
        server.refuses(&super::batch::Malformed("it says nothing of a file".to_owned()))
    })
}

fn length(answer: &Answer) -> Option<u64> {
    answer.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl Download {
    fn into_stream(self) -> ByteStream {
        Box::pin(stream::unfold(Some(self), |download| async move {
            let mut download = download?;
            match download.next().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(download))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        }))
    }

    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if self.at >= self.pointer.size && self.pointer.size > 0 && self.skip == 0 {
                // One byte more would be one too many: whoever checks wants to see it.
                return self.body.next().await.transpose().or(Ok(None));
            }
            match self.body.next().await {
                Some(Ok(mut piece)) => {
                    let known = self.skip.min(piece.len() as u64);
                    self.skip -= known;
                    let piece = piece.split_off(known as usize);
                    if !piece.is_empty() {
                        self.at += piece.len() as u64;
                        return Ok(Some(piece));
                    }
                }
                None if self.pointer.size == 0 => return Ok(None),
                Some(Err(error)) => self.resume(error).await?,
                None => self.resume(io::ErrorKind::UnexpectedEof.into()).await?,
            }
        }
    }

    /// Asks for the rest; gives up with the error that broke it.
    async fn resume(&mut self, mut broken: io::Error) -> io::Result<()> {
        while self.resumes < MAX_RESUMES {
            let wait = FIRST_WAIT * 2_u32.pow(self.resumes);
            self.resumes += 1;
            self.server.clock.sleep(wait).await;
            match self.rest().await {
                Ok(answer) => {
                    self.skip = match answer.status {
                        StatusCode::PARTIAL_CONTENT => 0,
                        _ => self.at,
                    };
                    self.body = answer.body;
                    return Ok(());
                }
                Err(error) => broken = io::Error::other(error),
            }
        }
        Err(broken)
    }

    async fn rest(&mut self) -> Result<Answer, LfsError> {
        if self.server.is_over(&self.action) {
            let granted = again(&self.server, &self.pointer).await?;
            if let Verdict::Move { action, .. } = &granted.verdict {
                self.action = self.server.complete(&granted, action);
            }
        }
        let answer = self.server.act_from(&self.action, self.at).await?.success().await?;
        let from = format!("bytes {}-", self.at);
        let is_rest = answer.header("content-range").is_some_and(|it| it.starts_with(&from));
        if answer.status == StatusCode::PARTIAL_CONTENT && !is_rest {
            let why = super::batch::Malformed("it answered another part of a file".to_owned());
            return Err(self.server.refuses(&why));
        }
        Ok(answer)
    }
}
