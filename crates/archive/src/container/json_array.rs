//! Cuts a JSON array into its elements, one at a time, without parsing them.
//!
//! An element is as long as its brackets and quotes say; whether it is JSON
//! inside is found by whoever parses it. An element is given where it was read
//! to; a piece and at most one element are held.

use super::{ArchiveError, Limits, piece};
use std::io::Read;

/// Bytes read at a time, and held at first.
const PIECE: usize = 64 << 10;
/// Bytes of a string before it counts as a long one.
const SHORT: usize = 32;

/// The elements of a JSON array.
pub struct JsonArray<R> {
    from: R,
    member: String,
    /// What was read and not given yet lies in `at..len`, an element without a gap.
    buffer: Vec<u8>,
    at: usize,
    len: usize,
    /// Bytes of the member before the buffer.
    before: u64,
    state: Place,
    n_elements: u64,
    max_bytes: usize,
    max_nesting: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    FirstElement,
    NextElement,
    AfterElement,
    End,
}

impl<R: Read> JsonArray<R> {
    /// Begins at the first byte of a member.
    pub fn new(from: R, member: &str, limits: &Limits) -> Self {
        Self::with_buffer(from, member, limits, Vec::new())
    }

    /// The same with the buffer of another: an archive has many small members.
    pub fn with_buffer(from: R, member: &str, limits: &Limits, mut buffer: Vec<u8>) -> Self {
        if buffer.len() < PIECE {
            buffer.resize(PIECE, 0);
        }
        Self {
            from,
            member: member.to_owned(),
            buffer,
            at: 0,
            len: 0,
            before: 0,
            state: Place::Start,
            n_elements: 0,
            max_bytes: limits.max_record_bytes,
            max_nesting: limits.max_nesting,
        }
    }

    /// Its buffer, for the next one.
    pub fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    /// Number of elements given so far.
    pub fn n_elements(&self) -> u64 {
        self.n_elements
    }

    /// The next element's text; `None` after the array's proper end.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Malformed`] with the member and the place, and
    /// [`ArchiveError::OverLimit`].
    #[expect(clippy::should_implement_trait, reason = "the element borrows from this reader")]
    pub fn next(&mut self) -> Result<Option<&str>, ArchiveError> {
        loop {
            let Some(byte) = self.significant()? else {
                if self.state == Place::End {
                    return Ok(None);
                }
                return Err(self.malformed("it ends before its array does"));
            };
            match (self.state, byte) {
                (Place::Start, b'[') => self.state = Place::FirstElement,
                (Place::Start, _) => return Err(self.malformed("it is not a JSON array")),
                (Place::FirstElement | Place::AfterElement, b']') => self.state = Place::End,
                (Place::AfterElement, b',') => self.state = Place::NextElement,
                (Place::AfterElement, _) => return Err(self.malformed("a comma is missing")),
                (Place::End, _) => return Err(self.malformed("there is something after the array")),
                (Place::NextElement | Place::FirstElement, _) => {
                    let start = self.pass_element(byte)?;
                    self.state = Place::AfterElement;
                    self.n_elements += 1;
                    return match std::str::from_utf8(&self.buffer[start..self.at]) {
                        Ok(element) => Ok(Some(element)),
                        Err(_) => Err(self.malformed_in(self.n_elements, "it is not UTF-8")),
                    };
                }
            }
        }
    }

    /// Takes the next byte that is not white space; a byte order mark may come first.
    fn significant(&mut self) -> Result<Option<u8>, ArchiveError> {
        loop {
            if self.at == self.len && !self.read_on()? {
                return Ok(None);
            }
            let byte = self.buffer[self.at];
            self.at += 1;
            if byte == 0xef && self.before == 0 && self.at == 1 {
                self.rest_of_mark()?;
            } else if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Ok(Some(byte));
            }
        }
    }

    fn rest_of_mark(&mut self) -> Result<(), ArchiveError> {
        for expected in [0xbb, 0xbf] {
            if self.at == self.len && !self.read_on()? {
                return Err(self.malformed("it ends before its array does"));
            }
            if self.buffer[self.at] != expected {
                return Err(self.malformed("it is not a JSON array"));
            }
            self.at += 1;
        }
        Ok(())
    }

    /// Reads more where nothing is left.
    fn read_on(&mut self) -> Result<bool, ArchiveError> {
        let mut start = self.at;
        self.refill(&mut start)
    }

    /// Reads more behind what there is from `start` on, which moves to the buffer's beginning.
    fn refill(&mut self, start: &mut usize) -> Result<bool, ArchiveError> {
        self.buffer.copy_within(*start..self.len, 0);
        self.before += *start as u64;
        (self.at, self.len) = (self.at - *start, self.len - *start);
        *start = 0;
        if self.len > self.max_bytes {
            return Err(self.too_large());
        }
        if self.len == self.buffer.len() {
            self.buffer.resize(self.len * 2, 0);
        }
        let n = piece::read(&mut self.from, &mut self.buffer[self.len..], "read a member")?;
        self.len += n;
        Ok(n > 0)
    }

    /// Passes an element whose first byte was taken; where it starts.
    fn pass_element(&mut self, first: u8) -> Result<usize, ArchiveError> {
        let mut start = self.at - 1;
        match first {
            b'{' | b'[' => self.pass_nested(&mut start)?,
            b'"' => self.pass_string(&mut start)?,
            b'}' | b']' | b',' | b':' => return Err(self.malformed("an element is missing")),
            _ => self.pass_bare(&mut start)?,
        }
        if self.at - start > self.max_bytes { Err(self.too_large()) } else { Ok(start) }
    }

    fn pass_nested(&mut self, start: &mut usize) -> Result<(), ArchiveError> {
        let mut depth = 1;
        while depth > 0 {
            let rest = &self.buffer[self.at..self.len];
            let Some(n) = rest.iter().position(|it| matches!(it, b'"' | b'{' | b'}' | b'[' | b']'))
            else {
                self.pass_all(start)?;
                continue;
            };
            let byte = rest[n];
            self.at += n + 1;
            match byte {
                b'"' => self.pass_string(start)?,
                b'{' | b'[' => depth += 1,
                _ => depth -= 1,
            }
            if depth > self.max_nesting {
                let what = format!("the nesting of an element of `{}`", self.member);
                return Err(ArchiveError::TooMuch { what, limit: self.max_nesting as u64 });
            }
        }
        Ok(())
    }

    /// Passes a string behind its opening quote, with its closing one.
    fn pass_string(&mut self, start: &mut usize) -> Result<(), ArchiveError> {
        loop {
            let rest = &self.buffer[self.at..self.len];
            let Some(n) = end_or_escape(rest) else {
                self.pass_all(start)?;
                continue;
            };
            let byte = rest[n];
            self.at += n + 1;
            if byte == b'"' {
                return Ok(());
            }
            if self.at == self.len {
                self.pass_all(start)?;
            }
            self.at += 1;
        }
    }

    /// Passes a number or a word.
    fn pass_bare(&mut self, start: &mut usize) -> Result<(), ArchiveError> {
        loop {
            let rest = &self.buffer[self.at..self.len];
            let ends = |it: &u8| matches!(it, b',' | b']' | b' ' | b'\n' | b'\r' | b'\t');
            if let Some(n) = rest.iter().position(ends) {
                self.at += n;
                return Ok(());
            }
            self.pass_all(start)?;
        }
    }

    /// Passes everything there is of an element, and reads more.
    fn pass_all(&mut self, start: &mut usize) -> Result<(), ArchiveError> {
        self.at = self.len;
        if self.refill(start)? { Ok(()) } else { Err(self.malformed("it ends within an element")) }
    }

    fn too_large(&self) -> ArchiveError {
        let what = format!("the size of element {} of `{}`", self.n_elements + 1, self.member);
        ArchiveError::OverLimit { what, limit: self.max_bytes as u64 }
    }

    fn malformed(&self, detail: &str) -> ArchiveError {
        self.malformed_in(self.n_elements + 1, detail)
    }

    fn malformed_in(&self, element: u64, detail: &str) -> ArchiveError {
        let detail = format!("{detail} (record {element})");
        ArchiveError::malformed(&self.member, self.before + self.at as u64, detail)
    }
}

/// Where the next quote or backslash is.
///
/// Eight bytes at a time where the text is short, which most strings are.
fn end_or_escape(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // The high bit of each byte that is zero; above the first such, of others too.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let n_short = bytes.len().min(SHORT);
    let (chunks, _) = bytes[..n_short].as_chunks();
    for (n, chunk) in chunks.iter().enumerate() {
        let word = u64::from_le_bytes(*chunk);
        let found =
            zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return Some(n * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let n_passed = chunks.len() * 8;
    Some(memchr::memchr2(b'"', b'\\', &bytes[n_passed..])? + n_passed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(text: &[u8]) -> Result<Vec<String>, ArchiveError> {
        let limits = Limits { max_record_bytes: 1000, max_nesting: 8, ..Limits::default() };
        let mut array = JsonArray::new(text, "x.json", &limits);
        let mut list = Vec::new();
        while let Some(element) = array.next()? {
            list.push(element.to_owned());
        }
        Ok(list)
    }

    #[test]
    fn elements_come_as_they_are_written() {
        let list =
            split(b"\xef\xbb\xbf [ {\"a\": \"]}\\\"\"}, [1,[2]] ,\n 3, \"x\", null\n]\n").unwrap();

        assert_eq!(list, ["{\"a\": \"]}\\\"\"}", "[1,[2]]", "3", "\"x\"", "null"]);
    }

    #[test]
    fn an_empty_array_has_none() {
        assert!(split(b"[\n\n]").unwrap().is_empty());
    }

    #[test]
    fn a_byte_order_mark_counts_at_the_beginning_only() {
        check_error(b"\xef[1]", "not a JSON array");
        check_error(b"[ \xbf]", "UTF-8");
        check_error(b"[1 \xbf]", "comma");
    }

    /// Gives one byte at a time, and is interrupted before each.
    struct Slow<'a>(&'a [u8], bool);

    impl Read for Slow<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(std::io::ErrorKind::Interrupted.into());
            }
            let n = self.0.len().min(1);
            self.0.read(&mut out[..n])
        }
    }

    #[test]
    fn pieces_of_any_size_make_the_same_elements() {
        let text = b"\xef\xbb\xbf[{\"a\\\"]\":1}, -2.5e3 ,\"\\\\\"]";

        let mut array = JsonArray::new(Slow(text, false), "x.json", &Limits::default());
        let mut list = Vec::new();
        while let Some(element) = array.next().unwrap() {
            list.push(element.to_owned());
        }

        assert_eq!(list, ["{\"a\\\"]\":1}", "-2.5e3", "\"\\\\\""]);
    }

    #[track_caller]
    fn check_error(text: &[u8], why: &str) {
        let error = split(text).unwrap_err().to_string();

        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn what_is_not_an_array_is_an_error() {
        check_error(b"", "ends before");
        check_error(b"{}", "not a JSON array");
        check_error(b"[{}", "ends before");
        check_error(b"[{", "ends within");
        check_error(b"[{} {}]", "comma");
        check_error(b"[{},]", "missing");
        check_error(b"[] x", "after the array");
        check_error(b"[\"a\\", "ends within");
    }

    #[test]
    fn a_giant_and_a_deep_element_are_over_the_limit() {
        check_error(format!("[\"{}\"]", "x".repeat(2000)).as_bytes(), "size of element 1");
        check_error("[[[[[[[[[[[[".as_bytes(), "nesting");
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_parser(texts in proptest::collection::vec(".{0,20}", 0..20)) {
            let values: Vec<_> = texts.iter().map(|it| serde_json::json!({"t": it, "n": [1, {"x": it}]})).collect();
            let text = serde_json::to_vec_pretty(&values).unwrap();

            let list = split(&text).unwrap();

            let back: Vec<serde_json::Value> =
                list.iter().map(|it| serde_json::from_str(it).unwrap()).collect();
            prop_assert_eq!(back, values);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(split(&bytes));
            drop(split(&[b"[".to_vec(), bytes].concat()));
        }
    }
}
