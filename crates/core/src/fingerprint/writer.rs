//! A serde serializer that writes canonical JSON.

use super::text::{escape, even_lines};
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
    let mut fields = Vec::with_capacity(32);
    let page = Page { out, fields: &mut fields };
    let written = object.fields(Writer { page, form, text: Meaning::Plain });
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

/// What is being written, and where the fields of the objects stand that are open.
struct Page<'a> {
    out: &'a mut Vec<u8>,
    fields: &'a mut Vec<Field>,
}

impl Page<'_> {
    /// The same page, for what stands within.
    fn again(&mut self) -> Page<'_> {
        Page { out: self.out, fields: self.fields }
    }
}

/// Where a `"key":value` stands.
struct Field {
    start: usize,
    key_end: usize,
    end: usize,
}

struct Writer<'a> {
    page: Page<'a>,
    form: Form,
    text: Meaning,
}

impl Writer<'_> {
    fn raw(self, text: &str) -> Result<bool, CanonicalError> {
        self.page.out.extend_from_slice(text.as_bytes());
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
        let out = self.page.out;
        match (self.form, self.text) {
            (Form::Comparable, Meaning::Body) => escape(&even_lines(v), out),
            // A time in UTC is written with `Z`, and only such a one.
            (Form::Comparable, Meaning::Time) if !v.ends_with('Z') => match v.parse::<Time>() {
                Ok(time) => escape(&time.to_utc().to_string(), out),
                Err(_) => escape(v, out),
            },
            _ => escape(v, out),
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
        let Self { mut page, form, .. } = self;
        page.out.push(b'{');
        escape(variant, page.out);
        page.out.push(b':');
        if !v.serialize(Writer { page: page.again(), form, text: Meaning::Plain })? {
            page.out.extend_from_slice(b"null");
        }
        page.out.push(b'}');
        Ok(true)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Sequence<'a>, CanonicalError> {
        Ok(Sequence { start: self.page.out.len(), writer: self })
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
        Ok(Fields::new(self, None, false))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'a>, CanonicalError> {
        Ok(Fields::new(self, None, true))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields<'a>, CanonicalError> {
        Ok(Fields::new(self, Some(variant), true))
    }
}

/// A list being written; nothing stands in `out` before the first element.
struct Sequence<'a> {
    writer: Writer<'a>,
    start: usize,
}

impl Sequence<'_> {
    fn element<T: Serialize + ?Sized>(&mut self, v: &T) -> Result<(), CanonicalError> {
        let Writer { page, form, .. } = &mut self.writer;
        page.out.push(if page.out.len() == self.start { b'[' } else { b',' });
        if !v.serialize(Writer { page: page.again(), form: *form, text: Meaning::Plain })? {
            page.out.extend_from_slice(b"null");
        }
        Ok(())
    }

    fn close(self) -> Present {
        let out = self.writer.page.out;
        let any = out.len() > self.start;
        if any {
            out.push(b']');
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
    page: Page<'a>,
    form: Form,
    variant: Option<&'static str>,
    is_struct: bool,
    /// Where the object begins.
    start: usize,
    /// Where its fields begin among those of the open objects.
    first: usize,
    /// Where the key begins whose value comes next.
    key_start: usize,
}

impl<'a> Fields<'a> {
    fn new(writer: Writer<'a>, variant: Option<&'static str>, is_struct: bool) -> Self {
        let Writer { page, form, .. } = writer;
        let (start, first) = (page.out.len(), page.fields.len());
        Self { page, form, variant, is_struct, start, first, key_start: start }
    }

    fn inner(&mut self) -> Writer<'_> {
        Writer { page: self.page.again(), form: self.form, text: Meaning::Plain }
    }

    fn value<T: Serialize + ?Sized>(&mut self, v: &T) -> Result<(), CanonicalError> {
        let (start, key_end) = (self.key_start, self.page.out.len());
        self.page.out.push(b':');
        if v.serialize(self.inner())? {
            self.page.fields.push(Field { start, key_end, end: self.page.out.len() });
        } else {
            self.page.out.truncate(start);
        }
        Ok(())
    }

    fn close(self) -> Present {
        let Self { page: Page { out, fields }, variant, is_struct, start, first, .. } = self;
        let mine = &mut fields[first..];
        if mine.is_empty() && !is_struct {
            return false;
        }
        mine.sort_unstable_by(|a, b| out[a.start..a.key_end].cmp(&out[b.start..b.key_end]));
        // Written once more in order behind what is there, and then moved to its place.
        let unsorted = out.len();
        if let Some(variant) = variant {
            out.push(b'{');
            escape(variant, out);
            out.push(b':');
        }
        out.push(b'{');
        for (n, field) in mine.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            out.extend_from_within(field.start..field.end);
        }
        out.extend_from_slice(if variant.is_some() { b"}}" } else { b"}" });
        out.copy_within(unsorted.., start);
        out.truncate(out.len() - (unsorted - start));
        fields.truncate(first);
        true
    }
}

impl ser::SerializeMap for Fields<'_> {
    type Ok = Present;
    type Error = CanonicalError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), CanonicalError> {
        self.key_start = self.page.out.len();
        key.serialize(self.inner()).map(|_| ())
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
                self.key_start = self.page.out.len();
                // The name of a field has nothing to escape.
                self.page.out.push(b'"');
                self.page.out.extend_from_slice(key.as_bytes());
                self.page.out.push(b'"');
                self.value(v)
            }
            fn end(self) -> Result<Present, CanonicalError> {
                Ok(self.close())
            }
        }
    )+};
}
fields! { SerializeStruct SerializeStructVariant }
