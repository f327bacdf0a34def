//! Why a request has no answer.

use packhorse_core::{HostError, HostErrorKind, Retry};
use std::{error::Error, io, time::Duration};
use url::Url;

/// Why a request has no answer, or not a whole one.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// The address cannot be asked at all.
    #[error("{0}")]
    Address(&'static str),
    /// The host did not take a connection in time.
    #[error("no connection within {0:?}; see whether the host and the proxy are reachable")]
    ConnectTimeOut(Duration),
    /// The host could not be reached.
    #[error("no connection: {0}")]
    Connect(String),
    /// TLS was refused, by us or by the host.
    #[error("no trust: {0}; a CA of your own goes into a file that the host's settings name")]
    Trust(String),
    /// The host took in the request, and said nothing for so long.
    #[error("no answer within {0:?} after the request was sent")]
    FirstByteTimeOut(Duration),
    /// The host stopped taking in the request's body.
    #[error("the host took in nothing for {0:?}")]
    UploadIdle(Duration),
    /// The connection ended before there was an answer.
    #[error("the connection broke: {0}")]
    Connection(String),
    /// What the request should have carried could not be read.
    #[error("what was to be sent could not be read: {0}")]
    Upload(io::Error),
    /// The answer broke off in its body.
    #[error("the answer broke off: {0}")]
    BrokenOff(io::Error),
    /// The answer is larger than it may be.
    #[error("the answer is larger than {at_most} bytes")]
    TooLarge {
        /// The bound.
        at_most: u64,
    },
    /// The host refused it for its limits, and did nothing.
    #[error("the host is asked too often; it may be asked again in {wait:?}")]
    Limited {
        /// How long from then.
        wait: Duration,
    },
    /// One place led to the other without end.
    #[error("redirected {times} times without an answer")]
    RedirectLoop {
        /// Number of redirects that were followed.
        times: usize,
    },
    /// The host led somewhere that must not be asked.
    #[error("redirected to where it must not lead: {0}")]
    RedirectRefused(&'static str),
}

impl Unanswered {
    /// Whether the host may have seen the request, and done what it asks.
    pub fn may_have_arrived(&self) -> bool {
        match self {
            Self::Address(_)
            | Self::ConnectTimeOut(_)
            | Self::Connect(_)
            | Self::Trust(_)
            | Self::Limited { .. } => false,
            Self::FirstByteTimeOut(_)
            | Self::UploadIdle(_)
            | Self::Connection(_)
            | Self::Upload(_)
            | Self::BrokenOff(_)
            | Self::TooLarge { .. }
            | Self::RedirectLoop { .. }
            | Self::RedirectRefused(_) => true,
        }
    }

    /// Reads the reason out of an error of a transport.
    pub fn of(error: &HostError) -> Option<&Self> {
        error.source.as_deref().and_then(|it| it.downcast_ref())
    }

    /// The error that a caller sees.
    pub(crate) fn into_error(self, operation: &'static str, url: &Url) -> HostError {
        let (kind, retry) = match &self {
            Self::Address(_) => (HostErrorKind::Rejected, Retry::Never),
            Self::ConnectTimeOut(_)
            | Self::Connect(_)
            | Self::FirstByteTimeOut(_)
            | Self::UploadIdle(_)
            | Self::Connection(_)
            | Self::BrokenOff(_) => (HostErrorKind::Unavailable, Retry::After(None)),
            Self::Limited { wait } => (HostErrorKind::RateLimited, Retry::After(Some(*wait))),
            Self::Trust(_) | Self::Upload(_) => (HostErrorKind::Unavailable, Retry::Never),
            Self::TooLarge { .. } | Self::RedirectLoop { .. } | Self::RedirectRefused(_) => {
                (HostErrorKind::Protocol, Retry::Never)
            }
        };
        let mut error = HostError::new(kind, operation).with("url", crate::redact::shown(url));
        error.retry = retry;
        error.because(self)
    }
}

/// The innermost words of an error, which are the ones that say why.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut at = error;
    while let Some(next) = at.source() {
        at = next;
    }
    at.to_string()
}

/// Whether an error of that type is among the causes.
pub(crate) fn has_cause<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let mut at = Some(error);
    while let Some(error) = at {
        if error.is::<E>() {
            return true;
        }
        // An I/O error keeps what it wraps apart from what it names as its source.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        at = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    false
}
