//! The one error that crosses the host boundary.

use std::{error::Error, fmt, time::Duration};

/// What went wrong, coarse enough for the engine to decide on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostErrorKind {
    /// Credentials missing, wrong or expired.
    Unauthorized,
    /// Credentials are good but may not do this.
    Forbidden,
    /// No such project, object or file.
    NotFound,
    /// Exists already, or changed underneath us.
    Conflict,
    /// The host refused the content of the request.
    Rejected,
    /// Over a rate limit.
    RateLimited,
    /// The host answered, or the archive is written, not as its documentation says.
    Protocol,
    /// No answer: network, disk, TLS, 5xx.
    Unavailable,
    /// This host or format cannot do that at all.
    Unsupported,
}

/// Whether trying the same call again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It cannot.
    Never,
    /// It can, after this long if the host said how long.
    After(Option<Duration>),
    /// It could, and this many tries were already spent.
    Exhausted(u32),
}

/// Failure of one call to a host.
#[derive(Debug)]
pub struct HostError {
    /// Category; branch on this, never on the message.
    pub kind: HostErrorKind,
    /// Whether a retry can help.
    pub retry: Retry,
    /// What was tried, such as `read issues`.
    pub operation: &'static str,
    /// Facts that help a person: `("project", "acme/app")`. Never a secret.
    pub context: Vec<(&'static str, String)>,
    /// The error underneath.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl HostError {
    /// A failure that retrying does not mend.
    pub fn new(kind: HostErrorKind, operation: &'static str) -> Self {
        Self { kind, retry: Retry::Never, operation, context: Vec::new(), source: None }
    }

    /// Adds a fact that helps a person.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.context.push((key, value.to_string()));
        self
    }

    /// Adds the error underneath.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}", self.operation)?;
        for (key, value) in &self.context {
            write!(f, ", {key} `{value}`")?;
        }
        Ok(())
    }
}

impl Error for HostError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|it| it as _)
    }
}

/// An error and those underneath, on one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        // A transparent error says the same as the one underneath.
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}
