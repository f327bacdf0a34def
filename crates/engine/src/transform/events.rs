//! What happened to an issue or a change request, told in words, for destinations that have no
//! place for it.

use super::users::{inert, name};
use packhorse_core::model::{Comment, Event, Identity, Markup, Subject, Text, Time};

/// Most lines of a summary; further ones are counted.
pub(crate) const MAX_LINES: usize = 1_000;

/// The first line of a summary.
const HEAD: &str = "What happened here before it was moved:";

/// The comment that tells what happened to one thing.
pub(crate) fn summary(
    subject: Subject,
    lines: &[String],
    n_more: u64,
    last: Option<Time>,
) -> Comment {
    let mut text = format!("{HEAD}\n\n{}", lines.join("\n"));
    if n_more > 0 {
        text += &format!("\n- and {n_more} more");
    }
    let body = Some(Text::new(text, Markup::Github));
    Comment { subject, body, created_at: last, ..Comment::default() }
}

/// What happened, in a line of a list; names and titles stand in it so that nobody is mailed and
/// nothing is linked.
pub(crate) fn line(event: &Event) -> String {
    let code =
        |text: &Option<String>| text.as_deref().and_then(|it| inert(it, Markup::Github, true));
    let who = event.actor.as_ref().and_then(person).unwrap_or_else(|| "somebody".to_owned());
    let whom = || event.target.as_ref().and_then(person).unwrap_or_else(|| "somebody".to_owned());
    let with = |before: &str, text: Option<String>| {
        text.map(|it| format!(" {before} {it}")).unwrap_or_default()
    };
    let what = match event.action.as_str() {
        "labeled" => format!("added the label{}", with("", code(&event.label))),
        "unlabeled" => format!("removed the label{}", with("", code(&event.label))),
        "milestoned" => format!("put it into the milestone{}", with("", code(&event.milestone))),
        "demilestoned" => {
            format!("took it out of the milestone{}", with("", code(&event.milestone)))
        }
        "assigned" => format!("assigned {}", whom()),
        "unassigned" => format!("unassigned {}", whom()),
        "review_requested" => format!("asked {} for a review", whom()),
        "review_request_removed" => format!("no longer asked {} for a review", whom()),
        "renamed" => format!(
            "renamed it{}{}",
            with("from", code(&event.title_before)),
            with("to", code(&event.title_after))
        ),
        "closed" | "reopened" | "merged" | "locked" | "unlocked" | "pinned" | "unpinned"
        | "approved" => format!("{} it{}", event.action, with("with", code(&event.commit))),
        other => {
            // The host's own word.
            let word = inert(&other.replace('_', " "), Markup::Github, false);
            let things = [&event.branch, &event.commit, &event.reference].map(code);
            let things: Vec<_> = things.into_iter().flatten().collect();
            format!("{} {}", word.unwrap_or_default(), things.join(" ")).trim_end().to_owned()
        }
    };
    let what = what.replace("  ", " ");
    match event.created_at {
        Some(at) => format!("- {}: {who}: {what}", at.instant().strftime("%Y-%m-%d %H:%M UTC")),
        None => format!("- {who}: {what}"),
    }
}

fn person(who: &Identity) -> Option<String> {
    name(who, Markup::Github)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(login: &str) -> Option<Identity> {
        Some(Identity { login: login.into(), ..Identity::default() })
    }

    #[track_caller]
    fn check(event: Event, expected: &str) {
        let event = Event { actor: identity("ann"), ..event };

        assert_eq!(line(&event), format!("- `ann`: {expected}"));
    }

    #[test]
    fn each_event_is_a_line_in_words() {
        let event = |action: &str| Event { action: action.into(), ..Event::default() };
        let text = |it: &str| Some(it.to_owned());

        check(Event { label: text("bug"), ..event("labeled") }, "added the label `bug`");
        check(Event { commit: text("c0ffee"), ..event("closed") }, "closed it with `c0ffee`");
        check(event("reopened"), "reopened it");
        check(Event { target: identity("bob"), ..event("assigned") }, "assigned `bob`");
        let renamed = Event { title_before: text("a"), title_after: text("b"), ..event("renamed") };
        check(renamed, "renamed it from `a` to `b`");
        let deleted = Event { branch: text("topic"), ..event("head_ref_deleted") };
        check(deleted, "head ref deleted `topic`");
    }

    #[test]
    fn nothing_in_a_line_is_markup_or_a_mention() {
        let event = Event {
            action: "@all <b>".into(),
            label: Some("`@bob` #12".into()),
            actor: identity("`x` @carol"),
            ..Event::default()
        };

        assert_eq!(line(&event), "- `'x' @carol`: `@all <b>`");
        let labeled = Event { action: "labeled".into(), ..event };
        assert_eq!(line(&labeled), "- `'x' @carol`: added the label `'@bob' #12`");
    }

    #[test]
    fn a_summary_is_one_comment_and_says_how_much_it_left_out() {
        let lines = ["- a".to_owned(), "- b".to_owned()];

        let comment = summary(Subject::Issue(7), &lines, 3, None);

        let text = comment.body.unwrap();
        assert!(text.as_str().ends_with("\n\n- a\n- b\n- and 3 more"), "{text:?}");
        assert_eq!(comment.subject, Subject::Issue(7));
    }
}
