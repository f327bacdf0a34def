//! Reviews: verdicts are activities, and what was said with one is a comment that refers to it.
//!
//! The comment ends in a link definition, which Bitbucket shows nowhere: `[//]: # (packhorse: review
//! 12)`. Source: Atlassian, "Markdown syntax guide"; CommonMark, "Link reference definitions".

use super::{commit, millis, plain, text, time};
use crate::bitbucket_archive::{who, wire};
use packhorse_core::{
    ObjectKind, Origin, mark,
    model::{Review, Time, Verdict},
};

const OPEN: &str = "[//]: # (packhorse: ";
const CLOSE: char = ')';
const COMMENT: (&str, &str) = ("<!-- packhorse: ", " -->");

/// Id of what somebody did at a time: entries have none.
pub(in crate::bitbucket_archive) fn id(
    number: u64,
    what: &str,
    (who, at): (Option<&str>, Option<Time>),
) -> String {
    let at = millis(at);
    match who {
        Some(who) => format!("{number}/{what}/{at}/{who}"),
        None => format!("{number}/{what}/{at}"),
    }
}

/// When a review was handed in.
pub(in crate::bitbucket_archive) fn at(it: &Review) -> Option<Time> {
    it.submitted_at.or(it.created_at)
}

/// Id of a review.
pub(in crate::bitbucket_archive) fn id_of(it: &Review) -> String {
    let who = it.author.as_ref().map(|it| it.login.as_str());
    id(it.change_request, "review", (who, at(it)))
}

/// The text of a comment that is what was said with a review.
pub(in crate::bitbucket_archive) fn marked(id: &str, body: &str) -> String {
    let mark = mark::of(&Origin::new(ObjectKind::Review, id));
    let inner = mark.strip_prefix(COMMENT.0).and_then(|it| it.strip_suffix(COMMENT.1));
    format!("{body}\n\n{OPEN}{}{CLOSE}", inner.unwrap_or_default())
}

/// The review that a text was said with, and what was said.
pub(in crate::bitbucket_archive) fn said_with(text: &str) -> Option<(String, &str)> {
    let (body, line) = text.trim_end().rsplit_once('\n')?;
    let inner = line.strip_prefix(OPEN)?.strip_suffix(CLOSE)?;
    let mark = format!("{}{inner}{}", COMMENT.0, COMMENT.1);
    let (origin, _) = mark::parse(&mark)?;
    // The blank line before it is ours.
    let body = body.strip_suffix('\n').unwrap_or(body);
    (origin.kind == ObjectKind::Review).then_some((origin.id, body))
}

/// A verdict, before anything is known of what became of it.
pub(in crate::bitbucket_archive) fn read(it: &wire::Activity, number: u64) -> Option<Review> {
    let verdict = match it.action.as_deref() {
        Some("APPROVED") => Verdict::Approved,
        Some("REVIEWED") => Verdict::ChangesRequested,
        Some(_) | None => return None,
    };
    Some(Review {
        change_request: number,
        author: it.userId.as_deref().and_then(who::read),
        verdict,
        submitted_at: time(it.createdTimestamp),
        ..Review::default()
    })
}

/// The word for what a reviewer thinks in the end.
pub(in crate::bitbucket_archive) const fn status(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Approved => "APPROVED",
        Verdict::ChangesRequested => "NEEDS_WORK",
        Verdict::Commented | Verdict::Dismissed | Verdict::Pending => "UNAPPROVED",
    }
}

/// What of a review is an activity: its verdict, and that it was taken back.
pub(in crate::bitbucket_archive) fn write(it: &Review) -> Vec<wire::Activity> {
    let actions: &[&str] = match it.verdict {
        Verdict::Approved => &["APPROVED"],
        Verdict::ChangesRequested => &["REVIEWED"],
        // Taking back is said of approvals alone.
        Verdict::Dismissed => &["APPROVED", "UNAPPROVED"],
        Verdict::Commented | Verdict::Pending => &[],
    };
    let activity = |action: &&str| wire::Activity {
        kind: Some("ACTIVITY".to_owned()),
        action: Some((*action).to_owned()),
        createdTimestamp: Some(millis(at(it))),
        userId: Some(who::write(it.author.as_ref())),
        ..wire::Activity::default()
    };
    actions.iter().map(activity).collect()
}

/// What of a review is a comment.
pub(in crate::bitbucket_archive) fn write_body(id: &str, it: &Review) -> Option<String> {
    let body = plain(it.body.as_ref());
    (!body.is_empty() && it.verdict != Verdict::Pending).then(|| marked(id, &body))
}

/// What was said with a review that has no verdict.
pub(in crate::bitbucket_archive) fn from_comment(
    number: u64,
    body: &str,
    (author, at): (Option<&str>, Option<i64>),
) -> Review {
    Review {
        change_request: number,
        author: author.and_then(who::read),
        body: text(Some(body.to_owned())),
        verdict: Verdict::Commented,
        submitted_at: time(at),
        ..Review::default()
    }
}

/// A review as the archive gives it back; `None` where nothing of it would be there.
pub(in crate::bitbucket_archive) fn back(it: &Review) -> Option<(String, Review)> {
    let activities = write(it);
    let id = id_of(it);
    let body = write_body(&id, it);
    let mut back = match activities.first() {
        Some(verdict) => read(verdict, it.change_request)?,
        None => {
            let user = who::write(it.author.as_ref());
            from_comment(it.change_request, body.as_deref()?, (Some(&user), Some(millis(at(it)))))
        }
    };
    if activities.len() > 1 {
        back.verdict = Verdict::Dismissed;
    }
    let said = body.as_deref().and_then(said_with).map(|(_, body)| body.to_owned());
    back.body = text(said);
    back.commit = commit(it.commit.clone()).filter(|_| !activities.is_empty());
    Some((id, back))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_said_with_a_review_comes_back(id in "[a-z0-9/-]{1,12}", body in "[^\\x00]{1,40}") {
            let text = marked(&id, &body);

            prop_assert_eq!(said_with(&text), Some((id, body.as_str())));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(?s).{0,60}") {
            said_with(&format!("x\n{OPEN}{text}"));
        }
    }

    #[test]
    fn other_marks_are_no_reviews() {
        assert_eq!(said_with("hello\n\n[//]: # (packhorse: comment 3)"), None);
        assert_eq!(said_with("[//]: # (packhorse: review 3)"), None);
        assert_eq!(said_with("hello"), None);
    }
}
