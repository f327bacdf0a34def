//! Writing: the archive is made of a spool, for each project in one pass.

mod bytes;
mod diff;
mod export;
mod groups;
mod nest;

use super::{FORMAT, id, is_file, losses, map, people::People, read, support, wire};
use crate::key;
use crate::spool::{
    Layout, Prepared, Shape, Spool, SpoolError, Surveyed, identity, placed, seed_from,
    version_of_files,
};
use packhorse_core::{
    Capabilities, Loss, Object, ObjectKind, Origin, Scope, TargetId,
    model::{Markup, Place, Project, Text},
};
use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

pub(super) static SHAPE: Shape = Shape {
    // `PkGl` in ASCII.
    application_id: 0x506b_476c,
    parent,
    seed,
};

/// What an object stands in, as its kind and id; what it is compared with among the records.
fn parent(object: &Object) -> Option<String> {
    if let Object::Member(it) = object
        && let Place::Organization(path) = &it.place
    {
        return Some(groups::key(path));
    }
    let Object::ReviewComment(it) = object else { return key::parent(object) };
    let alone = || key::change_request(it.change_request);
    Some(it.thread.as_ref().map_or_else(alone, |it| format!("review_thread/{}", it.0)))
}

fn seed(spool: &mut Spool, path: &Path) -> Result<(), SpoolError> {
    let surveyed = read::survey(path, None, spool.path())?;
    seed_from(spool, &surveyed)
}

/// GitLab's layout, for one project or for a directory of archives.
pub(super) struct GitlabExport {
    is_file: bool,
    /// The project of an archive that holds one.
    only: Mutex<Option<String>>,
}

impl GitlabExport {
    /// That of a location.
    pub(super) fn at(path: &Path) -> Self {
        Self { is_file: is_file(path), only: Mutex::default() }
    }
}

/// Where an archive is from, for those who read it without its file's name.
pub(super) fn origin(it: &Project) -> wire::Origin {
    wire::Origin {
        path: Some(it.path.clone()),
        name: Some(it.name.clone()),
        default_branch: it.default_branch.clone(),
    }
}

/// Longest description of a project, and longest title, that GitLab takes.
///
/// Source: GitLab, `app/models/project.rb`, `app/models/concerns/issuable.rb`.
const MAX_DESCRIPTION_CHARS: usize = 2_000;
const MAX_TITLE_CHARS: usize = 255;
/// Longest text. Source: GitLab, "Instance limits", "Size of comments and descriptions".
const MAX_BODY_BYTES: usize = 1_000_000;

impl Layout for GitlabExport {
    type Complete = Surveyed<read::Exports>;

    fn shape(&self) -> &'static Shape {
        &SHAPE
    }

    fn capabilities(&self, path: &Path) -> Capabilities {
        let mut capabilities = Capabilities::promised(support::writes, identity(FORMAT, path));
        capabilities.markup = Some(Markup::Gitlab);
        capabilities.limits = packhorse_core::Limits {
            label_color_hex: true,
            title_chars: Some(MAX_TITLE_CHARS),
            label_name_chars: Some(MAX_TITLE_CHARS),
            project_description_chars: Some(MAX_DESCRIPTION_CHARS),
            body_bytes: Some(MAX_BODY_BYTES),
            ..packhorse_core::Limits::default()
        };
        if self.is_file {
            return capabilities.without(ObjectKind::Organization, support::NO_GROUPS);
        }
        capabilities
    }

    fn refuses(&self, project: &str) -> Option<&'static str> {
        let is_path = |it: &str| !it.is_empty() && it != "." && it != ".." && !it.contains('\0');
        if !project.split('/').all(is_path) {
            return Some("a project's path has an empty part");
        }
        let mut only = self.only.lock().unwrap_or_else(PoisonError::into_inner);
        let is_other = self.is_file && only.get_or_insert_with(|| project.to_owned()) != project;
        is_other.then_some(
            "GitLab's archives hold one project each: name one with `#owner/project`, or give a \
             directory for an archive of each",
        )
    }

    fn placed(&self, scope: &Scope, object: &Object) -> Object {
        let mut object = placed(scope, object);
        id::place(&mut object);
        if let Object::Comment(it) = &mut object
            && let Some(body) = &it.body
            && losses::is_marked(body.as_str())
            && let Some((_, said)) = packhorse_core::mark::parse(body.as_str())
        {
            // Else it would be read as a review.
            it.body = Some(Text::new(said.trim_end().to_owned(), body.markup));
        }
        object
    }

    fn prepare(&self, scope: &Scope, id: &str, object: &Object) -> Prepared {
        losses::prepare(scope, id, object, !self.is_file)
    }

    fn renamed(&self, _: ObjectKind, _: &str, _: u64) -> Option<String> {
        None
    }

    fn open(&self, path: &Path, scratch: &Path) -> Result<Self::Complete, SpoolError> {
        read::survey(path, None, scratch)
    }

    fn find(
        &self,
        complete: &Self::Complete,
        scope: &Scope,
        (kind, id): (ObjectKind, &str),
    ) -> Result<Option<TargetId>, SpoolError> {
        let mut ids = vec![id.to_owned(), id::row(id), id::discussion(id)];
        ids.extend(map::event::ids(id));
        for id in ids {
            let found = complete.with(|spool| spool.find(scope, &Origin::new(kind, id)))?;
            if found.is_some() {
                return Ok(found.map(TargetId));
            }
        }
        Ok(None)
    }

    fn version(&self, path: &Path) -> Result<String, SpoolError> {
        let mut files = vec![path.to_owned()];
        if path.is_dir() {
            files = std::fs::read_dir(path)?
                .map(|it| Ok(it?.path()))
                .collect::<Result<_, SpoolError>>()?;
            files.sort();
        }
        version_of_files(&files)
    }

    fn strays(&self, spool: &Spool, project: &str) -> Result<Vec<(Origin, Loss)>, SpoolError> {
        spool.index()?;
        for scope in spool.projects()?.into_iter().filter(|it| it.path == project) {
            nest::adopt(spool, &scope)?;
        }
        let mut strays = Vec::new();
        for kind in [
            ObjectKind::Comment,
            ObjectKind::Event,
            ObjectKind::Review,
            ObjectKind::ReviewThread,
            ObjectKind::ReviewComment,
            ObjectKind::Reaction,
            ObjectKind::ReleaseAsset,
        ] {
            let loss = Loss::sink(Loss::WHOLE, "what it stands in is not in the archive");
            let found = spool.strays(project, kind)?;
            strays.extend(found.into_iter().map(|id| (Origin::new(kind, id), loss.clone())));
        }
        let kinds = (ObjectKind::ReviewThread, ObjectKind::ReviewComment);
        for id in spool.childless(project, kinds)? {
            let loss =
                Loss::sink(Loss::WHOLE, "nothing was said in it, and it is told by its notes");
            strays.push((Origin::new(ObjectKind::ReviewThread, id), loss));
        }
        Ok(strays)
    }

    fn export(&self, spool: &Spool, to: &Path) -> Result<(), SpoolError> {
        export::all(spool, to, self.is_file)
    }
}
