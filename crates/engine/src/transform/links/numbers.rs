//! Numbers by which records refer to each other, told as the destination counts.
//!
//! The id of an issue, a change request, a milestone or a discussion is its number.

use super::{UNRESOLVED, ids};
use packhorse_core::{
    Capabilities, Loss, Object, ObjectKind, Origin, Record, Settle, TargetId,
    model::{CloseReference, Subject},
    port::{Context, Transform},
};
use std::collections::BTreeMap;

type Links = BTreeMap<Origin, TargetId>;

/// A field that refers to something by its number.
enum Field<'a> {
    /// A record without it has no place.
    Needed(&'a mut u64),
    /// A record can do without.
    Maybe(&'a mut Option<u64>),
    /// Each of them can be left out.
    Many(&'a mut Vec<u64>),
    /// Each of them can be left out, and those of other projects are not looked at.
    Closes(&'a mut Vec<CloseReference>),
}

/// Tells references by number as the destination counts, where it does not keep numbers.
///
/// What is not known yet is taken out, and the record is marked for [`crate::relink`].
#[derive(Debug)]
pub(crate) struct Numbers;

impl Transform for Numbers {
    fn name(&self) -> &'static str {
        "numbers"
    }

    fn apply(&self, _: &Context<'_>, record: &mut Record) {
        let Record { object, links, losses, .. } = record;
        let mut is_complete = true;
        fields(object, &mut |kind, field| is_complete &= field.translate(kind, links));
        if !is_complete {
            let detail = "refers to something whose new number was not known yet";
            losses.push(Loss::policy(UNRESOLVED, detail));
        }
    }
}

impl Field<'_> {
    /// Puts in the destination's numbers; whether all were known.
    fn translate(self, kind: ObjectKind, links: &Links) -> bool {
        let known = |number: &u64| links.get(&origin(kind, *number))?.0.parse().ok();
        match self {
            // Whether it is there at all was looked at before.
            Self::Needed(number) => {
                *number = known(number).unwrap_or(*number);
                true
            }
            Self::Maybe(number) => {
                let before = *number;
                *number = before.as_ref().and_then(known);
                number.is_some() == before.is_some()
            }
            Self::Many(numbers) => {
                let before = numbers.len();
                *numbers = numbers.iter().filter_map(known).collect();
                numbers.len() == before
            }
            Self::Closes(list) => {
                let before = list.len();
                list.retain_mut(|it| {
                    let number =
                        if it.project.is_some() { Some(it.issue) } else { known(&it.issue) };
                    it.issue = number.unwrap_or(it.issue);
                    number.is_some()
                });
                list.len() == before
            }
        }
    }
}

/// What an object refers to by number, as it is to be looked up for [`Record::links`].
pub(crate) fn numbered(object: &mut Object, sink: &Capabilities) -> Vec<Origin> {
    let mut wanted = Vec::new();
    if sink.keeps.numbers {
        return wanted;
    }
    fields(object, &mut |kind, field| match field {
        Field::Needed(number) => wanted.push(origin(kind, *number)),
        Field::Maybe(number) => wanted.extend(number.map(|it| origin(kind, it))),
        Field::Many(numbers) => wanted.extend(numbers.iter().map(|it| origin(kind, *it))),
        Field::Closes(list) => {
            let here = list.iter().filter(|it| it.project.is_none());
            wanted.extend(here.map(|it| origin(kind, it.issue)));
        }
    });
    wanted
}

/// What a record belongs to and cannot be without, when that has not arrived.
pub(crate) fn missing_parent(record: &mut Record, sink: &Capabilities) -> Option<Origin> {
    let Record { object, links, .. } = record;
    // Files may come before what refers to them.
    if matches!(object, Object::Attachment(_)) {
        return None;
    }
    let mut missing = None;
    if !sink.keeps.numbers {
        fields(object, &mut |kind, field| {
            if let Field::Needed(number) = field {
                let parent = origin(kind, *number);
                missing = missing.take().or((!links.contains_key(&parent)).then_some(parent));
            }
        });
    }
    if sink.settle == Settle::Record {
        let parent = subject_of(object).and_then(|it| ids::subject(it));
        missing = missing.or_else(|| parent.filter(|it| !links.contains_key(it)));
    }
    missing
}

fn origin(kind: ObjectKind, number: u64) -> Origin {
    Origin::new(kind, number.to_string())
}

fn fields(object: &mut Object, visit: &mut dyn FnMut(ObjectKind, Field<'_>)) {
    use Field::{Closes, Many, Maybe, Needed};
    match object {
        Object::Issue(it) => {
            visit(ObjectKind::Milestone, Maybe(&mut it.milestone));
            visit(ObjectKind::Issue, Many(&mut it.children));
        }
        Object::ChangeRequest(it) => {
            visit(ObjectKind::Milestone, Maybe(&mut it.milestone));
            visit(ObjectKind::Issue, Closes(&mut it.closes));
        }
        Object::Release(it) => visit(ObjectKind::Milestone, Many(&mut it.milestones)),
        Object::Board(it) => {
            visit(ObjectKind::Milestone, Maybe(&mut it.milestone));
            for column in &mut it.columns {
                visit(ObjectKind::Milestone, Maybe(&mut column.milestone));
                visit(ObjectKind::Issue, Many(&mut column.issues));
            }
        }
        Object::Review(it) => visit(ObjectKind::ChangeRequest, Needed(&mut it.change_request)),
        Object::ReviewThread(it) => {
            visit(ObjectKind::ChangeRequest, Needed(&mut it.change_request));
        }
        Object::ReviewComment(it) => {
            visit(ObjectKind::ChangeRequest, Needed(&mut it.change_request));
        }
        Object::Comment(_)
        | Object::Reaction(_)
        | Object::Event(_)
        | Object::State(_)
        | Object::Attachment(_) => {
            let (kind, number) = match subject_of(object) {
                Some(Subject::Issue(number)) => (ObjectKind::Issue, number),
                Some(Subject::ChangeRequest(number)) => (ObjectKind::ChangeRequest, number),
                Some(Subject::Discussion(number)) => (ObjectKind::Discussion, number),
                Some(
                    Subject::Project
                    | Subject::Release(_)
                    | Subject::Commit(_)
                    | Subject::Comment(_)
                    | Subject::Review(_)
                    | Subject::ReviewComment(_)
                    | Subject::CommitComment(_)
                    | Subject::Snippet(_),
                )
                | None => return,
            };
            visit(kind, Needed(number));
        }
        Object::User(_)
        | Object::Organization(_)
        | Object::Team(_)
        | Object::Project(_)
        | Object::Member(_)
        | Object::Topic(_)
        | Object::LfsObject(_)
        | Object::Repository(_)
        | Object::Wiki(_)
        | Object::Label(_)
        | Object::Milestone(_)
        | Object::DiscussionCategory(_)
        | Object::Discussion(_)
        | Object::Snippet(_)
        | Object::CommitComment(_)
        | Object::CommitStatus(_)
        | Object::ReleaseAsset(_)
        | Object::BranchRule(_)
        | Object::TagRule(_)
        | Object::Webhook(_)
        | Object::DeployKey(_)
        | Object::Variable(_) => {}
    }
}

/// What an object is about.
fn subject_of(object: &mut Object) -> Option<&mut Subject> {
    if let Object::Comment(it) = object {
        Some(&mut it.subject)
    } else if let Object::Reaction(it) = object {
        Some(&mut it.subject)
    } else if let Object::State(it) = object {
        Some(&mut it.subject)
    } else if let Object::Attachment(it) = object {
        Some(&mut it.subject)
    } else if let Object::Event(it) = object {
        Some(&mut it.subject)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::{
        Keeps, Scope, Support,
        model::{Comment, Issue, Reaction, Review},
    };

    fn caps(numbers: bool) -> Capabilities {
        let mut caps = Capabilities::promised(|_| Support::Full, "test");
        caps.keeps = Keeps { numbers, ..Keeps::ALL };
        caps.settle = Settle::Record;
        caps
    }

    fn linked(object: Object, links: &[(ObjectKind, u64, u64)]) -> Record {
        let mut record = Record::new("1", object);
        let target = |number: u64| TargetId(number.to_string());
        record.links = links.iter().map(|it| (origin(it.0, it.1), target(it.2))).collect();
        record
    }

    #[track_caller]
    fn check(object: Object, links: &[(ObjectKind, u64, u64)], expected: &Object, is_whole: bool) {
        let mut record = linked(object, links);
        let sink = caps(false);
        let context = Context { source: &sink, sink: &sink, scope: &Scope::Shared };

        Numbers.apply(&context, &mut record);

        assert_eq!(record.object, *expected);
        assert_eq!(record.losses.is_empty(), is_whole, "{:?}", record.losses);
    }

    fn issue(milestone: Option<u64>, children: &[u64]) -> Object {
        Object::from(Issue { number: 1, milestone, children: children.into(), ..Issue::default() })
    }

    fn comment(subject: Subject) -> Object {
        Object::from(Comment { subject, ..Comment::default() })
    }

    #[test]
    fn numbers_are_told_as_the_destination_counts() {
        let links = [(ObjectKind::Milestone, 1, 40), (ObjectKind::Issue, 5, 7)];
        check(issue(Some(1), &[5]), &links, &issue(Some(40), &[7]), true);
        check(comment(Subject::Issue(5)), &links, &comment(Subject::Issue(7)), true);
        let review = |change_request| Object::from(Review { change_request, ..Review::default() });
        check(review(2), &[(ObjectKind::ChangeRequest, 2, 9)], &review(9), true);
    }

    #[test]
    fn what_is_not_known_yet_is_taken_out_and_marked() {
        check(issue(Some(1), &[5, 6]), &[(ObjectKind::Issue, 6, 8)], &issue(None, &[8]), false);
    }

    #[test]
    fn what_belongs_to_something_that_is_not_there_has_a_missing_parent() {
        let parent = |object, sink: &Capabilities| missing_parent(&mut linked(object, &[]), sink);

        let five = Some(origin(ObjectKind::Issue, 5));
        assert_eq!(parent(comment(Subject::Issue(5)), &caps(false)), five);
        assert_eq!(parent(comment(Subject::Issue(5)), &caps(true)), None);
        assert_eq!(parent(issue(Some(1), &[]), &caps(false)), None);
        let reaction = Object::from(Reaction {
            subject: Subject::Comment(packhorse_core::model::HostId("8".into())),
            ..Reaction::default()
        });
        assert_eq!(parent(reaction, &caps(true)), Some(Origin::new(ObjectKind::Comment, "8")));
    }
}
