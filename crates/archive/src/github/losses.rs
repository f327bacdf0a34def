//! What an object loses in the archive, found by writing it and reading that again.
//!
//! No list of fields can be forgotten this way: whatever comes back otherwise
//! is a loss, and whoever wrote it is told.

use super::{
    address::Site,
    map::{
        Notes, account, change_request, comment, discussion,
        file::{self, Parent},
        issue, member, project, reaction, release, review, rule,
    },
    support,
    wire::{self, Repository},
};
use crate::spool::{Prepared, losses};
use packhorse_core::{
    Object, ObjectKind,
    model::{IdentityKind, Member, Place, StateValue, Subject},
};

/// Looks what becomes of an object of that id.
pub(super) fn prepare(site: &Site, id: &str, object: &Object) -> Prepared {
    let support = support::writes(object.kind());
    match read_back(site, id, object) {
        Some((target, back)) => losses::prepared(object, (target, &back), support),
        None => losses::without_a_place(object, id, losses::left_out(reason(object), support)),
    }
}

/// Writes an object and reads it again; `None` when the archive has no place for it.
#[expect(clippy::too_many_lines, reason = "one arm a kind")]
fn read_back(site: &Site, id: &str, object: &Object) -> Option<(String, Object)> {
    let notes = &mut Notes::default();
    Some(match object {
        Object::User(it) => {
            let is_bot = it.identity.kind == IdentityKind::Bot;
            wrap(account::read_user(account::write_user(it), is_bot, notes))
        }
        Object::Organization(it) => {
            let written = account::write_organization(it, Vec::new());
            wrap(account::read_organization(written, notes))
        }
        Object::Team(it) => {
            let written = account::write_team(it, Vec::new(), Vec::new());
            wrap(account::read_team(written, notes))
        }
        Object::Member(it) => wrap(read_back_member(it, notes)?),
        Object::Project(it) => {
            let written: Repository = project::write_project(it, project::Embedded::default());
            wrap(project::read_project(written, notes)?)
        }
        Object::Label(it) => wrap(project::read_label(project::write_label(site, it), notes)),
        Object::Topic(it) => wrap(project::read_topic(wire::Topic(it.name.clone()))),
        Object::Webhook(it) => wrap(project::read_webhook(project::write_webhook(it))),
        Object::DeployKey(it) => wrap(project::read_key(project::write_key(it), notes)),
        Object::State(it) => {
            let is_archived = it.subject == Subject::Project && it.value == StateValue::Archived;
            is_archived.then(|| wrap(project::archived()))?
        }
        Object::Milestone(it) => {
            let written = issue::write_milestone(site, it);
            wrap(issue::read_milestone(written, notes)?)
        }
        Object::Issue(it) => {
            let written = issue::write_issue(site, it, Vec::new());
            wrap(issue::read_issue(written, notes)?)
        }
        Object::ChangeRequest(it) => {
            let written = change_request::write(site, it, Vec::new());
            wrap(change_request::read(written, notes)?)
        }
        Object::Review(it) => {
            let written = review::write_review(site, id, it, Vec::new());
            wrap(review::read_review(written, notes)?)
        }
        Object::ReviewThread(it) => {
            let written = review::write_thread(site, id, it);
            wrap(review::read_thread(written, notes)?)
        }
        Object::ReviewComment(it) => {
            let written = review::write_comment(site, id, it, Vec::new());
            wrap(review::read_comment(written, notes)?)
        }
        Object::DiscussionCategory(it) => {
            let written = discussion::write_category(site, it);
            wrap(discussion::read_category(written))
        }
        Object::Discussion(it) => {
            let written = discussion::write(site, it, Vec::new());
            wrap(discussion::read(written, notes)?)
        }
        Object::CommitComment(it) => {
            let written = comment::write_commit_comment(site, id, it, Vec::new());
            wrap(comment::read_commit_comment(written, notes))
        }
        Object::Comment(it) => {
            let written = comment::write_comment(site, id, it, Vec::new())?;
            wrap(comment::read_comment(written, notes)?)
        }
        Object::Reaction(it) => {
            let written = reaction::write(it)?;
            wrap(reaction::read(&it.subject, written, notes))
        }
        Object::Event(it) => {
            let written = comment::write_event(site, id, it)?;
            wrap(comment::read_event(written, notes)?)
        }
        Object::Release(it) => {
            let written = release::write(site, it, Vec::new());
            wrap(release::read(written, notes))
        }
        Object::ReleaseAsset(it) => {
            let written = release::write_asset(it, None)?;
            let (id, mut back) = release::read_asset(&it.release, written, notes);
            // The bytes travel beside the record.
            back.blob.clone_from(&it.blob);
            (id, Object::from(back))
        }
        Object::Attachment(it) => {
            let written = file::write(site, id, it, &Parent::ANY, None)?;
            let (id, mut back) = file::read(written, notes);
            back.blob = it.blob.clone();
            (id, Object::from(back))
        }
        Object::BranchRule(it) => wrap(rule::read(rule::write(site, it), notes)),
        Object::LfsObject(_)
        | Object::Repository(_)
        | Object::Wiki(_)
        | Object::Snippet(_)
        | Object::CommitStatus(_)
        | Object::Board(_)
        | Object::TagRule(_)
        | Object::Variable(_) => return None,
    })
}

fn wrap((id, it): (String, impl Into<Object>)) -> (String, Object) {
    (id, it.into())
}

fn read_back_member(it: &Member, notes: &mut Notes) -> Option<(String, Member)> {
    Some(match &it.place {
        Place::Project => member::read_collaborator(&member::write_collaborator(it)?, notes),
        Place::Organization(path) => {
            let written = member::write_organization_member(it)?;
            member::read_organization_member(path, &written, notes)
        }
        Place::Team { organization, slug } => {
            let written = member::write_team_member(it)?;
            member::read_team_member((organization, slug), &written, notes)
        }
        Place::ProjectAt(_) => {
            let (organization, slug) = member::team_of(it)?;
            member::read_permission((organization, slug), &member::write_permission(it)?, notes)?
        }
    })
}

/// What of an object makes that the archive has no place for it.
fn reason(object: &Object) -> Option<String> {
    let kind = object.kind();
    let variant = |field: &str| losses::variant(object, field);
    if kind == ObjectKind::ReleaseAsset {
        return Some("link".to_owned());
    }
    if reaction::is_foreign(object) {
        return Some("content.other".to_owned());
    }
    let place = ["subject", "grantee"].into_iter().find_map(variant);
    place.filter(|_| kind != ObjectKind::State).or_else(|| variant("value"))
}
