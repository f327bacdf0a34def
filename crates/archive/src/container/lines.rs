//! Lines of NDJSON, one at a time.

use super::{ArchiveError, Limits};
use std::io::{BufRead, BufReader, Read};

/// The lines of a member.
pub struct Lines<R> {
    from: BufReader<R>,
    member: String,
    line: Vec<u8>,
    before: u64,
    max_bytes: usize,
}

impl<R: Read> Lines<R> {
    /// Begins at the first byte of a member.
    pub fn new(from: R, member: &str, limits: &Limits) -> Self {
        Self {
            from: BufReader::with_capacity(64 << 10, from),
            member: member.to_owned(),
            line: Vec::new(),
            before: 0,
            max_bytes: limits.max_record_bytes,
        }
    }

    /// The next line without its end; `None` after the last.
    ///
    /// # Errors
    ///
    /// When a line is too long or not UTF-8, or the last one does not end.
    #[expect(clippy::should_implement_trait, reason = "the line borrows from this reader")]
    pub fn next(&mut self) -> Result<Option<&[u8]>, ArchiveError> {
        self.line.clear();
        let most = self.max_bytes as u64 + 1;
        let read = (&mut self.from).take(most).read_until(b'\n', &mut self.line);
        let read = read.map_err(ArchiveError::system("read a member"))?;
        if read == 0 {
            return Ok(None);
        }
        if self.line.pop() != Some(b'\n') {
            if read as u64 >= most {
                let what = format!("the size of a line of `{}`", self.member);
                return Err(ArchiveError::OverLimit { what, limit: self.max_bytes as u64 });
            }
            return Err(ArchiveError::malformed(
                &self.member,
                self.before,
                "its last line does not end",
            ));
        }
        if std::str::from_utf8(&self.line).is_err() {
            return Err(ArchiveError::malformed(&self.member, self.before, "a line is not UTF-8"));
        }
        self.before += read as u64;
        Ok(Some(&self.line))
    }

    /// Bytes of the member before the next line.
    pub fn position(&self) -> u64 {
        self.before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Result<Vec<Vec<u8>>, ArchiveError> {
        let limits = Limits { max_record_bytes: 10, ..Limits::default() };
        let mut lines = Lines::new(text, "x.ndjson", &limits);
        let mut list = Vec::new();
        while let Some(line) = lines.next()? {
            list.push(line.to_vec());
        }
        Ok(list)
    }

    #[test]
    fn lines_come_without_their_ends() {
        assert_eq!(lines(b"a\n\nbc\n").unwrap(), [&b"a"[..], b"", b"bc"]);
    }

    #[test]
    fn a_line_that_does_not_end_or_is_too_long_is_an_error() {
        assert!(lines(b"a\nb").unwrap_err().to_string().contains("does not end"));
        assert!(lines(b"a\n\xff\n").unwrap_err().to_string().contains("UTF-8"));
        assert!(lines(b"0123456789x\n").unwrap_err().to_string().contains("limit"));
    }
}
