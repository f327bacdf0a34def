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
use packhorse_core::{
    Gap, Loss, Object, ObjectKind, fingerprint,
    model::{IdentityKind, Member, Place, StateValue, Subject},
};
use serde_json::Value;

/// What becomes of an object.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The id under which it is read back.
    pub(super) target: String,
    /// Its canonical JSON.
    pub(super) body: Vec<u8>,
    /// What is lost of it.
    pub(super) losses: Vec<Loss>,
    /// Whether it is left out as a whole.
    pub(super) is_left_out: bool,
}

/// Looks what becomes of an object of that id.
pub(super) fn prepare(site: &Site, id: &str, object: &Object) -> Prepared {
    let body = fingerprint::exact(object);
    let Some((target, back)) = read_back(site, id, object) else {
        let losses = vec![left_out(object)];
        return Prepared { target: id.to_owned(), body, losses, is_left_out: true };
    };
    let found = fingerprint::exact(&back);
    let losses = if found == body { Vec::new() } else { losses(object.kind(), &body, &found) };
    Prepared { target, body, losses, is_left_out: false }
}

/// Writes an object and reads it again; `None` when the archive has no place for it.
#[expect(clippy::too_many_lines, reason = "one arm a kind")]
fn read_back(site: &Site, id: &str, object: &Object) -> Option<(String, Object)> {
    let notes = &mut Notes::default();
    Some(match object {
        Object::User(it) => {
            let is_bot = it.identity.kind == IdentityKind::Bot;
            wrap(Object::User, account::read_user(account::write_user(it), is_bot, notes))
        }
        Object::Organization(it) => {
            let written = account::write_organization(it, Vec::new());
            wrap(Object::Organization, account::read_organization(written, notes))
        }
        Object::Team(it) => {
            let written = account::write_team(it, Vec::new(), Vec::new());
            wrap(Object::Team, account::read_team(written, notes))
        }
        Object::Member(it) => wrap(Object::Member, read_back_member(it, notes)?),
        Object::Project(it) => {
            let written: Repository = project::write_project(it, project::Embedded::default());
            wrap(Object::Project, project::read_project(written, notes)?)
        }
        Object::Label(it) => {
            wrap(Object::Label, project::read_label(project::write_label(site, it), notes))
        }
        Object::Topic(it) => wrap(Object::Topic, project::read_topic(wire::Topic(it.name.clone()))),
        Object::Webhook(it) => {
            wrap(Object::Webhook, project::read_webhook(project::write_webhook(it)))
        }
        Object::DeployKey(it) => {
            wrap(Object::DeployKey, project::read_key(project::write_key(it), notes))
        }
        Object::State(it) => {
            let is_archived = it.subject == Subject::Project && it.value == StateValue::Archived;
            is_archived.then(|| wrap(Object::State, project::archived()))?
        }
        Object::Milestone(it) => {
            let written = issue::write_milestone(site, it);
            wrap(Object::Milestone, issue::read_milestone(written, notes)?)
        }
        Object::Issue(it) => {
            let written = issue::write_issue(site, it, Vec::new());
            wrap(Object::Issue, issue::read_issue(written, notes)?)
        }
        Object::ChangeRequest(it) => {
            let written = change_request::write(site, it, Vec::new());
            wrap(Object::ChangeRequest, change_request::read(written, notes)?)
        }
        Object::Review(it) => {
            let written = review::write_review(site, id, it, Vec::new());
            wrap(Object::Review, review::read_review(written, notes)?)
        }
        Object::ReviewThread(it) => {
            let written = review::write_thread(site, id, it);
            wrap(Object::ReviewThread, review::read_thread(written, notes)?)
        }
        Object::ReviewComment(it) => {
            let written = review::write_comment(site, id, it, Vec::new());
            wrap(Object::ReviewComment, review::read_comment(written, notes)?)
        }
        Object::DiscussionCategory(it) => {
            let written = discussion::write_category(site, it);
            wrap(Object::DiscussionCategory, discussion::read_category(written))
        }
        Object::Discussion(it) => {
            let written = discussion::write(site, it, Vec::new());
            wrap(Object::Discussion, discussion::read(written, notes)?)
        }
        Object::CommitComment(it) => {
            let written = comment::write_commit_comment(site, id, it, Vec::new());
            wrap(Object::CommitComment, comment::read_commit_comment(written, notes))
        }
        Object::Comment(it) => {
            let written = comment::write_comment(site, id, it, Vec::new())?;
            wrap(Object::Comment, comment::read_comment(written, notes)?)
        }
        Object::Reaction(it) => {
            let written = reaction::write(it)?;
            wrap(Object::Reaction, reaction::read(&it.subject, written, notes))
        }
        Object::Event(it) => {
            let written = comment::write_event(site, id, it)?;
            wrap(Object::Event, comment::read_event(written, notes)?)
        }
        Object::Release(it) => {
            let written = release::write(site, it, Vec::new());
            wrap(Object::Release, release::read(written, notes))
        }
        Object::ReleaseAsset(it) => {
            let written = release::write_asset(it, None)?;
            let (id, mut back) = release::read_asset(&it.release, written, notes);
            // The bytes travel beside the record.
            back.blob.clone_from(&it.blob);
            (id, Object::ReleaseAsset(back))
        }
        Object::Attachment(it) => {
            let written = file::write(site, id, it, &Parent::ANY, None)?;
            let (id, mut back) = file::read(written, notes);
            back.blob = it.blob.clone();
            (id, Object::Attachment(back))
        }
        Object::BranchRule(it) => {
            wrap(Object::BranchRule, rule::read(rule::write(site, it), notes))
        }
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

fn wrap<T>(as_object: fn(T) -> Object, (id, it): (String, T)) -> (String, Object) {
    (id, as_object(it))
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

/// The loss of an object that the archive has no place for, named by what makes it so.
fn left_out(object: &Object) -> Loss {
    let value: Value = serde_json::from_slice(&fingerprint::exact(object)).unwrap_or_default();
    let variant = |field: &str| {
        let value = value.get(field)?;
        let name = value.as_object().and_then(|it| it.keys().next().map(String::as_str));
        Some(format!("{field}.{}", name.or(value.as_str())?))
    };
    let kind = object.kind();
    let field = if kind == ObjectKind::ReleaseAsset {
        Some("link".to_owned())
    } else if reaction::is_foreign(object) {
        Some("content.other".to_owned())
    } else {
        ["subject", "grantee"].into_iter().find_map(variant).filter(|_| kind != ObjectKind::State)
    };
    let field = field.or_else(|| variant("value"));
    let field = field.unwrap_or_else(|| Loss::WHOLE.to_owned());
    let gaps = support::writes(kind).gaps();
    let why = gaps.iter().find(|it| it.field == field).map(|it| it.why);
    Loss::sink(field, why.unwrap_or("the archive has no place for it, and it is left out"))
}

/// What two canonical forms do not share, in the words of the table of gaps.
fn losses(kind: ObjectKind, written: &[u8], found: &[u8]) -> Vec<Loss> {
    let parse = |json| serde_json::from_slice::<Value>(json).unwrap_or_default();
    let mut fields = Vec::new();
    compare("", &parse(written), &parse(found), &mut fields);
    let gaps = support::writes(kind).gaps();
    let mut losses: Vec<Loss> = Vec::new();
    for field in fields {
        let loss = match gaps.iter().find(|it| covers(it, &field)) {
            Some(gap) => Loss::sink(gap.field, gap.why),
            None => Loss::sink(field, "the archive does not give it back as it was"),
        };
        if !losses.contains(&loss) {
            losses.push(loss);
        }
    }
    losses
}

/// Whether a gap speaks of a field, of what it is in, or of what is in it.
fn covers(gap: &Gap, field: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    within(field, gap.field) || within(gap.field, field)
}

/// Notes the fields in which two values differ; lists of one length are compared item by item.
fn compare(path: &str, written: &Value, found: &Value, fields: &mut Vec<String>) {
    match (written, found) {
        (a, b) if a == b => {}
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|it| !a.contains_key(*it))) {
                let field = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let get = |it: &serde_json::Map<String, Value>| it.get(key).cloned();
                compare(&field, &get(a).unwrap_or_default(), &get(b).unwrap_or_default(), fields);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).for_each(|(a, b)| compare(path, a, b, fields));
        }
        _ => fields.push(path.to_owned()),
    }
}
