//! What happened to issues and change requests.

use super::{identity, plain, time};
use crate::gitlab::wire;
use packhorse_core::model::{Event, Identity, Subject};

/// A change of state, of labels or of milestones.
pub(in crate::gitlab) fn resource(
    it: wire::ResourceEvent,
    subject: &Subject,
    host: &str,
) -> Option<(u64, Event)> {
    let adds = it.action.as_deref() != Some("remove");
    let action = match (&it.state, &it.label, &it.milestone) {
        (Some(state), ..) => state.clone(),
        (None, Some(_), _) => if adds { "labeled" } else { "unlabeled" }.to_owned(),
        (None, None, Some(_)) => if adds { "milestoned" } else { "demilestoned" }.to_owned(),
        // A label or a milestone that is gone.
        (None, None, None) => return None,
    };
    let label = it.label.unwrap_or_default();
    let color = plain(label.color).map(|it| it.trim_start_matches('#').to_ascii_lowercase());
    let event = Event {
        subject: subject.clone(),
        action,
        actor: it.user.as_ref().and_then(|it| identity(it, host)),
        label: label.name,
        label_color: color,
        milestone: it.milestone.and_then(|it| it.title),
        created_at: time(it.created_at.as_deref()),
        ..Event::default()
    };
    Some((it.id?, event))
}

/// What the server noted by itself; `None` for what is a record of its own.
///
/// The words are GitLab's, `app/services/system_notes`; what is not known among them is
/// carried as `noted`, with the words.
pub(in crate::gitlab) fn noted(
    it: wire::Note,
    subject: &Subject,
    host: &str,
) -> Option<(u64, Event)> {
    let body = plain(it.body)?;
    let mut event = said(&body, host)?;
    event.subject = subject.clone();
    event.actor = it.author.as_ref().and_then(|it| identity(it, host));
    event.created_at = time(it.created_at.as_deref());
    Some((it.id?, event))
}

fn said(body: &str, host: &str) -> Option<Event> {
    let first = body.lines().next().unwrap_or_default();
    let of = |action: &str| Event { action: action.to_owned(), ..Event::default() };
    // Labels, milestones and states have listings of their own.
    let is_elsewhere =
        ["changed milestone to", "removed milestone"].iter().any(|it| first.starts_with(it))
            || matches!(first, "closed" | "reopened" | "merged")
            || (first.ends_with(" label") || first.ends_with(" labels"))
                && (first.starts_with("added ~") || first.starts_with("removed ~"));
    if is_elsewhere {
        return None;
    }
    if let Some(titles) = first.strip_prefix("changed title from ") {
        let (before, after) = titles.split_once(" to ").unwrap_or((titles, ""));
        return Some(Event {
            title_before: Some(bare(before)),
            title_after: Some(bare(after)),
            ..of("renamed")
        });
    }
    let person = |rest: &str| person(rest, host);
    let whom = [
        ("unassigned ", "unassigned"),
        ("assigned to ", "assigned"),
        ("requested review from ", "review_requested"),
        ("removed review request for ", "review_request_removed"),
    ];
    for (words, action) in whom {
        if let Some(rest) = first.strip_prefix(words) {
            return Some(Event { target: person(rest), ..of(action) });
        }
    }
    let references = ["mentioned in issue ", "mentioned in merge request ", "mentioned in commit "];
    if let Some(rest) = references.iter().find_map(|it| first.strip_prefix(it)) {
        return Some(Event { reference: Some(rest.to_owned()), ..of("cross_referenced") });
    }
    let plainly = [
        ("marked this merge request as **draft**", "convert_to_draft"),
        ("marked this merge request as **ready**", "ready_for_review"),
        ("approved this merge request", "approved"),
        ("unapproved this merge request", "unapproved"),
        ("locked the discussion", "locked"),
        ("unlocked the discussion", "unlocked"),
        ("made the issue confidential", "made_confidential"),
        ("made the issue visible", "made_visible"),
        ("changed the description", "description_changed"),
        ("resolved all threads", "threads_resolved"),
        ("restored source branch", "head_ref_restored"),
        ("deleted the", "head_ref_deleted"),
        ("changed target branch", "base_ref_changed"),
    ];
    if let Some((_, action)) = plainly.iter().find(|(words, _)| first.starts_with(words)) {
        return Some(of(action));
    }
    if first.starts_with("added ") && first.contains(" commit") {
        return Some(of("pushed"));
    }
    Some(Event { reference: Some(body.chars().take(1_000).collect()), ..of("noted") })
}

/// A title as the server sets it off: `**…**`, with `{-…-}` and `{+…+}` around what changed.
fn bare(title: &str) -> String {
    let inner = title.strip_prefix("**").unwrap_or(title);
    let inner = inner.strip_suffix("**").unwrap_or(inner);
    ["{-", "-}", "{+", "+}"].iter().fold(inner.to_owned(), |text, mark| text.replace(mark, ""))
}

/// The first account that is named.
fn person(text: &str, host: &str) -> Option<Identity> {
    let rest = text.split_once('@')?.1;
    let end = rest.find(|it: char| !(it.is_alphanumeric() || "_.-".contains(it)));
    let login = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
    (!login.is_empty()).then(|| Identity::login(login, Some(host)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_noted_is_told_in_the_models_words() {
        #[track_caller]
        fn check(body: &str, expected: Option<&str>) {
            let note = wire::Note { id: Some(1), body: Some(body.into()), ..wire::Note::default() };

            let found = noted(note, &Subject::Issue(1), "h.example");

            assert_eq!(found.map(|(_, it)| it.action).as_deref(), expected);
        }
        check("assigned to @alice", Some("assigned"));
        check("added 2 commits\n\n<ul><li>1234</li></ul>", Some("pushed"));
        check("mentioned in merge request !5", Some("cross_referenced"));
        check("something new", Some("noted"));
        check("closed", None);
        check("added ~5 label", None);
        check("added ~5 ~6 labels", None);
        check("changed milestone to %\"1.0\"", None);
    }

    #[test]
    fn titles_lose_their_marks() {
        let event = said("changed title from **{-old-} name** to **{+new+} name**", "h").unwrap();

        assert_eq!(event.title_before.as_deref(), Some("old name"));
        assert_eq!(event.title_after.as_deref(), Some("new name"));
    }

    #[test]
    fn whom_it_was_done_to_is_read_from_the_words() {
        let event = said("unassigned @bob.b and assigned to @alice", "h.example").unwrap();

        assert_eq!(event.target, Some(Identity::login("bob.b", Some("h.example"))));
    }

    #[test]
    fn a_label_that_is_gone_is_no_event() {
        let event = wire::ResourceEvent { id: Some(1), ..wire::ResourceEvent::default() };

        assert!(resource(event, &Subject::Issue(1), "h").is_none());
    }
}
