//! Writing: the archive is made of a spool, entry by entry.

mod export;
mod git;
mod queue;
mod request;

use super::{FORMAT, losses, map::project, read, support};
use crate::{
    key,
    spool::{
        Layout, Prepared, ScopeRow, Shape, Spool, SpoolError, Surveyed, identity, placed,
        seed_from, version_of_files,
    },
};
use packhorse_core::{
    Capabilities, Loss, Object, ObjectKind, Origin, Scope, TargetId,
    model::{ChangeRequestState, HostId, Markup, Subject},
};
use std::path::Path;

pub(super) static SHAPE: Shape = Shape {
    // `PkBb` in ASCII.
    application_id: 0x506b_4262,
    parent,
    seed,
};

/// What an object stands in, as its kind and id; what it is compared with among the records.
fn parent(object: &Object) -> Option<String> {
    if let Object::Comment(it) = object
        && let Some(above) = &it.reply_to
    {
        return Some(key::subject(&Subject::Comment(above.clone())));
    }
    let Object::ReviewComment(it) = object else { return key::parent(object) };
    let thread = it.thread.as_ref().map(|it| thread(&it.0));
    thread.or_else(|| Some(key::change_request(it.change_request)))
}

/// A thread as what comments stand in.
fn thread(id: &str) -> String {
    format!("review_thread/{id}")
}

fn seed(spool: &mut Spool, path: &Path) -> Result<(), SpoolError> {
    let surveyed = read::survey(path, spool.path())?;
    seed_from(spool, &surveyed)
}

/// Longest title, and longest text.
///
/// Source: Atlassian, Javadoc of Bitbucket, `PullRequest` and `AddCommentRequest`.
const MAX_TITLE_CHARS: usize = 255;
const MAX_BODY_BYTES: usize = 32_768;

/// Bitbucket Data Center's layout.
pub(super) struct Export;

/// Puts comments whose answered one, or whose thread, did not come into their change request, and
/// those that answer each other in a ring.
fn adopt(spool: &Spool, scope: &ScopeRow) -> Result<(), SpoolError> {
    let home = |it: &Object| {
        let Object::Comment(it) = it else { return None };
        Some(key::subject(&it.subject))
    };
    spool.adopt(scope, ObjectKind::Comment, ("comment/", ObjectKind::Comment), home)?;
    spool.open_rings(scope, ObjectKind::Comment, "comment/", home)?;
    let of = ("review_thread/", ObjectKind::ReviewThread);
    spool.adopt(scope, ObjectKind::ReviewComment, of, |it| {
        let Object::ReviewComment(it) = it else { return None };
        Some(key::change_request(it.change_request))
    })
}

/// Closings of change requests that were merged: there is no such word for those.
fn closings(spool: &Spool, scope: &ScopeRow) -> Result<Vec<Origin>, SpoolError> {
    let mut found = Vec::new();
    spool.each(scope, ObjectKind::Event, |it| {
        let Object::Event(event) = &it.object else { return Ok(()) };
        let Subject::ChangeRequest(number) = event.subject else { return Ok(()) };
        if event.action == "closed" && is_merged(spool, scope, number)? {
            found.push(Origin::new(ObjectKind::Event, it.origin));
        }
        Ok(())
    })?;
    Ok(found)
}

fn is_merged(spool: &Spool, scope: &ScopeRow, number: u64) -> Result<bool, SpoolError> {
    let found = spool.record(scope, ObjectKind::ChangeRequest, &number.to_string())?;
    let Some(Object::ChangeRequest(it)) = found.map(|it| it.object) else { return Ok(false) };
    Ok(it.state == ChangeRequestState::Merged)
}

impl Layout for Export {
    type Complete = Surveyed<read::Repositories>;

    fn shape(&self) -> &'static Shape {
        &SHAPE
    }

    fn capabilities(&self, path: &Path) -> Capabilities {
        let mut capabilities = Capabilities::promised(support::writes, identity(FORMAT, path));
        capabilities.markup = Some(Markup::Bitbucket);
        capabilities.limits = packhorse_core::Limits {
            title_chars: Some(MAX_TITLE_CHARS),
            body_bytes: Some(MAX_BODY_BYTES),
            ..packhorse_core::Limits::default()
        };
        capabilities
    }

    fn refuses(&self, project: &str) -> Option<&'static str> {
        if project.starts_with('~') {
            return Some(
                "how the archive tells a person's own project is not public: give it another owner",
            );
        }
        let Some((key, slug)) = project.split_once('/') else {
            return Some("Bitbucket's repositories are in projects: give it a path like KEY/name");
        };
        if !project::is_key(key) {
            return Some(
                "the key of a Bitbucket project begins with a letter and has letters, digits, `_` \
                 and `-` alone: give it another owner",
            );
        }
        (!project::is_slug(slug)).then_some(
            "the name of a Bitbucket repository in addresses has letters, digits, `.`, `_` and `-` \
             alone: give it another path",
        )
    }

    fn placed(&self, scope: &Scope, object: &Object) -> Object {
        let mut object = placed(scope, object);
        let rows = |id: &mut Option<HostId>| {
            if let Some(id) = id {
                id.0 = key::row(&id.0);
            }
        };
        if let Object::Comment(it) = &mut object {
            rows(&mut it.reply_to);
        } else if let Object::ReviewComment(it) = &mut object {
            rows(&mut it.reply_to);
            rows(&mut it.thread);
        }
        object
    }

    fn prepare(&self, scope: &Scope, id: &str, object: &Object) -> Prepared {
        losses::prepare(scope, id, object)
    }

    fn renamed(&self, kind: ObjectKind, target: &str, n: u64) -> Option<String> {
        match kind {
            ObjectKind::Review | ObjectKind::Event => Some(read::nth(target, n)),
            // Threads are called as their first comments are; who else would be is not the first.
            ObjectKind::ReviewComment if n == 1 => Some(target.to_owned()),
            ObjectKind::ReviewComment => Some(key::row(&format!("{target}/{n}"))),
            ObjectKind::User
            | ObjectKind::Organization
            | ObjectKind::Team
            | ObjectKind::Project
            | ObjectKind::Member
            | ObjectKind::Topic
            | ObjectKind::LfsObject
            | ObjectKind::Repository
            | ObjectKind::Wiki
            | ObjectKind::Label
            | ObjectKind::Milestone
            | ObjectKind::Attachment
            | ObjectKind::Issue
            | ObjectKind::ChangeRequest
            | ObjectKind::ReviewThread
            | ObjectKind::DiscussionCategory
            | ObjectKind::Discussion
            | ObjectKind::Snippet
            | ObjectKind::CommitComment
            | ObjectKind::Comment
            | ObjectKind::Reaction
            | ObjectKind::CommitStatus
            | ObjectKind::Release
            | ObjectKind::ReleaseAsset
            | ObjectKind::Board
            | ObjectKind::BranchRule
            | ObjectKind::TagRule
            | ObjectKind::Webhook
            | ObjectKind::DeployKey
            | ObjectKind::Variable
            | ObjectKind::State => None,
        }
    }

    fn open(&self, path: &Path, scratch: &Path) -> Result<Self::Complete, SpoolError> {
        read::survey(path, scratch)
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
        version_of_files(&[path.to_owned()])
    }

    fn strays(&self, spool: &Spool, project: &str) -> Result<Vec<(Origin, Loss)>, SpoolError> {
        spool.index()?;
        let mut strays = Vec::new();
        for scope in spool.projects()?.into_iter().filter(|it| it.path == project) {
            adopt(spool, &scope)?;
            let why = "it was merged, which Bitbucket does not call closed";
            let closings = closings(spool, &scope)?;
            strays.extend(closings.into_iter().map(|it| (it, Loss::sink(Loss::WHOLE, why))));
        }
        for kind in [
            ObjectKind::Comment,
            ObjectKind::Event,
            ObjectKind::Review,
            ObjectKind::ReviewThread,
            ObjectKind::ReviewComment,
        ] {
            let loss = Loss::sink(Loss::WHOLE, "what it stands in is not in the archive");
            let found = spool.strays(project, kind)?;
            strays.extend(found.into_iter().map(|id| (Origin::new(kind, id), loss.clone())));
        }
        let kinds = (ObjectKind::ReviewThread, ObjectKind::ReviewComment);
        for id in spool.childless(project, kinds)? {
            let loss = Loss::sink(Loss::WHOLE, "nothing was said in it");
            strays.push((Origin::new(ObjectKind::ReviewThread, id), loss));
        }
        Ok(strays)
    }

    fn export(&self, spool: &Spool, to: &Path) -> Result<(), SpoolError> {
        export::all(spool, to)
    }
}
