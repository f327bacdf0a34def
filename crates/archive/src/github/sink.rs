//! The archive as a sink: what is GitHub's own in it.

use super::{
    address::{Address, BASE, Site},
    export::export,
    index::Index,
    losses::prepare,
    map::{id, project::webhook_id},
    seed,
    source::identity,
    support,
    survey::survey,
};
use crate::{
    container::{Archive, Limits},
    spool::{Layout, Prepared, Shape, Spool, SpoolError},
};
use packhorse_core::{
    Capabilities, Loss, Object, ObjectKind, Origin, Scope, TargetId,
    model::{Grantee, Member, Place},
};
use std::{path::Path, sync::Arc};

/// Longest description that GitHub takes of a repository.
///
/// Source: GitHub's settings page of a repository.
const MAX_DESCRIPTION_CHARS: usize = 350;

static SHAPE: Shape = Shape {
    // `PkGh` in ASCII.
    application_id: 0x506b_4768,
    parent,
    seed: seed::seed,
};

/// GitHub's layout.
pub(super) struct Github;

impl Layout for Github {
    type Complete = Index;

    fn shape(&self) -> &'static Shape {
        &SHAPE
    }

    fn capabilities(&self, path: &Path) -> Capabilities {
        let mut capabilities = Capabilities::promised(support::writes, identity(path));
        capabilities.web_url = Some(BASE.to_owned());
        capabilities.limits = packhorse_core::Limits {
            label_color_hex: true,
            project_description_chars: Some(MAX_DESCRIPTION_CHARS),
            ..packhorse_core::Limits::default()
        };
        capabilities
    }

    fn refuses(&self, project: &str) -> Option<&'static str> {
        let found = Address::of(Site::new(project).url()).project();
        (found.as_deref() != Some(project)).then_some("its path cannot be read from an address")
    }

    fn prepare(&self, scope: &Scope, id: &str, object: &Object) -> Prepared {
        prepare(&Site::new(scope.key()), id, object)
    }

    fn renamed(&self, kind: ObjectKind, target: &str, n: u64) -> Option<String> {
        // Two hooks may call one address.
        (kind == ObjectKind::Webhook).then(|| webhook_id(target, n))
    }

    fn open(&self, path: &Path, scratch: &Path) -> Result<Index, SpoolError> {
        let archive = Arc::new(Archive::open(path, Limits::of_this_run())?);
        Ok(survey(&archive, scratch)?)
    }

    fn find(
        &self,
        complete: &Index,
        scope: &Scope,
        record: (ObjectKind, &str),
    ) -> Result<Option<TargetId>, SpoolError> {
        seed::find(complete, scope, record)
    }

    fn version(&self, path: &Path) -> Result<String, SpoolError> {
        Ok(Archive::open(path, Limits::of_this_run())?.sha256()?)
    }

    fn strays(&self, spool: &Spool, project: &str) -> Result<Vec<(Origin, Loss)>, SpoolError> {
        let lost = |id| {
            let loss = Loss::sink(Loss::WHOLE, "what it is a reaction to is not in the archive");
            (Origin::new(ObjectKind::Reaction, id), loss)
        };
        let strays = spool.strays(project, ObjectKind::Reaction)?;
        Ok(strays.into_iter().map(lost).collect())
    }

    fn export(&self, spool: &Spool, to: &Path) -> Result<(), SpoolError> {
        export(spool, to)
    }
}

/// What an object is embedded in, if in anything but the project.
fn parent(object: &Object) -> Option<String> {
    if let Object::Reaction(it) = object {
        Some(id::subject(&it.subject))
    } else if let Object::ReleaseAsset(it) = object {
        Some(it.release.clone())
    } else if let Object::Member(it) = object {
        Some(home(it))
    } else {
        None
    }
}

/// What a role is embedded in.
fn home(member: &Member) -> String {
    match (&member.place, &member.grantee) {
        (Place::Project, _) => "project".to_owned(),
        (Place::Organization(path), _) => format!("organization:{path}"),
        (Place::Team { organization, slug }, _) => format!("team:{organization}/{slug}"),
        (Place::ProjectAt(_), Grantee::Team { organization, slug }) => {
            format!("team:{organization}/{slug}")
        }
        (Place::ProjectAt(path), Grantee::User(_) | Grantee::Group(_)) => format!("nowhere:{path}"),
    }
}
