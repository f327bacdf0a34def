//! A strict reader of tar members.
//!
//! What no archive of projects needs is refused: absolute names, `..`, links,
//! devices, sparse files, two members of one name, anything after the end.

use super::{
    ArchiveError, KeySet, Limits,
    header::{BLOCK, Header, text},
    piece,
};
use std::io::Read;

/// Most bytes of an extended header or a long name.
const MAX_EXTENSION: u64 = 64 << 10;

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Name, relative and without a leading `./`.
    pub name: String,
    /// Offset of its bytes in the uncompressed archive.
    pub offset: u64,
    /// Number of its bytes.
    pub size: u64,
    /// Whether its owner may run it.
    pub is_executable: bool,
}

/// Reads members one after the other.
pub(super) struct Scanner<R> {
    stream: R,
    at: u64,
    limits: Limits,
    seen: KeySet,
    n_members: u64,
    /// Bytes up to the next header: what the last member has left, and its padding.
    left: u64,
}

/// What extended headers said of the next member.
#[derive(Default)]
struct Extension {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    is_sparse: bool,
    /// Whether there was one at all.
    is_there: bool,
}

impl<R: Read> Scanner<R> {
    /// Begins at the archive's first byte.
    pub(super) fn new(stream: R, limits: Limits) -> Self {
        let seen = KeySet::new(std::env::temp_dir());
        Self { stream, at: 0, limits, seen, n_members: 0, left: 0 }
    }

    /// Goes to the next file; directories are checked and passed over. `None` at a proper end.
    pub(super) fn next(&mut self) -> Result<Option<Member>, ArchiveError> {
        self.end_member()?;
        let mut extension = Extension::default();
        loop {
            let mut block = [0; BLOCK];
            self.exact(&mut block)?;
            let header = Header(&block);
            let at = self.at - BLOCK as u64;
            if header.is_zero() && extension.is_there {
                let detail = "the tar ends where a member was announced";
                return Err(ArchiveError::Damaged { at, detail });
            }
            if header.is_zero() {
                return self.end().map(|()| None);
            }
            if !header.has_valid_checksum() {
                let is_first = at == 0;
                let detail = if is_first {
                    "this is no tar"
                } else {
                    "a tar header's checksum does not match"
                };
                return Err(ArchiveError::Damaged { at, detail });
            }
            let size =
                header.size().ok_or_else(|| self.refused(&header, "its size is no number"))?;
            match header.kind() {
                b'x' => extension.read_pax(&self.extension(size)?, self.at)?,
                b'g' => self.global(size)?,
                b'L' => extension.read_name(&self.extension(size)?),
                // The target of a link, which the next header is refused for.
                b'K' => drop(self.extension(size)?),
                kind => {
                    let extension = std::mem::take(&mut extension);
                    let name = extension.name.unwrap_or_else(|| header.name());
                    let kind = if extension.is_sparse { b'S' } else { kind };
                    let size = extension.size.unwrap_or(size);
                    let found = Found { name, kind, size, mode: header.mode() };
                    if let Some(member) = self.member(found)? {
                        return Ok(Some(member));
                    }
                }
            }
        }
    }

    /// Reads the rest of the member that [`Scanner::next`] has given, and what fills its last block.
    pub(super) fn end_member(&mut self) -> Result<(), ArchiveError> {
        let left = std::mem::take(&mut self.left);
        self.skip(left)
    }

    /// What is read from.
    pub(super) fn stream(&mut self) -> &mut R {
        &mut self.stream
    }

    /// The bytes of the member that [`Scanner::next`] has just given.
    pub(super) fn data(&mut self, member: &Member) -> Data<'_, R> {
        let left = (member.offset + member.size).saturating_sub(self.at);
        Data { scanner: self, left }
    }

    fn member(&mut self, found: Found) -> Result<Option<Member>, ArchiveError> {
        let shown = || String::from_utf8_lossy(&found.name).chars().take(200).collect::<String>();
        let refuse = |detail| ArchiveError::Refused { member: shown(), detail };
        let is_directory = match found.kind {
            0 | b'0' | b'7' => found.name.ends_with(b"/"),
            b'5' => true,
            b'1' | b'2' => return Err(refuse("links are not allowed")),
            b'3' | b'4' | b'6' => return Err(refuse("devices and pipes are not allowed")),
            b'S' => return Err(refuse("sparse files are not supported")),
            _ => return Err(refuse("members of its kind are not supported")),
        };
        let name = normalised(&found.name, &self.limits).map_err(refuse)?;
        if is_directory {
            self.skip(padded(found.size))?;
            return Ok(None);
        }
        if name.is_empty() {
            return Err(refuse("it has no name"));
        }
        if !self.seen.insert(&name)? {
            return Err(refuse("there are two members of this name"));
        }
        self.n_members += 1;
        self.bounded("the number of members", self.n_members, self.limits.max_members)?;
        if found.size > self.limits.max_member_bytes {
            let what = format!("the size of `{name}`");
            return Err(ArchiveError::OverLimit { what, limit: self.limits.max_member_bytes });
        }
        let end = self.at.saturating_add(padded(found.size));
        self.bounded("the size of the archive", end, self.limits.max_total_bytes)?;
        self.left = padded(found.size);
        let is_executable = found.mode & 0o100 != 0;
        Ok(Some(Member { name, offset: self.at, size: found.size, is_executable }))
    }

    fn bounded(&self, what: &str, value: u64, limit: u64) -> Result<(), ArchiveError> {
        if value > limit {
            return Err(ArchiveError::OverLimit { what: what.to_owned(), limit });
        }
        Ok(())
    }

    /// Reads a header of another tool for all members: comments, but no names or sizes.
    fn global(&mut self, size: u64) -> Result<(), ArchiveError> {
        let mut extension = Extension::default();
        extension.read_pax(&self.extension(size)?, self.at)?;
        if extension.name.is_some() || extension.size.is_some() || extension.is_sparse {
            let detail = "a global tar header gives all members one name or size";
            return Err(ArchiveError::Damaged { at: self.at, detail });
        }
        Ok(())
    }

    fn refused(&self, header: &Header<'_>, detail: &'static str) -> ArchiveError {
        let member = String::from_utf8_lossy(&header.name()).into_owned();
        ArchiveError::Refused { member, detail }
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>, ArchiveError> {
        self.bounded("the size of an extended tar header", size, MAX_EXTENSION)?;
        let mut bytes = vec![0; padded(size) as usize];
        self.exact(&mut bytes)?;
        bytes.truncate(size as usize);
        Ok(bytes)
    }

    /// After the first block of zeros only zeros may come.
    fn end(&mut self) -> Result<(), ArchiveError> {
        let mut block = [0; BLOCK];
        self.exact(&mut block)?;
        loop {
            if block.iter().any(|&byte| byte != 0) {
                let detail = "there is something after the end of the tar";
                return Err(ArchiveError::Damaged { at: self.at, detail });
            }
            let read = piece::read(&mut self.stream, &mut block, "read the archive")?;
            block[read..].fill(0);
            self.at += read as u64;
            self.bounded("the size of the archive", self.at, self.limits.max_total_bytes)?;
            if read == 0 {
                return Ok(());
            }
        }
    }

    fn exact(&mut self, out: &mut [u8]) -> Result<(), ArchiveError> {
        let mut done = 0;
        while done < out.len() {
            match piece::read(&mut self.stream, &mut out[done..], "read the archive")? {
                0 => return Err(ArchiveError::Truncated { at: self.at }),
                n => done += n,
            }
        }
        self.at += out.len() as u64;
        // SECURITY: directories and extended headers count as well.
        self.bounded("the size of the archive", self.at, self.limits.max_total_bytes)
    }

    fn skip(&mut self, mut n: u64) -> Result<(), ArchiveError> {
        let mut piece = [0; 16 << 10];
        while n > 0 {
            let part = n.min(piece.len() as u64) as usize;
            self.exact(&mut piece[..part])?;
            n -= part as u64;
        }
        Ok(())
    }
}

struct Found {
    name: Vec<u8>,
    kind: u8,
    size: u64,
    mode: u32,
}

impl Extension {
    /// Takes GNU's long name.
    fn read_name(&mut self, bytes: &[u8]) {
        self.is_there = true;
        self.name = Some(text(bytes).to_vec());
    }

    /// Reads `<length> <key>=<value>\n`, again and again.
    fn read_pax(&mut self, mut bytes: &[u8], at: u64) -> Result<(), ArchiveError> {
        let bad = || ArchiveError::Damaged {
            at,
            detail: "an extended tar header is not as it should be",
        };
        self.is_there = true;
        while !bytes.is_empty() {
            let space = bytes.iter().position(|&it| it == b' ').ok_or_else(bad)?;
            let length = std::str::from_utf8(&bytes[..space]).ok().and_then(|it| it.parse().ok());
            let length: usize = length.filter(|it| *it > space + 1).ok_or_else(bad)?;
            let record = bytes.get(space + 1..length).and_then(|it| it.strip_suffix(b"\n"));
            let record = record.ok_or_else(bad)?;
            bytes = &bytes[length..];
            let equals = record.iter().position(|&it| it == b'=').ok_or_else(bad)?;
            let value = &record[equals + 1..];
            match &record[..equals] {
                b"path" => self.name = Some(value.to_vec()),
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|it| it.parse().ok());
                    self.size = Some(size.ok_or_else(bad)?);
                }
                key if key.starts_with(b"GNU.sparse") => self.is_sparse = true,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Data fill whole blocks.
const fn padded(size: u64) -> u64 {
    size.saturating_add(BLOCK as u64 - 1) / BLOCK as u64 * BLOCK as u64
}

/// A relative name without `.` parts; what could lead out of the tree is refused.
///
/// SECURITY: everything that turns a member into a path relies on this.
fn normalised(name: &[u8], limits: &Limits) -> Result<String, &'static str> {
    if name.len() > limits.max_name_bytes {
        return Err("its name is too long");
    }
    let name = std::str::from_utf8(name).map_err(|_| "its name is not UTF-8")?;
    if name.starts_with('/') {
        return Err("its name is absolute");
    }
    if name.chars().any(|it| it.is_control() || it == '\\') {
        return Err("its name has a character that names do not have");
    }
    let parts: Vec<&str> = name.split('/').filter(|it| !it.is_empty() && *it != ".").collect();
    if parts.contains(&"..") {
        return Err("its name leads out of the archive");
    }
    if parts.len() > limits.max_depth {
        return Err("it lies too deep");
    }
    Ok(parts.join("/"))
}

/// The bytes of one member.
pub(super) struct Data<'a, R> {
    scanner: &'a mut Scanner<R>,
    left: u64,
}

impl<R: Read> Read for Data<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let most = out.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        let read = self.scanner.stream.read(&mut out[..most])?;
        if read == 0 {
            return Err(ArchiveError::Truncated { at: self.scanner.at }.into());
        }
        self.left -= read as u64;
        self.scanner.left -= read as u64;
        self.scanner.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A header block with a right checksum.
    pub(super) fn block(name: &[u8], kind: u8, size: u64) -> Vec<u8> {
        let mut block = vec![0; BLOCK];
        block[..name.len()].copy_from_slice(name);
        block[100..107].copy_from_slice(b"0000644");
        block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
        block[156] = kind;
        block[257..263].copy_from_slice(b"ustar\0");
        block[148..156].copy_from_slice(b"        ");
        let sum: u32 = block.iter().map(|&it| u32::from(it)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        block
    }

    fn tar(members: &[(&[u8], u8, &[u8])]) -> Vec<u8> {
        let mut file = Vec::new();
        for (name, kind, data) in members {
            file.extend(block(name, *kind, data.len() as u64));
            file.extend(*data);
            file.resize(file.len().next_multiple_of(BLOCK), 0);
        }
        file.resize(file.len() + 2 * BLOCK, 0);
        file
    }

    fn scan(file: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ArchiveError> {
        let mut scanner = Scanner::new(file, Limits::default());
        let mut list = Vec::new();
        while let Some(member) = scanner.next()? {
            let mut data = Vec::new();
            scanner.data(&member).read_to_end(&mut data).map_err(ArchiveError::system("read"))?;
            list.push((member.name, data));
        }
        Ok(list)
    }

    #[track_caller]
    fn check_refused(name: &[u8], kind: u8, why: &str) {
        let error = scan(&tar(&[(name, kind, b"")])).unwrap_err().to_string();

        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn members_come_with_their_bytes() {
        let file = tar(&[(b"./", b'5', b""), (b"./a.json", b'0', b"[]"), (b"d/b", 0, &[7; 600])]);

        let list = scan(&file).unwrap();

        assert_eq!(list, [("a.json".to_owned(), b"[]".to_vec()), ("d/b".to_owned(), vec![7; 600])]);
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        check_refused(b"/etc/passwd", b'0', "absolute");
        check_refused(b"a/../../b", b'0', "leads out");
        check_refused(b"..", b'5', "leads out");
        check_refused(b"a\nb", b'0', "character");
        check_refused(b"a\\b", b'0', "character");
        check_refused(b"\xff\xfe", b'0', "UTF-8");
        check_refused(b".", b'0', "name");
    }

    #[test]
    fn what_is_no_file_is_refused() {
        check_refused(b"link", b'2', "links");
        check_refused(b"hard", b'1', "links");
        check_refused(b"dev", b'3', "devices");
        check_refused(b"fifo", b'6', "devices");
        check_refused(b"sparse", b'S', "sparse");
        check_refused(b"odd", b'Z', "kind");
    }

    #[test]
    fn two_members_of_one_name_are_refused() {
        let file = tar(&[(b"a", b'0', b"1"), (b"./a", b'0', b"2")]);

        assert!(scan(&file).unwrap_err().to_string().contains("two members"));
    }

    #[test]
    fn a_long_name_is_read_both_ways() {
        let long = "d/".repeat(30) + &"n".repeat(90);
        let path = format!("path={long}\n");
        let length = path.len() + 4;
        let pax = format!("{length} {path}");
        let gnu = [long.as_bytes(), b"\0"].concat();

        let one = scan(&tar(&[(b"pax", b'x', pax.as_bytes()), (b"short", b'0', b"x")])).unwrap();
        let other = scan(&tar(&[(b"././@LongLink", b'L', &gnu), (b"short", b'0', b"x")])).unwrap();

        assert_eq!(one[0].0, long);
        assert_eq!(other[0].0, long);
    }

    fn pax(key: &str, value: &str) -> Vec<u8> {
        let length =
            (1..).find(|n: &usize| n.to_string().len() + key.len() + value.len() + 3 == *n);
        format!("{} {key}={value}\n", length.unwrap()).into_bytes()
    }

    #[track_caller]
    fn check_extended(kind: u8, data: &[u8], why: &str) {
        let error = scan(&tar(&[(b"pax", kind, data), (b"a", b'0', b"x")])).unwrap_err();

        assert!(error.to_string().contains(why), "{error}");
    }

    #[test]
    fn extended_headers_cannot_lead_astray() {
        check_extended(b'x', &pax("path", "../a"), "leads out");
        check_extended(b'x', &pax("path", "a\0b"), "character");
        check_extended(b'x', &pax("path", ""), "no name");
        check_extended(b'x', &pax("GNU.sparse.major", "1"), "`a` is refused: sparse");
        check_extended(b'x', &pax("size", "-1"), "not as it should be");
        check_extended(b'x', &pax("size", &u64::MAX.to_string()), "limit");
        check_extended(b'x', b"99 path=a\n", "not as it should be");
        check_extended(b'x', b"path=a\n", "not as it should be");
        check_extended(b'g', &pax("path", "b"), "all members");
        check_extended(b'L', b"/etc/passwd\0", "absolute");
        check_extended(b'L', &[b'a'; 5000], "too long");
        check_extended(b'L', &[b'a'; 70_000], "extended tar header is over the limit");
        check_extended(b'x', &pax("path", &"d/".repeat(70)), "deep");
    }

    #[test]
    fn a_comment_for_all_members_is_passed_over() {
        let file = tar(&[(b"pax", b'g', &pax("comment", "0123")), (b"a", b'0', b"x")]);

        assert_eq!(scan(&file).unwrap(), [("a".to_owned(), b"x".to_vec())]);
    }

    #[test]
    fn an_announced_member_must_come() {
        let file = tar(&[(b"pax", b'x', &pax("path", "b"))]);

        assert!(scan(&file).unwrap_err().to_string().contains("announced"));
    }

    #[test]
    fn too_many_and_too_large_members_are_over_the_limit() {
        let file = tar(&[(b"a", b'0', b"hello"), (b"b", b'0', b"x")]);
        let check = |limits: Limits, why: &str| {
            let mut scanner = Scanner::new(&file[..], limits);
            let error = std::iter::repeat_with(|| scanner.next()).find_map(Result::err).unwrap();

            assert!(error.to_string().contains(why), "{error}");
        };

        check(Limits { max_members: 1, ..Limits::default() }, "number of members");
        check(Limits { max_member_bytes: 4, ..Limits::default() }, "size of `a`");
        check(Limits { max_total_bytes: 1500, ..Limits::default() }, "size of the archive");
    }

    #[test]
    fn a_directory_is_bounded_too() {
        let limits = Limits { max_total_bytes: 1 << 20, ..Limits::default() };
        let header = block(b"d/", b'5', 1 << 32);
        let endless = (&header[..]).chain(std::io::repeat(0));

        let error = Scanner::new(endless, limits).next().unwrap_err();

        assert!(matches!(error, ArchiveError::OverLimit { .. }), "{error}");
    }

    #[test]
    fn sizes_above_eight_gigabytes_are_read() {
        let mut header = block(b"a", b'0', 0);
        header[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0]);
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&it| u32::from(it)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());

        let member = Scanner::new(&header[..], Limits::default()).next().unwrap().unwrap();

        assert_eq!(member.size, 3 << 32);
    }

    #[test]
    fn a_tar_cut_anywhere_is_an_error() {
        let file = tar(&[(b"a", b'0', b"hello"), (b"b", b'0', &[1; 700])]);

        for cut in 0..file.len() {
            assert!(scan(&file[..cut]).is_err(), "cut after {cut}");
        }
    }

    #[test]
    fn something_after_the_end_is_an_error() {
        let mut file = tar(&[(b"a", b'0', b"hello")]);
        file.extend(b"more");

        assert!(scan(&file).is_err());
    }

    #[test]
    fn a_flipped_header_byte_is_an_error() {
        let file = tar(&[(b"a", b'0', b"hello")]);

        for at in 0..BLOCK {
            let mut damaged = file.clone();
            damaged[at] ^= 1;
            // Of the checksum's own field only its digits count.
            let is_padding = (154..156).contains(&at);
            assert!(scan(&damaged).is_err() || is_padding, "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            drop(scan(&bytes));
            let mut led = block(b"a", b'x', bytes.len() as u64);
            led.extend(bytes);
            drop(scan(&led));
        }
    }
}
