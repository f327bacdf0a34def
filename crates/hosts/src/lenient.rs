//! Fields of answers that are read as far as they make sense.
//!
//! Versions differ, and so do forks: a field may be missing, `null`, or of
//! another type than described. Such a field is absent then, so that one odd
//! field never costs the page that it stands on.

use packhorse_core::model::Time;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

/// Reads a field, or nothing where it is of another type.
pub(crate) fn field<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

/// Reads an answer, also one with halves of characters in its texts, which are no text.
///
/// # Errors
///
/// When it is not JSON, or not such an answer.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    match serde_json::from_slice(bytes) {
        Ok(found) => Ok(found),
        Err(error) => match mended(bytes) {
            Some(mended) => serde_json::from_slice(&mended),
            None => Err(error),
        },
    }
}

/// The same JSON with U+FFFD for surrogates that stand alone; `None` where there are none.
fn mended(bytes: &[u8]) -> Option<Vec<u8>> {
    let unit = |at: usize| {
        let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let (mut out, mut at, mut is_mended) = (Vec::with_capacity(bytes.len()), 0, false);
    while let Some(&byte) = bytes.get(at) {
        let taken = match (byte, unit(at), unit(at + 6)) {
            (b'\\', Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
            (b'\\', Some(0xd800..0xe000), _) => {
                out.extend_from_slice(b"\\ufffd");
                at += 6;
                is_mended = true;
                continue;
            }
            // An escaped backslash is no beginning of an escape.
            (b'\\', _, _) => 2,
            (_, _, _) => 1,
        };
        out.extend_from_slice(bytes.get(at..at + taken).unwrap_or(&bytes[at..]));
        at += taken;
    }
    is_mended.then_some(out)
}

/// Items of a list, without those that are no such thing.
#[derive(Clone, Debug)]
pub(crate) struct Items<T>(pub(crate) Vec<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = Vec::<Value>::deserialize(deserializer)?;
        Ok(Self(values.into_iter().filter_map(|it| serde_json::from_value(it).ok()).collect()))
    }
}

/// A moment, in milliseconds since 1970 or as ISO 8601 has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(pub(crate) Time);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let time = match Value::deserialize(deserializer)? {
            Value::Number(number) => number.as_i64().and_then(Time::from_millis),
            Value::String(text) => time(&text),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        time.map(Self).ok_or_else(|| serde::de::Error::custom("no moment"))
    }
}

/// Reads ISO 8601, also with an offset written without a colon.
fn time(text: &str) -> Option<Time> {
    let written = text.parse().ok();
    written.or_else(|| {
        let (head, tail) = text.split_at_checked(text.len().checked_sub(2)?)?;
        format!("{head}:{tail}").parse().ok()
    })
}

/// Declares answers whose fields are all optional.
macro_rules! wire {
    ($case:literal $($(#[$doc:meta])* $Name:ident { $($field:ident: $Type:ty,)* })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Default, serde::Deserialize)]
            #[serde(default, rename_all = $case)]
            pub(super) struct $Name {
                $(
                    #[serde(deserialize_with = "crate::lenient::field")]
                    pub(super) $field: Option<$Type>,
                )*
            }
        )+
    };
}

pub(crate) use wire;

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(json: &str) -> Option<String> {
        serde_json::from_str::<Moment>(json).ok().map(|it| it.0.to_utc().to_string())
    }

    #[test]
    fn a_moment_is_read_however_it_is_written() {
        assert_eq!(moment("1530766870981").as_deref(), Some("2018-07-05T05:01:10.981Z"));
        let iso = Some("2018-07-05T05:01:10Z");
        assert_eq!(moment(r#""2018-07-05T05:01:10Z""#).as_deref(), iso);
        assert_eq!(moment(r#""2018-07-05T15:01:10+1000""#).as_deref(), iso);
        assert_eq!(moment(r#""2018-07-05T05:01:10+00:00""#).as_deref(), iso);
        assert_eq!(moment(r#""é""#), None);
        assert_eq!(moment("true"), None);
    }

    #[test]
    fn half_a_character_costs_no_page() {
        let read = |json: &str| parse::<String>(json.as_bytes()).ok();

        assert_eq!(read(r#""a\ud83db""#).as_deref(), Some("a\u{fffd}b"));
        assert_eq!(read(r#""\udc00\ud83d\ude00\ud800""#).as_deref(), Some("\u{fffd}😀\u{fffd}"));
        assert_eq!(read(r#""\\ud800\ud800""#).as_deref(), Some("\\ud800\u{fffd}"));
        assert_eq!(read(r#""\ud83d\ude00""#).as_deref(), Some("😀"));
        assert_eq!(read(r#""\ud8"#), None);
    }

    #[test]
    fn an_item_of_another_type_is_left_out() {
        let items: Items<u64> = serde_json::from_str(r#"[1, "x", null, 2]"#).unwrap();

        assert_eq!(items.0, [1, 2]);
    }
}
