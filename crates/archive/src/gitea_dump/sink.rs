//! The dump as a sink: what is Gitea's own in it.

use super::{FORMAT, export, losses, read, support};
use crate::{
    key,
    spool::{Layout, Prepared, Shape, Spool, SpoolError, Surveyed, identity, placed, seed_from},
};
use packhorse_core::{
    Capabilities, Loss, Object, ObjectKind, Origin, Scope, TargetId,
    model::{HostId, Markup, Subject},
};
use std::path::Path;

pub(super) static SHAPE: Shape = Shape {
    // `PkGe` in ASCII.
    application_id: 0x506b_4765,
    parent,
    seed,
};

/// What an object stands in, as its kind and id.
fn parent(object: &Object) -> Option<String> {
    let Object::ReviewComment(it) = object else { return key::parent(object) };
    let alone = || key::change_request(it.change_request);
    Some(it.review.as_ref().map_or_else(alone, |it| format!("review/{}", it.0)))
}

fn seed(spool: &mut Spool, path: &Path) -> Result<(), SpoolError> {
    let surveyed = read::survey(path, None, spool.path())?;
    seed_from(spool, &surveyed)
}

/// Gitea's layout.
pub(super) struct Dump;

/// Gives everything that an object refers to by an id the id that it has in the dump.
fn with_rows(object: &mut Object) {
    let row = |id: &mut HostId| id.0 = key::row(&id.0);
    if let Object::Reaction(it) = object {
        if let Subject::Comment(id) | Subject::ReviewComment(id) = &mut it.subject {
            row(id);
        }
    } else if let Object::ReviewComment(it) = object {
        it.review.iter_mut().for_each(row);
        it.reply_to.iter_mut().for_each(row);
    }
}

/// Longest title. Source: Gitea, `services/migrations/gitea_uploader.go`.
const MAX_TITLE_CHARS: usize = 255;

impl Layout for Dump {
    type Complete = Surveyed<read::Dumps>;

    fn shape(&self) -> &'static Shape {
        &SHAPE
    }

    fn capabilities(&self, path: &Path) -> Capabilities {
        let mut capabilities = Capabilities::promised(support::writes, identity(FORMAT, path));
        capabilities.markup = Some(Markup::Gitea);
        capabilities.limits = packhorse_core::Limits {
            label_color_hex: true,
            title_chars: Some(MAX_TITLE_CHARS),
            ..packhorse_core::Limits::default()
        };
        capabilities
    }

    fn refuses(&self, project: &str) -> Option<&'static str> {
        let is_plain = |it: char| it.is_alphanumeric() || "._- ".contains(it);
        let is_name = |it: &str| !it.is_empty() && !it.starts_with('.') && it.chars().all(is_plain);
        let is_path = project.contains('/') && project.split('/').all(is_name);
        (!is_path).then_some("a dump is in a directory `owner/name`, and this cannot be one")
    }

    fn placed(&self, scope: &Scope, object: &Object) -> Object {
        let mut object = placed(scope, object);
        with_rows(&mut object);
        object
    }

    fn prepare(&self, scope: &Scope, id: &str, object: &Object) -> Prepared {
        losses::prepare(scope, id, object)
    }

    fn renamed(&self, _: ObjectKind, _: &str, _: u64) -> Option<String> {
        None
    }

    fn crowded(&self, object: &Object) -> Option<(ObjectKind, String, Loss)> {
        let Object::ChangeRequest(it) = object else { return None };
        let why = "an issue has that number, and Gitea has one row of numbers for both: Gitea will \
                   number it higher, and packhorse.yml tells what it was";
        Some((ObjectKind::Issue, it.number.to_string(), Loss::sink("number", why)))
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
        for id in [id.to_owned(), key::row(id)] {
            let found = complete.with(|spool| spool.find(scope, &Origin::new(kind, id)))?;
            if found.is_some() {
                return Ok(found.map(TargetId));
            }
        }
        Ok(None)
    }

    fn version(&self, path: &Path) -> Result<String, SpoolError> {
        read::version(path)
    }

    fn strays(&self, spool: &Spool, project: &str) -> Result<Vec<(Origin, Loss)>, SpoolError> {
        spool.index()?;
        for scope in spool.projects()?.into_iter().filter(|it| it.path == project) {
            export::adopt(spool, &scope)?;
        }
        let mut strays = Vec::new();
        for kind in [
            ObjectKind::Comment,
            ObjectKind::Event,
            ObjectKind::Review,
            ObjectKind::ReviewComment,
            ObjectKind::Reaction,
            ObjectKind::ReleaseAsset,
        ] {
            let loss = Loss::sink(Loss::WHOLE, "what it stands in is not in the dump");
            let found = spool.strays(project, kind)?;
            strays.extend(found.into_iter().map(|id| (Origin::new(kind, id), loss.clone())));
        }
        Ok(strays)
    }

    fn export(&self, spool: &Spool, to: &Path) -> Result<(), SpoolError> {
        export::all(spool, to)
    }
}
