//! Texts as the server takes them.

use super::Task;
use packhorse_core::model::{Text, Time};

impl Task<'_> {
    /// A text without what databases refuse.
    pub(super) fn plain(&mut self, field: &'static str, text: &str) -> String {
        if text.contains('\0') {
            self.lose(field, "holds a NUL, which became a replacement character");
        }
        text.replace('\0', "\u{fffd}")
    }

    /// A body; empty where there is none.
    pub(super) fn body(&mut self, text: Option<&Text>) -> String {
        text.map(|it| self.plain("body", it.as_str())).unwrap_or_default()
    }

    /// A title, which the server wants to say something.
    pub(super) fn title(&mut self, title: &str) -> String {
        let title = self.plain("title", title);
        if title.trim().is_empty() {
            self.lose("title", "is empty, which the server does not allow");
            return "(no title)".to_owned();
        }
        title
    }

    /// A text of so many characters at most.
    pub(super) fn fit(&mut self, field: &'static str, text: Option<&str>, most: usize) -> String {
        let text = self.plain(field, text.unwrap_or_default());
        if text.chars().count() <= most {
            return text;
        }
        self.lose(field, format!("is longer than {most} characters and was cut"));
        text.chars().take(most).collect()
    }

    /// An address of a page; the server refuses others.
    pub(super) fn website(&mut self, address: Option<&str>) -> String {
        let Some(address) = address.filter(|it| !it.is_empty()) else { return String::new() };
        let is_web = address.starts_with("http://") || address.starts_with("https://");
        if address.len() > 255 || !is_web || address.parse::<url::Url>().is_err() {
            self.lose("website", "is no address that the server takes");
            return String::new();
        }
        address.to_owned()
    }
}

/// A moment as the server reads it; it keeps whole seconds from 1970 on.
pub(super) fn moment(at: Time) -> Option<String> {
    (at.instant().as_second() >= 0).then(|| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_before_1970_is_none() {
        assert_eq!(moment("1969-12-31T23:59:59Z".parse().unwrap()), None);
        assert!(moment("1970-01-01T00:00:00Z".parse().unwrap()).is_some());
    }
}
