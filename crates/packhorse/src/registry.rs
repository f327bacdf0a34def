//! All hosts and formats, and how a location becomes an endpoint.

use crate::error::AppError;
use packhorse_core::{
    Access, HostSpec, Location, OpenContext,
    port::{Sink, Source},
};
use std::{path::Path, sync::Arc};

/// Every host and format, hosts first.
pub(crate) fn all() -> impl Iterator<Item = &'static HostSpec> {
    packhorse_hosts::HOSTS.iter().chain(packhorse_archive::FORMATS).copied()
}

/// The host or format that a location names.
pub(crate) fn named(location: &Location) -> Result<&'static HostSpec, AppError> {
    all().find(|it| it.is_named(&location.host)).ok_or_else(|| {
        let ids: Vec<_> = all().map(|it| it.id).collect();
        AppError::usage(format!("there is no host or format `{}`", location.host))
            .hint(format!("known are {}", ids.join(", ")))
    })
}

/// Opens a location for reading.
pub(crate) fn source(location: &Location, scratch: &Path) -> Result<Arc<dyn Source>, AppError> {
    let spec = named(location)?;
    let context = OpenContext { scratch: scratch.to_owned(), access: Access::Read, resume: false };
    (spec.open)(location, &context)?
        .source
        .ok_or_else(|| AppError::usage(format!("{} cannot be read from", spec.title)))
}

/// Opens a location for writing or for planning to; `resume` goes on with what an interrupted run left.
pub(crate) fn sink(
    location: &Location,
    scratch: &Path,
    (access, resume): (Access, bool),
) -> Result<Arc<dyn Sink>, AppError> {
    let spec = named(location)?;
    let context = OpenContext { scratch: scratch.to_owned(), access, resume };
    (spec.open)(location, &context)?
        .sink
        .ok_or_else(|| AppError::usage(format!("{} cannot be written to", spec.title)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_hosts_share_a_name() {
        let mut names = BTreeSet::new();

        for spec in all() {
            for name in std::iter::once(&spec.id).chain(spec.aliases) {
                assert!(names.insert(*name), "{name} is there twice");
            }
        }
    }
}
