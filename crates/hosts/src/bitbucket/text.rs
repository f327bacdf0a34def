//! What both Bitbuckets have in common in texts: hidden marks, and verdicts in words.
//!
//! Neither renders HTML, and both show an HTML comment as it is typed. So the
//! mark by which we find again what we wrote is a link definition there, which
//! is shown nowhere: `[//]: # (packhorse: comment 12)`.
//!
//! Neither takes a verdict of somebody else's, and whoever opens a change request
//! may not approve it. So a review becomes a comment that begins with its verdict.
//!
//! Source: Atlassian, "Markdown syntax guide"; CommonMark, "Link reference definitions".

use packhorse_core::{
    ObjectKind, mark,
    model::{Review, Text, Verdict},
};

const OPEN: &str = "[//]: # (packhorse: ";
const CLOSE: char = ')';
const COMMENT_OPEN: &str = "<!-- packhorse: ";
const COMMENT_CLOSE: &str = " -->";

/// A text as it is sent: with its mark as a link definition.
pub(crate) fn sent(text: &str) -> String {
    // Their databases take no such character.
    let text = &text.replace('\0', "\u{fffd}");
    let Some((origin, _)) = mark::parse(text) else { return text.clone() };
    let comment = mark::of(&origin);
    let inner = comment.strip_prefix(COMMENT_OPEN).and_then(|it| it.strip_suffix(COMMENT_CLOSE));
    let definition = format!("{OPEN}{}{CLOSE}", inner.unwrap_or_default());
    match text.rfind(&comment) {
        Some(at) => format!("{}{definition}{}", &text[..at], &text[at + comment.len()..]),
        None => text.clone(),
    }
}

/// A text as it was before it was sent: with its mark as the model has it.
pub(crate) fn received(text: String) -> String {
    let Some(at) = text.rfind(OPEN) else { return text };
    let inner = at + OPEN.len();
    let Some(end) = text[inner..].find([CLOSE, '\n']).map(|it| it + inner) else { return text };
    let is_line = at == 0 || text.as_bytes()[at - 1] == b'\n';
    if !is_line || !text[end..].starts_with(CLOSE) {
        return text;
    }
    let rest = &text[end + CLOSE.len_utf8()..];
    let changed =
        format!("{}{COMMENT_OPEN}{}{COMMENT_CLOSE}{rest}", &text[..at], &text[inner..end]);
    if mark::parse(&changed).is_some() { changed } else { text }
}

/// Whether a text, as the model has it, is one that we wrote for a record of that kind.
pub(crate) fn is_of(text: &str, kind: ObjectKind) -> bool {
    mark::parse(text).is_some_and(|(origin, _)| origin.kind == kind)
}

/// The definition that marks the thread that a comment begins, where it has one.
pub(crate) fn thread_mark(text: &str) -> Option<&str> {
    let line = text.lines().next()?.trim_end();
    let inner = line.strip_prefix(OPEN)?.strip_suffix(CLOSE)?;
    inner.starts_with(ObjectKind::ReviewThread.name()).then_some(line)
}

/// A text under a line; the mark of the thread that it begins stays first.
pub(crate) fn under(line: &str, text: &str) -> String {
    match thread_mark(text) {
        Some(mark) => format!("{mark}\n\n{line}\n\n{}", without_thread(text)),
        None => format!("{line}\n\n{text}"),
    }
}

/// A text without the mark of the thread that it begins.
pub(crate) fn without_thread(text: &str) -> &str {
    match thread_mark(text) {
        Some(mark) => text[mark.len()..].trim_start_matches(['\r', '\n', ' ']),
        None => text,
    }
}

const VERDICTS: [(Verdict, &str); 4] = [
    (Verdict::Approved, "**Approved**"),
    (Verdict::ChangesRequested, "**Asked for changes**"),
    (Verdict::Dismissed, "**Reviewed, and the verdict was withdrawn**"),
    (Verdict::Pending, "**Began a review**"),
];

/// A review as a comment.
pub(crate) fn review_as_comment(review: &Review) -> String {
    let word = VERDICTS.iter().find(|(it, _)| *it == review.verdict).map(|(_, word)| *word);
    let commit = review.commit.as_deref().map(|it| format!("at `{it}`"));
    let head: Vec<String> = word.map(str::to_owned).into_iter().chain(commit).collect();
    let body = review.body.as_ref().map_or("", Text::as_str);
    match (head.is_empty(), body.is_empty()) {
        (true, _) => body.to_owned(),
        (false, true) => head.join(" "),
        (false, false) => format!("{}\n\n{body}", head.join(" ")),
    }
}

/// A review in a comment of ours: its verdict, its commit, and its text with the mark where all
/// texts have it.
pub(crate) fn brought_review(raw: String) -> (Verdict, Option<String>, String) {
    let whole = received(raw);
    let Some((origin, plain)) = mark::parse(&whole) else {
        let (verdict, commit, rest) = review_in_comment(&whole);
        return (verdict, commit, rest.to_owned());
    };
    let (verdict, commit, rest) = review_in_comment(plain);
    let mark = mark::of(&origin);
    let text = if rest.is_empty() { mark } else { format!("{rest}\n\n{mark}") };
    (verdict, commit, text)
}

/// The verdict and the commit that a comment begins with, and the rest of it.
pub(crate) fn review_in_comment(text: &str) -> (Verdict, Option<String>, &str) {
    let (first, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let (verdict, tail) = VERDICTS
        .iter()
        .find_map(|(verdict, word)| Some((*verdict, first.strip_prefix(word)?)))
        .unwrap_or((Verdict::Commented, first));
    let commit = tail.trim_start().strip_prefix("at `").and_then(|it| it.strip_suffix('`'));
    let is_id = |it: &&str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_hexdigit());
    match commit.filter(is_id) {
        Some(commit) => (verdict, Some(commit.to_owned()), rest),
        None if tail.is_empty() => (verdict, None, rest),
        None => (Verdict::Commented, None, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::{Origin, model::Markup};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_mark_comes_back_as_it_was(id in "(?s).{0,20}", body in "[^\\x00]{0,60}") {
            let comment = mark::of(&Origin::new(ObjectKind::Comment, id));
            for text in [format!("{body}\n\n{comment}"), format!("{comment}\n\n{body}")] {
                let sent = sent(&text);

                prop_assert!(mark::parse(&text).is_none() || !sent.contains(&comment) || body.contains(&comment));
                prop_assert_eq!(received(sent), text);
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(?s).{0,80}") {
            received(format!("{OPEN}{text}"));
            review_in_comment(&text);
        }
    }

    #[test]
    fn a_mark_is_shown_nowhere() {
        let text = "Hi\n\n<!-- packhorse: comment 7 -->";

        assert_eq!(sent(text), "Hi\n\n[//]: # (packhorse: comment 7)");
        assert!(is_of(text, ObjectKind::Comment) && !is_of(text, ObjectKind::Review));
        assert_eq!(sent("plain"), "plain");
        assert_eq!(sent("a\0b"), "a\u{fffd}b");
    }

    #[test]
    fn a_review_is_told_in_words_and_read_from_them() {
        for verdict in
            [Verdict::Approved, Verdict::ChangesRequested, Verdict::Dismissed, Verdict::Commented]
        {
            for commit in [None, Some("ab12".to_owned())] {
                let body = Some(Text::new("two\n\nparagraphs", Markup::Bitbucket));
                let review = Review { verdict, commit: commit.clone(), body, ..Review::default() };

                let text = review_as_comment(&review);

                assert_eq!(
                    review_in_comment(&text),
                    (verdict, commit, "two\n\nparagraphs"),
                    "{text}"
                );
            }
        }
        assert_eq!(review_in_comment("just so"), (Verdict::Commented, None, "just so"));
        let spoken = "**Approved** by all of us";
        assert_eq!(review_in_comment(spoken), (Verdict::Commented, None, spoken));
    }

    #[test]
    fn a_review_that_was_brought_has_its_mark_where_all_texts_have_it() {
        let read = |text: &str| brought_review(format!("[//]: # (packhorse: review 3)\n\n{text}"));

        let mark = "<!-- packhorse: review 3 -->";
        let all = (Verdict::Approved, None, format!("good\n\n{mark}"));
        assert_eq!(read("**Approved**\n\ngood"), all);
        assert_eq!(read("**Approved**").2, mark);
    }

    #[test]
    fn a_comment_that_begins_a_thread_is_read_without_the_threads_mark() {
        let text =
            "[//]: # (packhorse: review_thread 3)\n\nwhy?\n\n[//]: # (packhorse: review_comment 4)";

        assert_eq!(thread_mark(text), Some("[//]: # (packhorse: review_thread 3)"));
        let rest = received(without_thread(text).to_owned());
        assert_eq!(rest, "why?\n\n<!-- packhorse: review_comment 4 -->");
        assert_eq!(without_thread("why?"), "why?");
    }
}
