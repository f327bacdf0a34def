//! JSON as GitHub's exports are laid out.
//!
//! Two spaces a level, and empty lists as `[`, an empty line, `]`, which is how
//! Ruby's `JSON.pretty_generate` wrote them.

use serde::Serialize;
use serde_json::ser::Formatter;
use std::io::{self, Write};

/// Layout of Ruby's pretty printer.
struct Ruby {
    indent: usize,
    has_value: bool,
}

impl Ruby {
    fn line<W: ?Sized + Write>(&self, out: &mut W) -> io::Result<()> {
        out.write_all(b"\n")?;
        (0..self.indent).try_for_each(|_| out.write_all(b"  "))
    }

    fn begin<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.indent += 1;
        self.has_value = false;
        out.write_all(bracket)
    }

    fn end_value(&mut self) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }
}

impl Formatter for Ruby {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.indent -= 1;
        if !self.has_value {
            out.write_all(b"\n")?;
        }
        self.line(out)?;
        out.write_all(b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if !first {
            out.write_all(b",")?;
        }
        self.line(out)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.end_value()
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.indent -= 1;
        if self.has_value {
            self.line(out)?;
        }
        out.write_all(b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if !first {
            out.write_all(b",")?;
        }
        self.line(out)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.end_value()
    }
}

/// Appends a record as an element of a record file's array.
pub(super) fn element<T: Serialize>(
    record: &T,
    out: &mut Vec<u8>,
) -> Result<(), serde_json::Error> {
    let ruby = Ruby { indent: 1, has_value: false };
    record.serialize(&mut serde_json::Serializer::with_formatter(out, ruby))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_objects_are_laid_out_like_githubs() {
        let mut out = Vec::new();

        element(&serde_json::json!({"a": [], "b": [1, {"c": null}], "d": {}}), &mut out).unwrap();

        let expected = "{\n    \"a\": [\n\n    ],\n    \"b\": [\n      1,\n      {\n        \"c\": null\n      }\n    ],\n    \"d\": {}\n  }";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
