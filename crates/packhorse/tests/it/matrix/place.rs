//! One end of a pair: a stand-in for a host, a store, or an archive.

use packhorse_core::{
    Access, GitCredentials, HostError, HostSpec, Location, ObjectKind, OpenContext, Secret,
    port::{Sink, Source},
};
use packhorse_fakes::{Fake, Options, sample};
use std::{path::Path, sync::Arc};

/// Who owns the sample.
const OWNER: &str = "acme";

/// A place, as long as a test needs it.
pub(crate) struct Place {
    pub(crate) spec: &'static HostSpec,
    fake: Option<Fake>,
    location: Location,
}

/// Every host and format that whole projects can be read from or written to.
pub(crate) fn all() -> impl Iterator<Item = &'static HostSpec> {
    let all = packhorse_hosts::HOSTS.iter().chain(packhorse_archive::FORMATS).copied();
    // A repository alone is no project.
    all.filter(|it| it.id != "git")
}

/// Whether anything can be read from a host, or written to it.
pub(crate) fn does(support: fn(ObjectKind) -> packhorse_core::Support) -> bool {
    ObjectKind::ALL.iter().any(|kind| support(*kind).is_some())
}

impl Place {
    /// A fresh place with nothing in it, below a directory where it needs one.
    pub(crate) async fn new(spec: &'static HostSpec, directory: &Path, token: &str) -> Self {
        let Some(product) = packhorse_fakes::stand_in(spec.id) else {
            let rest = directory.to_string_lossy().into_owned();
            let location = Location {
                host: spec.id.to_owned(),
                rest,
                project: None,
                credentials: None,
                more_credentials: Vec::new(),
            };
            return Self { spec, fake: None, location };
        };
        let tokens =
            vec![packhorse_fakes::Token::new(token, "alice", packhorse_fakes::Access::Admin)];
        let options = Options { tokens, ..Options::default() };
        let fake = Fake::of(product, options).await.unwrap();
        let password = Secret::new(token);
        let credentials = Some(GitCredentials { username: "alice".to_owned(), password });
        let (host, rest) = (spec.id.to_owned(), format!("{}/{OWNER}", fake.url()));
        let location =
            Location { host, rest, project: None, credentials, more_credentials: Vec::new() };
        Self { spec, fake: Some(fake), location }
    }

    /// The stand-in, where it is one.
    pub(crate) fn fake(&self) -> Option<&Fake> {
        self.fake.as_ref()
    }

    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    /// Lets the place know the people of the sample, as hosts do where they have accounts.
    pub(crate) fn invite(&self) {
        if let Some(fake) = &self.fake {
            sample::invite_people(fake);
        }
    }

    fn context(&self, scratch: &Path, access: Access) -> OpenContext {
        OpenContext { scratch: scratch.to_owned(), access, resume: false }
    }

    pub(crate) fn source(&self, scratch: &Path) -> Result<Arc<dyn Source>, HostError> {
        let context = self.context(scratch, Access::Read);
        Ok((self.spec.open)(&self.location, &context)?.source.expect("it can be read from"))
    }

    pub(crate) fn sink(&self, scratch: &Path, resume: bool) -> Result<Arc<dyn Sink>, HostError> {
        let context = OpenContext { resume, ..self.context(scratch, Access::Write) };
        Ok((self.spec.open)(&self.location, &context)?.sink.expect("it can be written to"))
    }

    pub(crate) fn planned(&self, scratch: &Path) -> Result<Arc<dyn Sink>, HostError> {
        let context = self.context(scratch, Access::Plan);
        Ok((self.spec.open)(&self.location, &context)?.sink.expect("it can be written to"))
    }

    /// What opens the place for reading once more.
    pub(crate) fn reader(&self, scratch: &Path) -> packhorse_engine::Reader {
        let (spec, location) = (self.spec, self.location.clone());
        let context = self.context(scratch, Access::Read);
        Arc::new(move || Ok((spec.open)(&location, &context)?.source.expect("it can be read")))
    }
}
