//! Strings as canonical JSON has them.

use std::borrow::Cow;

/// Writes a JSON string.
pub(super) fn escape(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (clean, dirty) = rest.split_at(clean(rest));
        out.extend_from_slice(clean);
        let Some((&byte, behind)) = dirty.split_first() else { break };
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
        rest = behind;
    }
    out.push(b'"');
}

/// How many bytes at the beginning stand for themselves in a JSON string.
///
/// Eight at a time: a text is long, and little in it is escaped.
fn clean(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Of the bytes below `n`, the high bits; of others none, below the first such.
    let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & HIGH;
    let is_dirty = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    let mut at = 0;
    for chunk in bytes.as_chunks().0 {
        let word = u64::from_le_bytes(*chunk);
        let quote = below(word ^ (ONES * u64::from(b'"')), 1);
        let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
        if below(word, 0x20) | quote | backslash != 0 {
            break;
        }
        at += 8;
    }
    at + bytes[at..].iter().position(is_dirty).unwrap_or(bytes.len() - at)
}

/// Line ends as LF, nothing white at the end.
pub(super) fn even_lines(text: &str) -> Cow<'_, str> {
    let text = text.trim_end();
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n").into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_string_is_written_as_json_has_it(text in "[ -~\\x00-\\x1f\\u{7f}-\\u{ffff}\"]{0,40}") {
            let mut written = Vec::new();

            escape(&text, &mut written);

            prop_assert_eq!(serde_json::from_slice::<String>(&written).unwrap(), text.clone());
            prop_assert_eq!(written, serde_json::to_vec(&text).unwrap());
        }
    }
}
