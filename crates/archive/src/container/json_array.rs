//! Cuts a JSON array into its elements, one at a time, without parsing them.
//!
//! An element is as long as its brackets and quotes say; whether it is JSON
//! inside is found by whoever parses it. At most one element is held.

use super::{ArchiveError, Limits, piece};
use std::io::Read;

/// Bytes read at a time.
const PIECE: usize = 64 << 10;

/// The elements of a JSON array.
pub struct JsonArray<R> {
    from: R,
    member: String,
    piece: Box<[u8]>,
    at: usize,
    len: usize,
    /// Bytes of the member before this piece.
    before: u64,
    element: Vec<u8>,
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
        Self {
            from,
            member: member.to_owned(),
            piece: vec![0; PIECE].into_boxed_slice(),
            at: 0,
            len: 0,
            before: 0,
            element: Vec::new(),
            state: Place::Start,
            n_elements: 0,
            max_bytes: limits.max_record_bytes,
            max_nesting: limits.max_nesting,
        }
    }

    /// Number of elements given so far.
    pub fn n_elements(&self) -> u64 {
        self.n_elements
    }

    /// The next element's bytes; `None` after the array's proper end.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Malformed`] with the member and the place, and
    /// [`ArchiveError::OverLimit`].
    #[expect(clippy::should_implement_trait, reason = "the element borrows from this reader")]
    pub fn next(&mut self) -> Result<Option<&[u8]>, ArchiveError> {
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
                    self.take_element(byte)?;
                    if std::str::from_utf8(&self.element).is_err() {
                        return Err(self.malformed("it is not UTF-8"));
                    }
                    self.state = Place::AfterElement;
                    self.n_elements += 1;
                    return Ok(Some(&self.element));
                }
            }
        }
    }

    /// Takes the next byte that is not white space; a byte order mark may come first.
    fn significant(&mut self) -> Result<Option<u8>, ArchiveError> {
        loop {
            if self.at == self.len && !self.refill()? {
                return Ok(None);
            }
            let byte = self.piece[self.at];
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
            if self.at == self.len && !self.refill()? {
                return Err(self.malformed("it ends before its array does"));
            }
            if self.piece[self.at] != expected {
                return Err(self.malformed("it is not a JSON array"));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn refill(&mut self) -> Result<bool, ArchiveError> {
        self.before += self.len as u64;
        (self.at, self.len) = (0, 0);
        self.len = piece::read(&mut self.from, &mut self.piece, "read a member")?;
        Ok(self.len > 0)
    }

    /// Collects an element whose first byte has been taken.
    fn take_element(&mut self, first: u8) -> Result<(), ArchiveError> {
        self.element.clear();
        self.element.push(first);
        match first {
            b'{' | b'[' => self.take_nested(),
            b'"' => self.take_string(),
            b'}' | b']' | b',' | b':' => Err(self.malformed("an element is missing")),
            _ => self.take_bare(),
        }
    }

    fn take_nested(&mut self) -> Result<(), ArchiveError> {
        let mut depth = 1;
        while depth > 0 {
            let rest = &self.piece[self.at..self.len];
            let Some(n) = rest.iter().position(|it| matches!(it, b'"' | b'{' | b'}' | b'[' | b']'))
            else {
                self.take_rest_of_piece()?;
                continue;
            };
            let byte = rest[n];
            self.push(n + 1)?;
            match byte {
                b'"' => self.take_string()?,
                b'{' | b'[' => depth += 1,
                _ => depth -= 1,
            }
            if depth > self.max_nesting {
                let what = format!("the nesting of an element of `{}`", self.member);
                return Err(ArchiveError::OverLimit { what, limit: self.max_nesting as u64 });
            }
        }
        Ok(())
    }

    /// Collects a string behind its opening quote, with its closing one.
    fn take_string(&mut self) -> Result<(), ArchiveError> {
        loop {
            let rest = &self.piece[self.at..self.len];
            let Some(n) = memchr::memchr2(b'"', b'\\', rest) else {
                self.take_rest_of_piece()?;
                continue;
            };
            let byte = rest[n];
            self.push(n + 1)?;
            if byte == b'"' {
                return Ok(());
            }
            if self.at == self.len {
                self.take_rest_of_piece()?;
            }
            self.push(1)?;
        }
    }

    /// Collects a number or a word.
    fn take_bare(&mut self) -> Result<(), ArchiveError> {
        loop {
            let rest = &self.piece[self.at..self.len];
            let ends = |it: &u8| matches!(it, b',' | b']' | b' ' | b'\n' | b'\r' | b'\t');
            if let Some(n) = rest.iter().position(ends) {
                return self.push(n);
            }
            self.take_rest_of_piece()?;
        }
    }

    fn take_rest_of_piece(&mut self) -> Result<(), ArchiveError> {
        self.push(self.len - self.at)?;
        if self.refill()? { Ok(()) } else { Err(self.malformed("it ends within an element")) }
    }

    fn push(&mut self, n: usize) -> Result<(), ArchiveError> {
        if self.element.len() + n > self.max_bytes {
            let what = format!("the size of element {} of `{}`", self.n_elements + 1, self.member);
            return Err(ArchiveError::OverLimit { what, limit: self.max_bytes as u64 });
        }
        self.element.extend_from_slice(&self.piece[self.at..self.at + n]);
        self.at += n;
        Ok(())
    }

    fn malformed(&self, detail: &str) -> ArchiveError {
        let detail = format!("{detail} (record {})", self.n_elements + 1);
        ArchiveError::malformed(&self.member, self.before + self.at as u64, detail)
    }
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
            list.push(String::from_utf8_lossy(element).into_owned());
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
            list.push(element.to_vec());
        }

        let list: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
        assert_eq!(list, [&b"{\"a\\\"]\":1}"[..], b"-2.5e3", b"\"\\\\\""]);
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
