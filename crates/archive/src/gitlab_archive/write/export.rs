//! The archives, one a project, made of the spool.

use super::{
    bytes, groups, map,
    nest::{self, Nest},
    origin,
};
use crate::{
    container::{ArchiveError, Aside, Compression, TarWriter},
    spool::{ScopeRow, Spool, SpoolError, Stored},
};
use packhorse_core::{
    Object, ObjectKind,
    model::{Project, StateValue},
};
use serde::Serialize;
use std::{collections::HashSet, path::Path};

/// The version of the layout; GitLab's importer takes no other.
///
/// Source: GitLab, `lib/gitlab/import_export.rb`, since version 12.
const VERSION: &str = "0.2.4";
/// The version of GitLab whose rows these are.
const GITLAB_VERSION: &str = "16.11.0";
/// Where a project's rows are.
const PROJECT: &str = "project";
/// gzip's usual level.
const COMPRESSION: Compression = Compression::Gzip(6);

/// Writes all archives: one at that path, or a directory of them.
pub(super) fn all(spool: &Spool, to: &Path, is_file: bool) -> Result<(), SpoolError> {
    spool.index()?;
    let projects = spool.projects()?;
    if is_file {
        let mut tar = begin(to)?;
        if let Some(project) = projects.first() {
            nest::adopt(spool, project)?;
            one(spool, project, &mut tar)?;
        }
        tar.finish()?;
        return Ok(());
    }
    std::fs::create_dir(to)?;
    let mut names = HashSet::new();
    for project in &projects {
        nest::adopt(spool, project)?;
        let mut tar = begin(&to.join(file_name(&project.path, &mut names)))?;
        one(spool, project, &mut tar)?;
        tar.finish()?;
    }
    groups::all(spool, &projects, |path| begin(&to.join(file_name(path, &mut names))))
}

/// Name of the archive of a project or group, as GitLab makes it of the path; no two are the same.
fn file_name(path: &str, names: &mut HashSet<String>) -> String {
    let plain = |it: char| if it.is_alphanumeric() || "._-".contains(it) { it } else { '_' };
    let stem: String = path.chars().take(51).map(plain).collect();
    let mut name = format!("{stem}_export.tar.gz");
    let mut n = 1;
    while !names.insert(name.clone()) {
        n += 1;
        name = format!("{stem}-{n}_export.tar.gz");
    }
    name
}

fn begin(to: &Path) -> Result<TarWriter, SpoolError> {
    let mut tar = TarWriter::create(to, COMPRESSION, 0)?;
    tar.small("VERSION", VERSION.as_bytes())?;
    tar.small("GITLAB_VERSION", GITLAB_VERSION.as_bytes())?;
    tar.small("GITLAB_REVISION", b"packhorse")?;
    Ok(tar)
}

/// One row of JSON.
pub(super) fn json<T: Serialize>(row: &T) -> Result<Vec<u8>, SpoolError> {
    serde_json::to_vec(row).map_err(|error| {
        let detail = error.to_string();
        ArchiveError::Inconsistent { member: "a row".to_owned(), detail }.into()
    })
}

/// The rows of a relation, gathered on the disk, for a tar tells sizes first.
pub(super) struct Rows(Aside);

impl Rows {
    pub(super) fn begin(spool: &Spool) -> Result<Self, SpoolError> {
        Ok(Self(Aside::begin(tempfile::tempfile_in(spool.path())?, COMPRESSION)))
    }

    /// Writes a piece of a row.
    pub(super) fn piece(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        Ok(self.0.put(bytes)?)
    }

    /// Writes a row.
    pub(super) fn row<T: Serialize>(&mut self, row: &T) -> Result<(), SpoolError> {
        let row = json(row)?;
        self.piece(&row)?;
        self.piece(b"\n")
    }

    /// Puts them into the archive, if there are any.
    pub(super) fn end(
        self,
        (of, relation): (&str, &str),
        tar: &mut TarWriter,
    ) -> Result<(), SpoolError> {
        if self.0.size() > 0 {
            tar.take_in(&format!("tree/{of}/{relation}.ndjson"), self.0)?;
        }
        Ok(())
    }
}

/// Writes one project.
fn one(spool: &Spool, scope: &ScopeRow, tar: &mut TarWriter) -> Result<(), SpoolError> {
    let record = spool.record(scope, ObjectKind::Project, &scope.path)?.map(|it| it.object);
    let project = match record {
        Some(Object::Project(it)) => *it,
        _ => Project {
            path: scope.path.clone(),
            name: scope.path.rsplit('/').next().unwrap_or_default().to_owned(),
            ..Project::default()
        },
    };
    tar.small("packhorse.json", &json(&origin(&project))?)?;
    let states = spool.all(scope, ObjectKind::State)?;
    let is_archived =
        states.iter().any(|it| matches!(it, Object::State(it) if it.value == StateValue::Archived));
    let mut attributes = map::project::write(&project, is_archived);
    for it in spool.all(scope, ObjectKind::Topic)? {
        if let Object::Topic(it) = it {
            attributes.topics.0.push(it.name);
        }
    }
    tar.small("tree/project.json", &json(&attributes)?)?;
    let mut nest = Nest::new(spool, scope);
    once(&mut nest, &project, tar)?;
    nested(&mut nest, tar)?;
    let mut contributions = Rows::begin(spool)?;
    nest.people.all().try_for_each(|it| contributions.row(&it))?;
    contributions.end((PROJECT, "user_contributions"), tar)?;
    bytes::write_all(spool, scope, tar)
}

/// What has rows of its own and nothing in them.
fn once(nest: &mut Nest<'_>, project: &Project, tar: &mut TarWriter) -> Result<(), SpoolError> {
    let features = map::project::write_features(project);
    let mut rows = Rows::begin(nest.spool)?;
    rows.row(&features)?;
    rows.end((PROJECT, "project_feature"), tar)?;
    each(nest, tar, ("project_members", ObjectKind::Member), |nest, it| {
        let Object::Member(it) = it.object else { return Ok(None) };
        Ok(map::project::write_member(&it, &mut nest.people))
    })?;
    each(nest, tar, ("labels", ObjectKind::Label), |_, it| {
        let Object::Label(it) = it.object else { return Ok(None) };
        Ok(Some(map::write_label(&it)))
    })?;
    each(nest, tar, ("milestones", ObjectKind::Milestone), |_, it| {
        let Object::Milestone(it) = it.object else { return Ok(None) };
        Ok(Some(map::write_milestone(&it)))
    })?;
    each(nest, tar, ("protected_branches", ObjectKind::BranchRule), |nest, it| {
        let Object::BranchRule(it) = it.object else { return Ok(None) };
        Ok(Some(map::rule::write(&it, &mut nest.people)))
    })?;
    each(nest, tar, ("protected_tags", ObjectKind::TagRule), |nest, it| {
        let Object::TagRule(it) = it.object else { return Ok(None) };
        Ok(Some(map::rule::write_tag(&it, &mut nest.people)))
    })?;
    each(nest, tar, ("boards", ObjectKind::Board), |nest, it| {
        let Object::Board(it) = it.object else { return Ok(None) };
        nest.board(&it).map(Some)
    })
}

/// What has other records in its rows.
fn nested(nest: &mut Nest<'_>, tar: &mut TarWriter) -> Result<(), SpoolError> {
    let (spool, scope) = (nest.spool, nest.scope);
    for (relation, kind) in
        [("issues", ObjectKind::Issue), ("merge_requests", ObjectKind::ChangeRequest)]
    {
        let mut rows = Rows::begin(spool)?;
        spool.each(scope, kind, |it| {
            if let Object::Issue(it) = &it.object {
                nest.issue(it, &mut rows)
            } else if let Object::ChangeRequest(it) = &it.object {
                nest.merge_request(it, &mut rows)
            } else {
                Ok(())
            }
        })?;
        rows.end((PROJECT, relation), tar)?;
    }
    each(nest, tar, ("snippets", ObjectKind::Snippet), |nest, it| {
        let Object::Snippet(snippet) = &it.object else { return Ok(None) };
        nest.snippet(&it.target, snippet).map(Some)
    })?;
    each(nest, tar, ("commit_notes", ObjectKind::CommitComment), |nest, it| {
        let Object::CommitComment(comment) = &it.object else { return Ok(None) };
        nest.commit_note(&it.target, comment).map(Some)
    })?;
    each(nest, tar, ("releases", ObjectKind::Release), |nest, it| {
        let Object::Release(it) = it.object else { return Ok(None) };
        nest.release(&it).map(Some)
    })
}

/// Writes the rows of a relation: what `render` makes of each record of a kind.
fn each<T: Serialize>(
    nest: &mut Nest<'_>,
    tar: &mut TarWriter,
    (relation, kind): (&str, ObjectKind),
    mut render: impl FnMut(&mut Nest<'_>, Stored) -> Result<Option<T>, SpoolError>,
) -> Result<(), SpoolError> {
    let (spool, scope) = (nest.spool, nest.scope);
    let mut rows = Rows::begin(spool)?;
    spool.each(scope, kind, |it| match render(nest, it)? {
        Some(row) => rows.row(&row),
        None => Ok(()),
    })?;
    rows.end((PROJECT, relation), tar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_projects_have_one_file() {
        let mut names = HashSet::new();

        assert_eq!(file_name("acme/big_app", &mut names), "acme_big_app_export.tar.gz");
        assert_eq!(file_name("acme_big/app", &mut names), "acme_big_app-2_export.tar.gz");
        assert_eq!(file_name("../x", &mut names), ".._x_export.tar.gz");
    }
}
