//! A serde serializer that writes canonical JSON.

use crate::{catalogue::Object, model::Time};
use serde::ser::{self, Serialize};
use std::fmt;

/// Which canonical form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Everything as it is.
    Exact,
    /// What differs from host to host evened out.
    Comparable,
}

/// Why a value has no canonical form. The model's values all have one.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CanonicalError(String);

impl ser::Error for CanonicalError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Appends the canonical JSON of an object's fields.
pub(super) fn write(object: &Object, form: Form, out: &mut Vec<u8>) {
    let start = out.len();
    let written = object.fields(Writer { out, form, text: Meaning::Plain });
    // Cannot happen: the model has string keys and no other errors. An empty
    // object would still differ from every written one.
    if written.is_err() {
        out.truncate(start);
        out.extend_from_slice(b"{}");
    }
}

/// What a string stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Plain,
    Body,
    Time,
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    form: Form,
    text: Meaning,
}

impl Writer<'_> {
    fn raw(self, text: &str) -> Result<bool, CanonicalError> {
        self.out.extend_from_slice(text.as_bytes());
        Ok(true)
    }
}

/// Whether a value was written (`true`) or is absent (`false`).
type Present = bool;

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = Present;
    type Error = CanonicalError;
    type SerializeSeq = Sequence<'a>;
    type SerializeTuple = Sequence<'a>;
    type SerializeTupleStruct = Sequence<'a>;
    type SerializeTupleVariant = ser::Impossible<Present, CanonicalError>;
    type SerializeMap = Fields<'a>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Fields<'a>;

    fn serialize_bool(self, v: bool) -> Result<Present, CanonicalError> {
        self.raw(if v { "true" } else { "false" })
    }
    fn serialize_i8(self, v: i8) -> Result<Present, CanonicalError> {
        self.serialize_i64(v.into())
    }
    fn serialize_i16(self, v: i16) -> Result<Present, CanonicalError> {
        self.serialize_i64(v.into())
    }
    fn serialize_i32(self, v: i32) -> Result<Present, CanonicalError> {
        self.serialize_i64(v.into())
    }
    fn serialize_i64(self, v: i64) -> Result<Present, CanonicalError> {
        self.raw(&v.to_string())
    }
    fn serialize_u8(self, v: u8) -> Result<Present, CanonicalError> {
        self.serialize_u64(v.into())
    }
    fn serialize_u16(self, v: u16) -> Result<Present, CanonicalError> {
        self.serialize_u64(v.into())
    }
    fn serialize_u32(self, v: u32) -> Result<Present, CanonicalError> {
        self.serialize_u64(v.into())
    }
    fn serialize_u64(self, v: u64) -> Result<Present, CanonicalError> {
        self.raw(&v.to_string())
    }
    fn serialize_f32(self, v: f32) -> Result<Present, CanonicalError> {
        self.serialize_f64(v.into())
    }
    fn serialize_f64(self, v: f64) -> Result<Present, CanonicalError> {
        let number = serde_json::Number::from_f64(v);
        self.raw(&number.map_or_else(|| "null".to_owned(), |it| it.to_string()))
    }
    fn serialize_char(self, v: char) -> Result<Present, CanonicalError> {
        self.serialize_str(v.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, v: &str) -> Result<Present, CanonicalError> {
        match (self.form, self.text) {
            (Form::Comparable, Meaning::Body) => escape(&even_lines(v), self.out),
            (Form::Comparable, Meaning::Time) => match v.parse::<Time>() {
                Ok(time) => escape(&time.to_utc().to_string(), self.out),
                Err(_) => escape(v, self.out),
            },
            _ => escape(v, self.out),
        }
        Ok(true)
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<Present, CanonicalError> {
        Err(ser::Error::custom("bytes have no canonical form"))
    }
    fn serialize_none(self) -> Result<Present, CanonicalError> {
        Ok(false)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, v: &T) -> Result<Present, CanonicalError> {
        v.serialize(self)
    }
    fn serialize_unit(self) -> Result<Present, CanonicalError> {
        self.raw("null")
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Present, CanonicalError> {
        self.raw("null")
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Present, CanonicalError> {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        v: &T,
    ) -> Result<Present, CanonicalError> {
        let text = match name {
            "HostId" if self.form == Form::Comparable => return self.raw("null"),
            "TextBody" => Meaning::Body,
            "Time" => Meaning::Time,
            _ => Meaning::Plain,
        };
        v.serialize(Writer { text, ..self })
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        v: &T,
    ) -> Result<Present, CanonicalError> {
        self.out.push(b'{');
        escape(variant, self.out);
        self.out.push(b':');
        let inner = Writer { out: self.out, form: self.form, text: Meaning::Plain };
        if !v.serialize(inner)? {
            self.out.extend_from_slice(b"null");
        }
        self.out.push(b'}');
        Ok(true)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Sequence<'a>, CanonicalError> {
        Ok(Sequence { start: self.out.len(), writer: self })
    }
    fn serialize_tuple(self, len: usize) -> Result<Sequence<'a>, CanonicalError> {
        self.serialize_seq(Some(len))
    }
    fn serialize_tuple_struct(
        self,
        _: &'static str,
        len: usize,
    ) -> Result<Sequence<'a>, CanonicalError> {
        self.serialize_seq(Some(len))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, CanonicalError> {
        Err(ser::Error::custom("tuple variants have no canonical form"))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Fields<'a>, CanonicalError> {
        Ok(Fields::new(self, None))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'a>, CanonicalError> {
        let mut fields = Fields::new(self, None);
        fields.is_struct = true;
        Ok(fields)
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields<'a>, CanonicalError> {
        let mut fields = Fields::new(self, Some(variant));
        fields.is_struct = true;
        Ok(fields)
    }
}

/// A list being written; nothing stands in `out` before the first element.
struct Sequence<'a> {
    writer: Writer<'a>,
    start: usize,
}

impl Sequence<'_> {
    fn element<T: Serialize + ?Sized>(&mut self, v: &T) -> Result<(), CanonicalError> {
        let out = &mut *self.writer.out;
        out.push(if out.len() == self.start { b'[' } else { b',' });
        let inner = Writer { out, form: self.writer.form, text: Meaning::Plain };
        if !v.serialize(inner)? {
            self.writer.out.extend_from_slice(b"null");
        }
        Ok(())
    }

    fn close(self) -> Present {
        let any = self.writer.out.len() > self.start;
        if any {
            self.writer.out.push(b']');
        }
        any
    }
}

/// Implements serde's three traits for lists.
macro_rules! sequence {
    ($($Trait:ident $method:ident,)+) => {$(
        impl ser::$Trait for Sequence<'_> {
            type Ok = Present;
            type Error = CanonicalError;
            fn $method<T: Serialize + ?Sized>(&mut self, v: &T) -> Result<(), CanonicalError> {
                self.element(v)
            }
            fn end(self) -> Result<Present, CanonicalError> {
                Ok(self.close())
            }
        }
    )+};
}
sequence! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
}

/// An object being written: fields as they come, put in order at the end.
struct Fields<'a> {
    out: &'a mut Vec<u8>,
    form: Form,
    start: usize,
    variant: Option<&'static str>,
    is_struct: bool,
    /// Where each `"key":value` stands in `out`, and how long its quoted key is.
    ranges: Vec<(usize, usize, usize)>,
    key_start: usize,
}

impl<'a> Fields<'a> {
    fn new(writer: Writer<'a>, variant: Option<&'static str>) -> Self {
        let start = writer.out.len();
        Self {
            out: writer.out,
            form: writer.form,
            start,
            variant,
            is_struct: false,
            ranges: Vec::with_capacity(16),
            key_start: start,
        }
    }

    fn value<T: Serialize + ?Sized>(&mut self, v: &T) -> Result<(), CanonicalError> {
        let key_end = self.out.len();
        self.out.push(b':');
        let inner = Writer { out: self.out, form: self.form, text: Meaning::Plain };
        if v.serialize(inner)? {
            self.ranges.push((self.key_start, self.out.len(), key_end));
        } else {
            self.out.truncate(self.key_start);
        }
        Ok(())
    }

    fn close(self) -> Present {
        let Self { out, start, variant, mut ranges, is_struct, .. } = self;
        if ranges.is_empty() && !is_struct {
            return false;
        }
        ranges.sort_by(|a, b| out[a.0..a.2].cmp(&out[b.0..b.2]));
        let fields = out.split_off(start);
        if let Some(variant) = variant {
            out.push(b'{');
            escape(variant, out);
            out.push(b':');
        }
        out.push(b'{');
        for (n, (from, to, _)) in ranges.into_iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&fields[from - start..to - start]);
        }
        out.push(b'}');
        if variant.is_some() {
            out.push(b'}');
        }
        true
    }
}

impl ser::SerializeMap for Fields<'_> {
    type Ok = Present;
    type Error = CanonicalError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), CanonicalError> {
        self.key_start = self.out.len();
        let inner = Writer { out: self.out, form: self.form, text: Meaning::Plain };
        key.serialize(inner).map(|_| ())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, v: &T) -> Result<(), CanonicalError> {
        self.value(v)
    }
    fn end(self) -> Result<Present, CanonicalError> {
        Ok(self.close())
    }
}

/// Implements serde's two traits for structs.
macro_rules! fields {
    ($($Trait:ident)+) => {$(
        impl ser::$Trait for Fields<'_> {
            type Ok = Present;
            type Error = CanonicalError;
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                v: &T,
            ) -> Result<(), CanonicalError> {
                self.key_start = self.out.len();
                escape(key, self.out);
                self.value(v)
            }
            fn end(self) -> Result<Present, CanonicalError> {
                Ok(self.close())
            }
        }
    )+};
}
fields! { SerializeStruct SerializeStructVariant }

/// Writes a JSON string.
fn escape(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut clean = 0;
    let bytes = text.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[clean..at]);
        clean = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            _ => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
    }
    out.extend_from_slice(&bytes[clean..]);
    out.push(b'"');
}

/// Line ends as LF, nothing white at the end.
fn even_lines(text: &str) -> std::borrow::Cow<'_, str> {
    let text = text.trim_end();
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n").into()
    } else {
        text.into()
    }
}
