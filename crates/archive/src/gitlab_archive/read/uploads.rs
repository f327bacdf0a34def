//! Uploaded files: which texts refer to them.

use super::{id, scan::Stored};
use crate::spool::{Intake, SpoolError};
use packhorse_core::{
    Object, ObjectKind, Origin, Scope,
    model::{Blob, Subject},
};
use std::collections::HashMap;

/// The uploads of an archive, each a record as soon as something refers to it.
pub(super) struct Uploads<'a> {
    archive: usize,
    left: HashMap<&'a str, &'a Stored>,
}

impl<'a> Uploads<'a> {
    /// Those of the archive of that number.
    pub(super) fn new(archive: usize, uploads: &'a [Stored]) -> Self {
        let named = uploads.iter().filter(|it| id::upload(&it.name).is_some());
        Self { archive, left: named.map(|it| (it.name.as_str(), it)).collect() }
    }

    /// Takes the files that a text refers to.
    pub(super) fn of(
        &mut self,
        text: Option<&str>,
        subject: &Subject,
        (intake, scope): (&mut Intake, &Scope),
    ) -> Result<(), SpoolError> {
        let Some(text) = text.filter(|_| !self.left.is_empty()) else { return Ok(()) };
        for (at, start) in text.match_indices("/uploads/") {
            let rest = &text[at + start.len()..];
            let is_end = |it: char| it.is_whitespace() || ")\"'<>]}|`\\?#".contains(it);
            let end = rest.find(is_end).unwrap_or(rest.len());
            if let Some(stored) = self.left.remove(&rest[..end]) {
                self.take(stored, subject.clone(), (intake, scope))?;
            }
        }
        Ok(())
    }

    /// Takes the files that nothing refers to.
    pub(super) fn rest(&mut self, intake: &mut Intake, scope: &Scope) -> Result<(), SpoolError> {
        let mut left: Vec<_> = self.left.drain().map(|(_, it)| it).collect();
        left.sort_by(|a, b| a.name.cmp(&b.name));
        left.into_iter().try_for_each(|it| self.take(it, Subject::Project, (intake, scope)))
    }

    fn take(
        &self,
        it: &Stored,
        subject: Subject,
        (intake, scope): (&mut Intake, &Scope),
    ) -> Result<(), SpoolError> {
        let attachment = super::map::attachment(
            &it.name,
            subject,
            Blob { size: Some(it.size), sha256: Some(it.sha256.clone()) },
        );
        let origin = Origin::new(ObjectKind::Attachment, it.name.clone());
        intake.take(scope, &origin.id, Object::from(attachment))?;
        intake.link_at(scope, &origin, (it.sha256.clone(), it.size), it.place(self.archive))
    }
}
