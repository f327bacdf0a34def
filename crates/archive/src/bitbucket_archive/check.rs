//! Verifying an export: entries in their order, what was said and done, repositories.

use super::{entry::Entry, read};
use crate::{
    check::CheckReport,
    container::ArchiveError,
    spool::{self, SpoolError},
};
use std::path::Path;

/// Where an archive is while it is gone through: repositories stand between two marks.
#[derive(Default)]
struct Order {
    hierarchy: Option<String>,
    has_begun: bool,
}

impl Order {
    /// Takes the next entry; what is wrong with its place.
    fn take(&mut self, name: &str) -> Option<String> {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        match Entry::of(name) {
            Entry::Details if is_first => None,
            _ if is_first => Some("instance-details.json does not come first".to_owned()),
            Entry::Begin(id) => {
                let open = self.hierarchy.replace(id.to_owned());
                open.map(|open| format!("it begins before {open} has ended"))
            }
            Entry::End(id) => {
                let open = self.hierarchy.take();
                (open.as_deref() != Some(id)).then(|| "it ends what has not begun".to_owned())
            }
            Entry::Repository(..)
            | Entry::RepositoryPermissions(_)
            | Entry::Skeleton(_)
            | Entry::Hooks(_)
            | Entry::Objects(_)
            | Entry::LfsSettings(_)
            | Entry::Request(..)
            | Entry::Activities(..)
            | Entry::Caches(..) => {
                let is_outside = self.hierarchy.is_none();
                is_outside.then(|| "it stands outside of a hierarchy of repositories".to_owned())
            }
            Entry::Details => Some("it is there again".to_owned()),
            Entry::Project(_)
            | Entry::AllPermissions(_)
            | Entry::ProjectPermissions(_)
            | Entry::Other(_) => None,
        }
    }
}

/// Reads an export through, and tells what does not hold together.
pub(crate) fn check(path: &Path) -> Result<CheckReport, ArchiveError> {
    let mut report = CheckReport::default();
    let (mut members, mut bytes, mut order) = (0, 0, Order::default());
    read::open(path)?.scan(|member, _| {
        (members, bytes) = (members + 1, bytes + member.size);
        if let Some(wrong) = order.take(&member.name) {
            report.find(&member.name, wrong);
        }
        Ok(())
    })?;
    if let Some(open) = order.hierarchy {
        report.find(&Entry::Begin(&open).name(), "it does not end");
    }
    let scratch = tempfile::tempdir().map_err(ArchiveError::system("make a scratch directory"))?;
    let surveyed = read::survey(path, scratch.path()).map_err(SpoolError::into_archive)?;
    spool::tally(&surveyed, &mut report).map_err(SpoolError::into_archive)?;
    (report.members, report.bytes) = (members, bytes);
    report.repositories = surveyed.contents.count();
    for it in surveyed.losses.iter().filter(|it| read::is_damage(&it.name)) {
        report.find(&it.name, format!("{} ({} times)", it.loss.detail, it.count));
    }
    Ok(report)
}
