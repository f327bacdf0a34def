//! Texts as GitHub takes them.

use super::Told;
use packhorse_core::{
    mark,
    model::{Text, Time},
};

/// What stands where GitHub wants words and there are none.
const EMPTY: &str = "(empty)";

impl Told {
    /// A text without what databases refuse.
    pub(super) fn plain(&mut self, field: &'static str, text: &str) -> String {
        if text.contains('\0') {
            self.lost(field, "holds a NUL, which became a replacement character");
        }
        text.replace('\0', "\u{fffd}")
    }

    /// A body; empty where there is none.
    pub(super) fn body(&mut self, text: Option<&Text>) -> String {
        text.map(|it| self.plain("body", it.as_str())).unwrap_or_default()
    }

    /// A body that says something, as comments must.
    pub(super) fn words(&mut self, text: Option<&Text>) -> String {
        let body = self.body(text);
        if !body.trim().is_empty() {
            return body;
        }
        self.lost("body", "is empty, which GitHub does not allow");
        EMPTY.to_owned()
    }

    /// A title, which GitHub wants to say something.
    pub(super) fn title(&mut self, title: &str) -> String {
        let title = self.plain("title", title);
        if title.trim().is_empty() {
            self.lost("title", "is empty, which GitHub does not allow");
            return "(no title)".to_owned();
        }
        title
    }
}

/// The body with one more line, above the mark.
pub(super) fn with_line(body: &str, line: &str) -> String {
    match mark::parse(body) {
        Some((origin, "")) => format!("{line}\n\n{}", mark::of(&origin)),
        Some((origin, rest)) => format!("{rest}\n\n{line}\n\n{}", mark::of(&origin)),
        None if body.is_empty() => line.to_owned(),
        None => format!("{body}\n\n{line}"),
    }
}

/// Whether a body says nothing beside its mark.
pub(super) fn is_silent(body: &str) -> bool {
    mark::parse(body).map_or(body, |(_, rest)| rest).trim().is_empty()
}

/// A moment as GitHub reads it: from 1970 on.
pub(super) fn moment(at: Time) -> Option<String> {
    (at.instant().as_second() >= 0).then(|| at.to_utc().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::{ObjectKind, Origin};

    #[test]
    fn a_line_comes_above_the_mark() {
        let origin = Origin::new(ObjectKind::ChangeRequest, "7");
        let mark = mark::of(&origin);

        let body = with_line(&format!("please\n\n{mark}"), "*Merged.*");
        assert_eq!(body, format!("please\n\n*Merged.*\n\n{mark}"));
        assert_eq!(mark::parse(&body).unwrap().0, origin);
        assert_eq!(with_line(&mark, "*Merged.*"), format!("*Merged.*\n\n{mark}"));
        assert_eq!(with_line("", "*Merged.*"), "*Merged.*");
    }

    #[test]
    fn a_mark_alone_says_nothing() {
        let mark = mark::of(&Origin::new(ObjectKind::Review, "7"));

        assert!(is_silent(&mark) && is_silent("") && !is_silent(&format!("fine\n\n{mark}")));
    }

    #[test]
    fn a_moment_before_1970_is_none() {
        assert_eq!(moment("1969-12-31T23:59:59Z".parse().unwrap()), None);
        assert!(moment("1970-01-01T00:00:00Z".parse().unwrap()).is_some());
    }
}
