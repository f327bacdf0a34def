//! What went wrong with which object of which store, for people.

use object_store::{Error, client::HttpError};
use std::{error::Error as _, fmt, path::Path};

/// The longest that is told of what a store answered, in characters.
const LONGEST: usize = 300;

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is no such object.
    Missing,
    /// There is no such bucket or container.
    NoPlace,
    /// The credentials are missing, are not accepted, or may not do that.
    Denied,
    /// The store cannot be reached, or breaks off.
    Unreachable,
    /// The store, or these credentials, cannot do that.
    Unsupported,
    /// An address, a key or a setting cannot be used.
    Configuration,
    /// A file on this machine cannot be read or written, or changed meanwhile.
    File,
    /// The store says something else against it.
    Refused,
}

/// Why something in a store could not be done.
///
/// Its text says what was to be done to which object of which store, why that failed and what to
/// do; there is no secret in it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{told}")]
pub struct StorageError {
    /// What kind of trouble it is.
    pub trouble: Trouble,
    told: String,
}

/// What was to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Put,
    Get,
    Sign,
    Delete,
    Look,
}

impl Operation {
    /// What could not be done to that object of that place.
    fn failed(self, key: &str, place: &str) -> String {
        match self {
            Self::Put => format!("could not store {key:?} in {place}"),
            Self::Get => format!("could not fetch {key:?} from {place}"),
            Self::Sign => format!("could not sign an address of {key:?} in {place}"),
            Self::Delete => format!("could not remove {key:?} from {place}"),
            Self::Look => format!("could not look for {key:?} in {place}"),
        }
    }
}

/// A place in a store: what is said of it, and what is not.
pub(crate) struct Place {
    /// Such as `the bucket "acme" of S3`.
    pub(crate) name: String,
    /// Where its credentials are looked for.
    pub(crate) credentials: &'static str,
    pub(crate) is_directory: bool,
    /// What must not be told.
    pub(crate) secrets: Vec<String>,
}

impl Place {
    /// What a store, or the way to it, has against something.
    pub(crate) fn failed(&self, operation: Operation, key: &str, error: &Error) -> StorageError {
        let why = Why::of(error);
        let trouble = trouble(error, &why);
        let text = self.plain(&why.text);
        let reason = match trouble {
            Trouble::Missing => "there is no such object".to_owned(),
            Trouble::NoPlace => format!("{text}; make it, or name another"),
            Trouble::Denied => {
                format!("{text}; check {}, and what they may do there", self.credentials)
            }
            Trouble::Unreachable => {
                format!("{text}; check the endpoint and the way there, and try again")
            }
            Trouble::Unsupported | Trouble::Configuration | Trouble::File | Trouble::Refused => {
                text
            }
        };
        self.told(trouble, operation, key, &reason)
    }

    /// A file on this machine cannot be used.
    pub(crate) fn file(
        &self,
        operation: Operation,
        key: &str,
        file: &Path,
        why: &dyn fmt::Display,
    ) -> StorageError {
        let reason = format!("the file {}: {why}", file.display());
        self.told(Trouble::File, operation, key, &reason)
    }

    /// No key of an object.
    pub(crate) fn no_key(&self, operation: Operation, key: &str, why: &str) -> StorageError {
        let key: String = key.chars().take(LONGEST).collect();
        self.told(Trouble::Configuration, operation, &key, &format!("that is no key: {why}"))
    }

    /// An address that cannot be signed.
    pub(crate) fn unsigned(&self, key: &str, why: &str) -> StorageError {
        self.told(Trouble::Unsupported, Operation::Sign, key, why)
    }

    fn told(&self, trouble: Trouble, at: Operation, key: &str, reason: &str) -> StorageError {
        StorageError { trouble, told: format!("{}: {reason}", at.failed(key, &self.name)) }
    }

    /// A text without secrets, without queries of addresses, and short.
    fn plain(&self, text: &str) -> String {
        plain(text, &self.secrets)
    }
}

/// A place that cannot be opened at all.
pub(crate) fn unusable(why: impl Into<String>) -> StorageError {
    StorageError { trouble: Trouble::Configuration, told: why.into() }
}

/// A place that cannot be opened because its client says so.
pub(crate) fn refused(name: &str, error: &Error, secrets: &[String]) -> StorageError {
    unusable(format!("{name} cannot be used: {}", plain(&Why::of(error).text, secrets)))
}

/// What a store said, or what happened on the way to it.
struct Why {
    /// The store's own name for it, such as `NoSuchBucket`.
    code: Option<String>,
    /// Whether the store was not reached or broke off.
    is_way: bool,
    text: String,
}

impl Why {
    fn of(error: &Error) -> Self {
        let mut texts = vec![error.to_string()];
        let mut is_way = false;
        let mut source = error.source();
        while let Some(cause) = source {
            is_way |= cause.is::<HttpError>();
            texts.push(cause.to_string());
            source = cause.source();
        }
        let whole = texts.join(": ");
        // Amazon, Azure and Google all answer with XML of these two elements.
        let (code, message) = (element(&whole, "Code"), element(&whole, "Message"));
        let text = match (&code, &message) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.clone(),
            (None, _) => texts.pop().unwrap_or_default(),
        };
        Self { code, is_way, text }
    }
}

fn element(text: &str, name: &str) -> Option<String> {
    let inner = text.split_once(&format!("<{name}>"))?.1.split_once(&format!("</{name}>"))?.0;
    let line = inner.lines().next().unwrap_or_default().trim();
    (!line.is_empty()).then(|| line.to_owned())
}

fn trouble(error: &Error, why: &Why) -> Trouble {
    let code = why.code.as_deref();
    if matches!(code, Some("NoSuchBucket" | "ContainerNotFound")) {
        return Trouble::NoPlace;
    }
    if matches!(error, Error::NotFound { .. }) {
        Trouble::Missing
    } else if matches!(error, Error::PermissionDenied { .. } | Error::Unauthenticated { .. }) {
        Trouble::Denied
    } else if matches!(error, Error::NotSupported { .. } | Error::NotImplemented { .. }) {
        Trouble::Unsupported
    } else if matches!(error, Error::InvalidPath { .. } | Error::UnknownConfigurationKey { .. }) {
        Trouble::Configuration
    } else if why.is_way && code.is_none() {
        Trouble::Unreachable
    } else {
        Trouble::Refused
    }
}

/// SECURITY: what stores and libraries say may repeat what they were asked with.
fn plain(text: &str, secrets: &[String]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        text = text.replace(secret.as_str(), "…");
    }
    let words = text.split_whitespace().map(|word| match word.split_once('?') {
        Some((address, _)) if address.contains("://") => format!("{address}?…"),
        Some(_) | None => word.to_owned(),
    });
    let text = words.collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_holds_no_secret_and_no_signature() {
        let secrets = ["s3cr3t/key".to_owned()];

        let told = plain("asked https://h/c/k?sig=abc&se=1 with s3cr3t/key: no", &secrets);

        assert_eq!(told, "asked https://h/c/k?… with …: no");
        assert!(plain(&"ü".repeat(5_000), &secrets).chars().count() <= LONGEST + 1);
    }

    #[test]
    fn what_a_store_says_is_found_in_its_xml() {
        let text = "x <Error><Code>NoSuchBucket</Code><Message>\nIt is not there\nRequestId:1\
                    </Message></Error>";

        assert_eq!(element(text, "Code").as_deref(), Some("NoSuchBucket"));
        assert_eq!(element(text, "Message"), None);
        assert_eq!(element("<Code></Code>", "Code"), None);
    }
}
