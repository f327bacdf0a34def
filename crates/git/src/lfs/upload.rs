//! A file's bytes to a server.

use super::{
    LfsError, Pointer,
    batch::{self, Action, Granted, Operation, Verdict},
    server::{Server, json},
};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header::CONTENT_LENGTH};
use packhorse_core::port::ByteStream;
use packhorse_net::{Answer, Body, wait::retry_after};
use std::time::Duration;

/// What became of sending a file.
pub(super) enum Sent {
    /// It is there.
    Done,
    /// It was there already.
    Present,
    /// The destination does not take it.
    Refused(String),
    /// The destination was busy or in trouble; how long it asks to be left alone.
    Trouble(Option<Duration>, LfsError),
}

/// What to do to bring a file to a server.
pub(super) struct Place {
    granted: Granted,
    action: Action,
    verify: Option<Action>,
}

/// Whether a file has to be sent, and where to.
pub(super) enum Wanted {
    Place(Box<Place>),
    Not(Sent),
}

impl Place {
    /// Reads what the server has granted; asks again when that has ended.
    pub(super) async fn of(server: &Server, granted: Granted) -> Result<Wanted, LfsError> {
        let mut granted = granted;
        let is_over = |granted: &Granted| match &granted.verdict {
            Verdict::Move { action, .. } => server.is_over(action),
            Verdict::Nothing | Verdict::Refused { .. } => false,
        };
        if is_over(&granted) {
            let asked = std::slice::from_ref(&granted.pointer);
            if let Some(anew) = server.batch(Operation::Upload, asked).await?.pop() {
                granted = anew;
            }
        }
        Ok(match &granted.verdict {
            Verdict::Nothing => Wanted::Not(Sent::Present),
            Verdict::Refused { code, message } => Wanted::Not(refused(*code, message)),
            Verdict::Move { action, verify } => {
                let action = server.complete(&granted, action);
                let verify = verify.as_ref().map(|it| server.complete(&granted, it));
                Wanted::Place(Box::new(Self { granted, action, verify }))
            }
        })
    }

    /// Sends a file, whose length is always told: many stores refuse chunks.
    pub(super) async fn send(&self, server: &Server, bytes: ByteStream) -> Result<Sent, LfsError> {
        let Pointer { size, .. } = self.granted.pointer;
        let body = match size {
            0 => Body::Bytes(Bytes::new()),
            length => Body::Stream { bytes, length: Some(length) },
        };
        let mut action = self.action.clone();
        if size == 0 {
            // An empty body is otherwise sent as none at all.
            action.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        // What is complete needs nothing of ours any more.
        let answer = server.act(Method::PUT, &action, true, body, "send a large file").await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Ok(Sent::Trouble(None, error)),
        };
        match judge(answer, server).await {
            Sent::Done => self.verify(server).await,
            other @ (Sent::Present | Sent::Refused(_) | Sent::Trouble(..)) => Ok(other),
        }
    }

    /// Tells the server that the file has arrived, where it wants to hear of it.
    async fn verify(&self, server: &Server) -> Result<Sent, LfsError> {
        let Some(verify) = &self.verify else { return Ok(Sent::Done) };
        let body = Body::Bytes(json(&batch::Asked::of(&self.granted.pointer))?);
        let what = "have a large file verified";
        match server.act(Method::POST, verify, true, body, what).await {
            Ok(answer) => Ok(judge(answer, server).await),
            Err(error) => Ok(Sent::Trouble(None, error)),
        }
    }
}

fn refused(code: u16, message: &str) -> Sent {
    Sent::Refused(match message {
        "" => format!("the destination answered {code}"),
        message => format!("the destination answered {code}: {message}"),
    })
}

async fn judge(answer: Answer, server: &Server) -> Sent {
    let status = answer.status;
    if status.is_success() {
        return Sent::Done;
    }
    let wait = retry_after(&answer.headers, server.clock.now());
    let is_full = [StatusCode::INSUFFICIENT_STORAGE, StatusCode::NOT_IMPLEMENTED].contains(&status);
    let is_trouble = status.is_server_error() && !is_full;
    // These may mean that the right to send has ended.
    let is_right = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
    match answer.success().await {
        Ok(_) => Sent::Done,
        Err(error)
            if is_trouble
                || is_right
                || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT]
                    .contains(&status) =>
        {
            Sent::Trouble(wait, error.into())
        }
        Err(error) => {
            let words = error.context.iter().find(|it| it.0 == "answer");
            let words = words.map(|it| it.1.as_str()).unwrap_or_default();
            refused(status.as_u16(), &batch::plain(words))
        }
    }
}
