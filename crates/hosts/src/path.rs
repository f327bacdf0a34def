//! Paths of projects that belong to an owner and have no groups between, such as `acme/app`.

use packhorse_core::{HostError, HostErrorKind};
use std::fmt;

/// The owner and the name of a path.
///
/// # Errors
///
/// [`HostErrorKind::NotFound`] where it has more parts, or fewer: no project is called so.
pub(crate) fn halves(path: &str) -> Result<(&str, &str), HostError> {
    path.split_once('/').filter(|(_, name)| !name.contains('/')).ok_or_else(|| {
        HostError::new(HostErrorKind::NotFound, "find a project").with("project", path)
    })
}

/// A project's path, in its two parts, where its API is below `repos/OWNER/NAME`.
#[derive(Clone, Copy)]
pub(crate) struct Path<'a> {
    pub(crate) owner: &'a str,
    pub(crate) name: &'a str,
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl<'a> Path<'a> {
    pub(crate) fn of(path: &'a str) -> Result<Self, HostError> {
        let (owner, name) = halves(path)?;
        Ok(Self { owner, name })
    }

    /// The parts of an address below the project.
    pub(crate) fn below<'b>(self, rest: &[&'b str]) -> Vec<&'b str>
    where
        'a: 'b,
    {
        [&["repos", self.owner, self.name], rest].concat()
    }
}
