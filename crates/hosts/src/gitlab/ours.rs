//! What we put into texts where the server would not hold it otherwise, and take out again when we
//! read them: a text that has our [mark] reads back as it was.

use packhorse_core::{
    ObjectKind, mark,
    model::{TaskState, Verdict},
};

/// Stands at the end of a change request that was merged, and that the server would not merge.
const MERGED: &str = "*This change was merged where it comes from.*";
/// Around the name of an author in whose name nothing could be written.
const WRITTEN_BY: (&str, &str) = ("*Written by `", "`, who could not write it here*");
/// Around the place of a comment that the differences do not show.
const ON: (&str, &str) = ("*On `", "*");
/// How a mark begins, for it may stand first.
const MARK: &str = "<!-- packhorse: ";

/// What a verdict says that stands in a note: it was given, or it could not be.
///
/// The last ones are of archives, which the server has imported by itself.
const VERDICTS: [(&str, Verdict); 7] = [
    (APPROVED_TOO, Verdict::Approved),
    ("**Approved these changes.**", Verdict::Approved),
    ("**Asked for changes.**", Verdict::ChangesRequested),
    ("**A review that was dismissed.**", Verdict::Dismissed),
    ("**Changes requested**", Verdict::ChangesRequested),
    ("**Dismissed review**", Verdict::Dismissed),
    ("**Pending review**", Verdict::Pending),
];
/// Stands above what somebody said who approved as well.
const APPROVED_TOO: &str = "**Approved:**";

/// A text under the words of a verdict; `is_given` where it was given as well.
pub(super) fn judged(verdict: Verdict, is_given: bool, text: &str) -> String {
    if is_given {
        return under(APPROVED_TOO, text);
    }
    let words = VERDICTS.iter().skip(1).find(|it| it.1 == verdict);
    words.map_or_else(|| text.to_owned(), |(words, _)| under(words, text))
}

/// A verdict that stands in a note.
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    /// Whether it was given as well, so that it must not count twice.
    pub(super) is_given: bool,
    /// What was said with it, mark and all.
    pub(super) text: String,
}

/// The verdict that a note is, as [`judged`] made it.
pub(super) fn verdict(text: &str) -> Option<Judged> {
    let text = as_it_was(text.to_owned());
    let parts = Parts::of(&text).filter(|it| it.kind == ObjectKind::Review)?;
    let found = VERDICTS.iter().find_map(|(words, verdict)| {
        let rest = parts.rest.strip_prefix(words)?;
        Some((*words == APPROVED_TOO, *verdict, rest.trim_start_matches('\n')))
    });
    let (is_given, verdict, rest) = found.unwrap_or((false, Verdict::Commented, parts.rest));
    Some(Judged { verdict, is_given, text: parts.around(rest) })
}

/// Whether a text says nothing besides its mark.
pub(super) fn is_bare(text: &str) -> bool {
    mark::parse(text).map_or(text, |it| it.1).trim().is_empty()
}

/// A line that says whose a text is.
pub(super) fn written_by(login: &str) -> String {
    let tame: String =
        login.chars().map(|it| if it == '`' || it.is_control() { '\'' } else { it }).collect();
    format!("{}{tame}{}", WRITTEN_BY.0, WRITTEN_BY.1)
}

/// A line that says where a comment stood.
pub(super) fn on(path: &str, line: Option<u64>) -> String {
    let tame: String =
        path.chars().map(|it| if it == '`' || it.is_control() { '\'' } else { it }).collect();
    let line = line.map(|it| format!(", line {it}")).unwrap_or_default();
    format!("{}{tame}`{line}{}", ON.0, ON.1)
}

/// A text that says at its end that it was merged.
pub(super) fn merged(text: &str) -> String {
    match Parts::of(text) {
        Some(parts) if parts.rest.is_empty() => parts.around(MERGED),
        Some(parts) => parts.around(&format!("{}\n\n{MERGED}", parts.rest)),
        None => format!("{text}\n\n{MERGED}"),
    }
}

/// A text under a line of ours.
pub(super) fn under(line: &str, text: &str) -> String {
    match Parts::of(text) {
        Some(parts) => parts.around(&format!("{line}\n\n{}", parts.rest)),
        None => format!("{line}\n\n{text}"),
    }
}

/// What stands above a comment that is a task.
const TASKS: [(&str, TaskState); 2] =
    [("- [ ] **Task**", TaskState::Open), ("- [x] **Task**", TaskState::Resolved)];

/// A text that says it is a task.
pub(super) fn as_task(state: TaskState, text: &str) -> String {
    let line = TASKS.iter().find(|it| it.1 == state);
    line.map_or_else(|| text.to_owned(), |(line, _)| under(line, text))
}

/// Whether a text says that it is a task, as [`as_task`] made it.
pub(super) fn task(text: &str) -> Option<TaskState> {
    let parts = Parts::of(text)?;
    let (first, tail) = parts.rest.split_once("\n\n").unwrap_or((parts.rest, ""));
    // A line that says whose it is comes first.
    let second = tail.split("\n\n").next().unwrap_or_default();
    TASKS.iter().find(|it| it.0 == first || it.0 == second).map(|it| it.1)
}

/// A text as it was before we put anything into it; only what has our mark was ours.
pub(super) fn as_it_was(text: String) -> String {
    let Some(parts) = Parts::of(&text) else { return text };
    let mut rest = parts.rest;
    rest = rest.strip_suffix(MERGED).map_or(rest, |it| it.trim_end_matches('\n'));
    for (begin, end) in [WRITTEN_BY, ON] {
        let (first, tail) = rest.split_once("\n\n").unwrap_or((rest, ""));
        if first.starts_with(begin) && first.ends_with(end) && !first.contains('\n') {
            rest = tail;
        }
    }
    if let Some(tail) = TASKS.iter().find_map(|it| rest.strip_prefix(it.0)) {
        rest = tail.strip_prefix("\n\n").unwrap_or(tail);
    }
    parts.around(&with_orders(rest))
}

/// A text with a mark.
struct Parts<'a> {
    mark: String,
    kind: ObjectKind,
    is_first: bool,
    rest: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (origin, rest) = mark::parse(text)?;
        let mark = mark::of(&origin);
        let is_first = text.starts_with(MARK) && !rest.is_empty();
        Some(Self { mark, kind: origin.kind, is_first, rest })
    }

    /// Another text with the same mark.
    fn around(&self, text: &str) -> String {
        match (text.is_empty(), self.is_first) {
            (true, _) => self.mark.clone(),
            (false, true) => format!("{}\n\n{text}", self.mark),
            (false, false) => format!("{text}\n\n{}", self.mark),
        }
    }
}

/// The order that a line is, with what stands before it.
fn order(line: &str) -> Option<(&str, &str)> {
    let bare = line.trim_start_matches([' ', '\t', '\u{feff}']);
    let word = bare.strip_prefix('/')?;
    let end = word.find(|it: char| it.is_whitespace()).unwrap_or(word.len());
    let is_order = end > 0 && word[..end].bytes().all(|it| it.is_ascii_alphabetic() || it == b'_');
    is_order.then(|| (&line[..line.len() - bare.len()], bare))
}

/// A text in which no line is an order to the server.
///
/// SECURITY: a line like `/close` or `/assign @alice` would be obeyed when the text is written, in
/// the name and with the rights of the token. A backslash before it shows the same text.
///
/// Source: GitLab, "Quick actions": an order stands at the beginning of a line, outside of code.
pub(super) fn without_orders(text: &str) -> String {
    if !text.contains('/') {
        return text.to_owned();
    }
    let tame = |line: &str| match order(line) {
        Some((indent, bare)) => format!("{indent}\\{bare}"),
        None => line.to_owned(),
    };
    text.split('\n').map(tame).collect::<Vec<_>>().join("\n")
}

/// The text before [`without_orders`].
fn with_orders(text: &str) -> String {
    if !text.contains("\\/") {
        return text.to_owned();
    }
    let wild = |line: &str| match line.split_once('\\') {
        Some((indent, bare)) if order(bare).is_some_and(|it| it.0.is_empty()) => {
            let is_indent = indent.chars().all(|it| " \t\u{feff}".contains(it));
            if is_indent { format!("{indent}{bare}") } else { line.to_owned() }
        }
        Some(_) | None => line.to_owned(),
    };
    text.split('\n').map(wild).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::{ObjectKind, Origin};
    use proptest::prelude::*;

    fn mark() -> String {
        mark::of(&Origin::new(ObjectKind::ChangeRequest, "4"))
    }

    #[test]
    fn no_line_is_an_order() {
        assert_eq!(without_orders("hi\n/close\r\nbye"), "hi\n\\/close\r\nbye");
        assert_eq!(without_orders("/assign @alice"), "\\/assign @alice");
        assert_eq!(without_orders("  /merge"), "  \\/merge");
        let paths = "see /close and /usr/bin\n/usr/bin/env";
        assert_eq!(without_orders(paths), paths);
        assert_eq!(without_orders("/"), "/");
    }

    #[test]
    fn lines_of_ours_stand_within_the_mark_and_read_back_as_nothing() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(text, expected);
        }
        let (mark, last) = (mark(), format!("hi\n\n{}", mark()));
        check(&merged(&last), &format!("hi\n\n{MERGED}\n\n{mark}"));
        check(&merged("hi"), &format!("hi\n\n{MERGED}"));
        check(&under("*x*", &format!("{mark}\n\n```\nhi")), &format!("{mark}\n\n*x*\n\n```\nhi"));
        for text in [last, mark.clone(), format!("{mark}\n\n```\nhi")] {
            let changed = under(&written_by("a`b"), &merged(&without_orders(&text)));
            assert_eq!(as_it_was(changed), text);
            assert_eq!(as_it_was(under(&on("a`.rs", Some(3)), &text)), text);
        }
    }

    #[test]
    fn a_verdict_comes_back_out_of_a_note() {
        let mark = mark::of(&Origin::new(ObjectKind::Review, "4"));
        for (verdict, is_given) in [
            (Verdict::Approved, true),
            (Verdict::Approved, false),
            (Verdict::ChangesRequested, false),
            (Verdict::Dismissed, false),
            (Verdict::Commented, false),
        ] {
            for text in [format!("fine\n\n{mark}"), mark.clone()] {
                let note = under(&written_by("alice"), &judged(verdict, is_given, &text));
                let found = super::verdict(&note).unwrap();
                assert_eq!((found.verdict, found.is_given, found.text), (verdict, is_given, text));
            }
        }
        assert!(super::verdict("**Approved these changes.**").is_none());
        assert!(is_bare(&mark) && !is_bare("x"));
    }

    #[test]
    fn a_task_comes_back_out_of_a_list() {
        let text = format!("fix it\n\n{}", mark());
        for state in [TaskState::Open, TaskState::Resolved] {
            for written in [as_task(state, &text), under(&written_by("a"), &as_task(state, &text))]
            {
                assert_eq!((task(&written), as_it_was(written)), (Some(state), text.clone()));
            }
        }
        assert_eq!((task(&text), task("- [ ] **Task**")), (None, None));
    }

    #[test]
    fn what_others_wrote_stays() {
        let text = format!("*Written by `a`, who could not write it here*\n\n\\/close\n\n{MERGED}");
        assert_eq!(as_it_was(text.clone()), text);
    }

    proptest! {
        #[test]
        fn a_second_time_changes_nothing(text in "(/|close|\n| |\\PC){0,20}") {
            let once = without_orders(&text);
            prop_assert_eq!(without_orders(&once), once);
        }

        #[test]
        fn orders_come_back(text in "(/|close|\n| |[a-z]){0,20}") {
            prop_assert_eq!(with_orders(&without_orders(&text)), text);
        }
    }
}
