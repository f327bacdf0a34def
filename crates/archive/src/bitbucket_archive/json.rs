//! JSON and gzip as the server's own writer makes them.
//!
//! Keys stand apart from values by ` : ` in some entries and by nothing in others; characters beyond
//! the first plane are two upper-case escapes in both. No line ends behind the last bracket.

use crate::{container::ArchiveError, spool::SpoolError};
use flate2::{Compression, GzBuilder, write::GzEncoder};
use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};
use std::io::{self, Write};

/// How values are set out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// All in one line.
    Compact,
    /// Each key in a line of its own, lists within one.
    Pretty,
}

struct Layout {
    style: Style,
    depth: usize,
    has_keys: bool,
}

impl Layout {
    fn line<W: ?Sized + Write>(&self, to: &mut W) -> io::Result<()> {
        to.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| to.write_all(b"  "))
    }

    const fn is_pretty(&self) -> bool {
        matches!(self.style, Style::Pretty)
    }
}

impl Formatter for Layout {
    fn begin_array_value<W: ?Sized + Write>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        to.write_all(match (self.style, first) {
            (Style::Pretty, true) => b" ",
            (Style::Pretty, false) => b", ",
            (Style::Compact, true) => b"",
            (Style::Compact, false) => b",",
        })
    }

    fn end_array<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(if self.is_pretty() { b" ]" } else { b"]" })
    }

    fn begin_object<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.has_keys = false;
        to.write_all(b"{")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        if !first {
            to.write_all(b",")?;
        }
        if self.is_pretty() { self.line(to) } else { Ok(()) }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(if self.is_pretty() { b" : " } else { b":" })
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_keys = true;
        Ok(())
    }

    fn end_object<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.depth = self.depth.saturating_sub(1);
        match (self.is_pretty(), self.has_keys) {
            (true, true) => self.line(to)?,
            (true, false) => to.write_all(b" ")?,
            (false, _) => {}
        }
        to.write_all(b"}")
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        to: &mut W,
        text: &str,
    ) -> io::Result<()> {
        let mut done = 0;
        for (at, it) in text.char_indices().filter(|(_, it)| u32::from(*it) > 0xffff) {
            to.write_all(&text.as_bytes()[done..at])?;
            let mut pair = [0; 2];
            it.encode_utf16(&mut pair).iter().try_for_each(|half| write!(to, "\\u{half:04X}"))?;
            done = at + it.len_utf8();
        }
        to.write_all(&text.as_bytes()[done..])
    }

    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        to: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        to.write_all(match escape {
            CharEscape::Quote => b"\\\"",
            CharEscape::ReverseSolidus => b"\\\\",
            CharEscape::Solidus => b"/",
            CharEscape::Backspace => b"\\b",
            CharEscape::FormFeed => b"\\f",
            CharEscape::LineFeed => b"\\n",
            CharEscape::CarriageReturn => b"\\r",
            CharEscape::Tab => b"\\t",
            CharEscape::AsciiControl(byte) => return write!(to, "\\u{byte:04X}"),
        })
    }
}

/// Writes a value.
pub(super) fn put<T: Serialize>(value: &T, style: Style, to: &mut impl Write) -> io::Result<()> {
    let layout = Layout { style, depth: 0, has_keys: false };
    value.serialize(&mut Serializer::with_formatter(to, layout)).map_err(io::Error::from)
}

/// A packer whose header is the server's: no name, no time, no system.
pub(super) fn packer<W: Write>(to: W) -> GzEncoder<W> {
    GzBuilder::new().mtime(0).operating_system(255).write(to, Compression::default())
}

/// A value as a packed entry.
pub(super) fn packed<T: Serialize>(value: &T, style: Style) -> Result<Vec<u8>, SpoolError> {
    let mut packer = packer(Vec::new());
    let done = put(value, style, &mut packer).and_then(|()| packer.finish());
    done.map_err(|error| {
        let detail = error.to_string();
        ArchiveError::Inconsistent { member: "an entry".to_owned(), detail }.into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(value: &Value, style: Style, expected: &str) {
        let mut text = Vec::new();

        put(value, style, &mut text).unwrap();

        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    #[test]
    fn values_are_set_out_as_the_server_does_it() {
        let value = json!([{"a": [], "b": {"c": 1}}, {"d": ["x", "y"]}, {}]);
        check(
            &value,
            Style::Pretty,
            "[ {\n  \"a\" : [ ],\n  \"b\" : {\n    \"c\" : 1\n  }\n}, {\n  \"d\" : [ \"x\", \"y\" ]\n}, { } ]",
        );
        check(&value, Style::Compact, r#"[{"a":[],"b":{"c":1}},{"d":["x","y"]},{}]"#);
    }

    #[test]
    fn characters_beyond_the_first_plane_are_two_escapes() {
        check(&json!("a🚀ü/\u{1f}"), Style::Compact, r#""a\uD83D\uDE80ü/\u001F""#);
    }

    #[test]
    fn packed_entries_tell_no_time() {
        let bytes = packed(&json!({}), Style::Compact).unwrap();

        assert_eq!(bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    }
}
