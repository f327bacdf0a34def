//! One rich object of every kind, as many as are asked for.
//!
//! Samples of one number belong together: comment 7 is about issue 7, which has
//! label 7 and milestone 7. Their texts hold what breaks careless code: line
//! ends of all sorts, characters beyond the first plane, quotes, NUL's
//! neighbours, times far from UTC. Ids are those that a source would give:
//! names and numbers where people have them.

mod account;
mod discussion;
mod issue;
mod project;
mod review;
mod value;

use packhorse_core::{
    Object, ObjectKind, Record, Scope,
    model::{Grantee, Place, Project},
};
pub use value::{bytes, change_request_number, discussion_number, issue_number, sha256};

/// A record of that kind; the same for the same number, another for another.
pub fn sample(kind: ObjectKind, n: u64) -> Record {
    let object = object(kind, n);
    Record::new(id(&object, n), object)
}

/// Another version of the same record: the same id, another fingerprint.
pub fn changed(kind: ObjectKind, n: u64) -> Record {
    let mut record = sample(kind, n);
    value::touch(&mut record.object);
    record
}

/// The scope that record stands in: `acme/app`, the shared one, or a project's own.
pub fn scope(kind: ObjectKind, n: u64) -> Scope {
    if kind == ObjectKind::Project {
        Scope::Project(project::project(n).path)
    } else if kind.in_project() {
        Scope::Project("acme/app".to_owned())
    } else {
        Scope::Shared
    }
}

/// The record of a project of that path.
pub fn project_at(path: &str) -> Record {
    Record::new(path, Object::from(Project { path: path.to_owned(), ..project::project(0) }))
}

/// The object of that kind and number.
pub fn object(kind: ObjectKind, n: u64) -> Object {
    match kind {
        ObjectKind::User => Object::from(account::user(n)),
        ObjectKind::Organization => Object::from(account::organization(n)),
        ObjectKind::Team => Object::from(account::team(n)),
        ObjectKind::Project => Object::from(project::project(n)),
        ObjectKind::Member => Object::from(account::member(n)),
        ObjectKind::Topic => Object::from(project::topic(n)),
        ObjectKind::LfsObject => Object::from(project::lfs_object(n)),
        ObjectKind::Repository => Object::from(project::repository(n)),
        ObjectKind::Wiki => Object::from(project::wiki(n)),
        ObjectKind::Label => Object::from(project::label(n)),
        ObjectKind::Milestone => Object::from(project::milestone(n)),
        ObjectKind::Attachment => Object::from(issue::attachment(n)),
        ObjectKind::Issue => Object::from(issue::issue(n)),
        ObjectKind::ChangeRequest => Object::from(review::change_request(n)),
        ObjectKind::Review => Object::from(review::review(n)),
        ObjectKind::ReviewThread => Object::from(review::thread(n)),
        ObjectKind::ReviewComment => Object::from(review::comment(n)),
        ObjectKind::DiscussionCategory => Object::from(discussion::category(n)),
        ObjectKind::Discussion => Object::from(discussion::discussion(n)),
        ObjectKind::Snippet => Object::from(discussion::snippet(n)),
        ObjectKind::CommitComment => Object::from(review::commit_comment(n)),
        ObjectKind::Comment => Object::from(issue::comment(n)),
        ObjectKind::Reaction => Object::from(issue::reaction(n)),
        ObjectKind::Event => Object::from(issue::event(n)),
        ObjectKind::CommitStatus => Object::from(review::commit_status(n)),
        ObjectKind::Release => Object::from(project::release(n)),
        ObjectKind::ReleaseAsset => Object::from(project::release_asset(n)),
        ObjectKind::Board => Object::from(issue::board(n)),
        ObjectKind::BranchRule => Object::from(project::branch_rule(n)),
        ObjectKind::TagRule => Object::from(project::tag_rule(n)),
        ObjectKind::Webhook => Object::from(project::webhook(n)),
        ObjectKind::DeployKey => Object::from(project::deploy_key(n)),
        ObjectKind::Variable => Object::from(project::variable(n)),
        ObjectKind::State => Object::from(issue::state(n)),
    }
}

/// The id that a source gives to an object: its name or number, or a number of the host's.
fn id(object: &Object, n: u64) -> String {
    let host_id = || (900_000 + n).to_string();
    match object {
        Object::User(it) => it.identity.login.clone(),
        Object::Organization(it) => it.path.clone(),
        Object::Team(it) => format!("{}/{}", it.organization, it.slug),
        Object::Project(it) => it.path.clone(),
        Object::Member(it) => format!("{}/{}", place(&it.place), grantee(&it.grantee)),
        Object::Topic(it) => it.name.clone(),
        Object::LfsObject(it) => it.blob.sha256.clone().unwrap_or_default(),
        Object::Repository(_) => "code".to_owned(),
        Object::Wiki(_) => "wiki".to_owned(),
        Object::Label(it) => it.name.clone(),
        Object::Milestone(it) => it.number.to_string(),
        Object::Issue(it) => it.number.to_string(),
        Object::ChangeRequest(it) => it.number.to_string(),
        Object::Discussion(it) => it.number.to_string(),
        Object::DiscussionCategory(it) => it.name.clone(),
        Object::Reaction(it) => {
            let login = it.author.as_ref().map_or("", |it| it.login.as_str());
            format!("comment/{}/{login}/{}", value::comment_id(n), it.content)
        }
        Object::Release(it) => it.tag.clone(),
        Object::ReleaseAsset(it) => format!("{}/{}", it.release, it.name),
        Object::BranchRule(it) => it.pattern.clone(),
        Object::TagRule(it) => it.pattern.clone(),
        Object::Variable(it) => it.name.clone(),
        Object::Board(it) => it.name.clone(),
        Object::State(_) => format!("issue/{}/locked", issue_number(n)),
        Object::Comment(_) => value::comment_id(n),
        Object::Review(_) => value::review_id(n),
        Object::ReviewThread(_) => value::thread_id(n),
        Object::Attachment(_)
        | Object::ReviewComment(_)
        | Object::Snippet(_)
        | Object::CommitComment(_)
        | Object::Event(_)
        | Object::CommitStatus(_)
        | Object::Webhook(_)
        | Object::DeployKey(_) => host_id(),
    }
}

fn place(place: &Place) -> String {
    match place {
        Place::Project => "project".to_owned(),
        Place::ProjectAt(path) | Place::Organization(path) => path.clone(),
        Place::Team { organization, slug } => format!("{organization}/{slug}"),
    }
}

fn grantee(grantee: &Grantee) -> String {
    match grantee {
        Grantee::User(identity) => identity.login.clone(),
        Grantee::Team { organization, slug } => format!("{organization}/{slug}"),
        Grantee::Group(name) => name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::{Fingerprint, fingerprint};
    use std::collections::BTreeSet;

    #[test]
    fn a_sample_is_of_the_kind_that_was_asked_for() {
        for &kind in ObjectKind::ALL {
            assert_eq!(sample(kind, 3).object.kind(), kind);
            assert_eq!(sample(kind, 3), sample(kind, 3));
        }
    }

    #[test]
    fn samples_differ_in_ids_and_fingerprints() {
        for &kind in ObjectKind::ALL {
            let records: Vec<Record> = (0..50).map(|n| sample(kind, n)).collect();

            let prints: BTreeSet<_> =
                records.iter().map(|it| Fingerprint::of(&it.object)).collect();
            assert_eq!(prints.len(), 50, "{kind}");
            let ids: BTreeSet<_> = records.iter().map(|it| it.origin.id.clone()).collect();
            let expected =
                if matches!(kind, ObjectKind::Repository | ObjectKind::Wiki) { 1 } else { 50 };
            assert_eq!(ids.len(), expected, "{kind}");
        }
    }

    #[test]
    fn a_changed_sample_keeps_its_id_and_not_its_fingerprint() {
        for &kind in ObjectKind::ALL {
            let (before, after) = (sample(kind, 5), changed(kind, 5));

            assert_eq!(before.origin, after.origin, "{kind}");
            assert_ne!(Fingerprint::of(&before.object), Fingerprint::of(&after.object), "{kind}");
        }
    }

    #[test]
    fn a_sample_survives_its_stored_form() {
        for &kind in ObjectKind::ALL {
            let object = sample(kind, 7).object;

            let stored = fingerprint::exact(&object);

            assert_eq!(Object::from_fields(kind, &stored).unwrap(), object, "{kind}");
        }
    }
}
