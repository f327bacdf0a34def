//! Texts as the server takes them.

use super::Task;
use crate::gitlab::ours;
use packhorse_core::model::{Text, Time};

impl Task<'_> {
    /// A text without what databases refuse.
    pub(super) fn plain(&mut self, field: &'static str, text: &str) -> String {
        if text.contains('\0') {
            self.lose(field, "holds a NUL, which became a replacement character");
        }
        text.replace('\0', "\u{fffd}")
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

    /// A moment as the server takes it: it refuses those before 1970 and those to come.
    pub(super) fn moment(&mut self, field: &'static str, at: Option<Time>) -> Option<String> {
        let at = at?;
        if at.instant().as_second() < 0 {
            self.lose(field, "is before 1970, which the server does not take");
            return None;
        }
        Some(at.to_utc().to_string())
    }

    /// A text that gives no orders.
    pub(super) fn text(&mut self, field: &'static str, text: Option<&Text>) -> String {
        text.map(|it| self.plain(field, it.as_str())).unwrap_or_default()
    }

    /// The body of an issue or a change request, or a note: no line of it is an order.
    pub(super) fn body(&mut self, text: Option<&Text>) -> String {
        let text = self.text("body", text);
        let tame = ours::without_orders(&text);
        if tame != text {
            let why = "a line that would be an order to the server begins with a backslash";
            self.lose("body.orders", why);
        }
        tame
    }

    /// The same of a note, which must say something.
    pub(super) fn said(&mut self, text: Option<&Text>) -> String {
        let body = self.body(text);
        if body.trim().is_empty() {
            self.lose("body", "is empty, which the server does not allow");
            return "(no text)".to_owned();
        }
        body
    }
}
