//! What a server says first: what it can do and, before protocol 2, its refs.
//!
//! Source: git's gitprotocol-pack(5), gitprotocol-v2(5), gitprotocol-http(5)
//! and gitprotocol-capabilities(5).

use super::{
    packet::{Packet, PacketReader},
    remark::Place,
};
use crate::{
    error::GitError,
    refs::{LeftRef, RefList, is_valid_name},
};
use packhorse_core::model::ObjectFormat;

/// Most refs that are taken in: ten times what the largest projects have.
const MAX_REFS: usize = 5_000_000;

/// Which half of Git's transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// Gives packs.
    UploadPack,
    /// Takes packs.
    ReceivePack,
}

impl Service {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }
}

/// The protocol that a server is asked to speak, or answered in; 1 is 0 with a line before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// The refs come at once, which saves a question. Packs are taken by it alone.
    V0,
    /// The refs are asked for. It tells what `HEAD` stands for also before that is born, and gives
    /// objects that no ref names.
    V2,
}

/// What a server can do: words, some with a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Capabilities(Vec<String>);

impl Capabilities {
    fn words(line: &[u8]) -> Self {
        let line = String::from_utf8_lossy(line);
        Self(line.split_ascii_whitespace().map(str::to_owned).collect())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|it| it.split('=').next() == Some(name))
    }

    /// All values of a word that may be said more than once.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter_map(move |it| it.strip_prefix(name)?.strip_prefix('='))
    }

    /// The hash that names objects; a server that does not say means SHA-1.
    fn object_format(&self, place: &Place) -> Result<ObjectFormat, GitError> {
        match self.values("object-format").next() {
            None | Some("sha1") => Ok(ObjectFormat::Sha1),
            Some("sha256") => Ok(ObjectFormat::Sha256),
            Some(other) => Err(place.nonsense(format!("it names objects by `{other}`"))),
        }
    }
}

/// Refs as a server lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    /// Those with a name that we can carry.
    pub(crate) list: RefList,
    /// Those with a name that is not text.
    pub(crate) unreadable: Vec<LeftRef>,
    /// The hash that names the objects.
    pub(crate) object_format: ObjectFormat,
}

impl Listing {
    pub(super) fn new(object_format: ObjectFormat) -> Self {
        Self { object_format, ..Self::default() }
    }

    /// Takes a ref in, however odd; what is no ref at all is an error.
    pub(super) fn take(&mut self, id: &[u8], name: &[u8], place: &Place) -> Result<(), GitError> {
        let id = object_id(id, self.object_format, place)?;
        if self.list.refs.len() + self.unreadable.len() >= MAX_REFS {
            return Err(place.nonsense(format!("it lists more than {MAX_REFS} refs")));
        }
        let Ok(name) = std::str::from_utf8(name) else {
            let name = String::from_utf8_lossy(name).into_owned();
            self.unreadable.push(LeftRef { name, reason: "its name is not UTF-8".into() });
            return Ok(());
        };
        if self.list.refs.insert(name.to_owned(), id).is_some() {
            return Err(place.nonsense(format!("it lists `{name}` twice")));
        }
        Ok(())
    }

    pub(super) fn set_head(&mut self, name: &[u8]) {
        let name = std::str::from_utf8(name).ok().filter(|it| is_valid_name(it));
        self.list.head = name.map(str::to_owned);
    }
}

/// Reads an object id of that format.
pub(super) fn object_id(
    id: &[u8],
    format: ObjectFormat,
    place: &Place,
) -> Result<String, GitError> {
    let is_id = id.len() == digits(format)
        && id.iter().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(it));
    match std::str::from_utf8(id) {
        Ok(id) if is_id => Ok(id.to_owned()),
        Ok(_) | Err(_) => {
            let said = String::from_utf8_lossy(&id[..id.len().min(80)]).into_owned();
            Err(place.nonsense(format!("`{said}` is no object id")))
        }
    }
}

/// Length of an object id.
pub(super) const fn digits(format: ObjectFormat) -> usize {
    match format {
        ObjectFormat::Sha1 => 40,
        ObjectFormat::Sha256 => 64,
    }
}

/// What a server says first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Advertisement {
    pub(super) version: Version,
    pub(super) capabilities: Capabilities,
    /// Its refs; none in protocol 2, where they are asked for.
    pub(super) listing: Listing,
    /// Objects that it has beside what its refs reach.
    pub(super) haves: Vec<String>,
    /// Whether it lacks a part of its history.
    pub(super) is_shallow: bool,
}

impl Advertisement {
    /// Whether it can leave something out of a pack.
    pub(super) fn knows_filters(&self) -> bool {
        let words = self.capabilities.values("fetch");
        match self.version {
            Version::V2 => words.flat_map(|it| it.split(' ')).any(|it| it == "filter"),
            Version::V0 => self.capabilities.has("filter"),
        }
    }

    /// Reads it up to its end.
    pub(super) async fn read(
        reader: &mut PacketReader,
        service: Service,
    ) -> Result<Self, GitError> {
        let mut first = reader.expect().await?;
        // Over HTTP the service says its name, in a list of its own.
        if first.line().is_some_and(|it| it.starts_with(b"# service=")) {
            if first.line() != Some(format!("# service={}", service.name()).as_bytes()) {
                return Err(reader.place().nonsense("it answers for another service"));
            }
            first = reader.expect().await?;
            if first == Packet::Flush {
                first = reader.expect().await?;
            }
        }
        match first.line() {
            Some(b"version 2") => Self::second(reader).await,
            Some(b"version 1") => {
                let first = reader.expect().await?;
                Self::zeroth(reader, first).await
            }
            Some(_) | None => Self::zeroth(reader, first).await,
        }
    }

    async fn second(reader: &mut PacketReader) -> Result<Self, GitError> {
        let mut words = Vec::new();
        loop {
            let packet = reader.expect().await?;
            let Some(line) = packet.line() else { break };
            refusal(line, reader.place())?;
            words.push(String::from_utf8_lossy(line).into_owned());
            if words.len() > 1_000 {
                return Err(reader.place().nonsense("its capabilities do not end"));
            }
        }
        let capabilities = Capabilities(words);
        let format = capabilities.object_format(reader.place())?;
        Ok(Self {
            version: Version::V2,
            capabilities,
            listing: Listing::new(format),
            haves: Vec::new(),
            is_shallow: false,
        })
    }

    async fn zeroth(reader: &mut PacketReader, first: Packet) -> Result<Self, GitError> {
        let mut found = Self {
            version: Version::V0,
            capabilities: Capabilities::default(),
            listing: Listing::default(),
            haves: Vec::new(),
            is_shallow: false,
        };
        let Some(line) = first.line() else {
            // A server of old says nothing at all for a repository without refs.
            return Ok(found);
        };
        refusal(line, reader.place())?;
        let (line, words) = match line.iter().position(|it| *it == 0) {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &b""[..]),
        };
        found.capabilities = Capabilities::words(words);
        found.listing = Listing::new(found.capabilities.object_format(reader.place())?);
        let mut detached = found.line(line, reader.place())?;
        loop {
            let packet = reader.expect().await?;
            let Some(line) = packet.line() else { break };
            refusal(line, reader.place())?;
            detached = found.line(line, reader.place())?.or(detached);
        }
        found.find_head(detached);
        Ok(found)
    }

    /// Takes in a line; gives what `HEAD` is at when the line says that.
    fn line(&mut self, line: &[u8], place: &Place) -> Result<Option<String>, GitError> {
        if line.starts_with(b"shallow ") {
            self.is_shallow = true;
            return Ok(None);
        }
        let Some(at) = line.iter().position(|it| *it == b' ') else {
            return Err(place.nonsense("a line of its refs has no name"));
        };
        let (id, name) = (&line[..at], &line[at + 1..]);
        let format = self.listing.object_format;
        match name {
            b"capabilities^{}" => {}
            b".have" => self.haves.push(object_id(id, format, place)?),
            b"HEAD" => return object_id(id, format, place).map(Some),
            name if name.ends_with(b"^{}") || !name.starts_with(b"refs/") => {}
            name => self.listing.take(id, name, place)?,
        }
        Ok(None)
    }

    /// `HEAD` as the server says, or as a server of old means it: a branch at the same commit.
    fn find_head(&mut self, at: Option<String>) {
        let said = self.capabilities.values("symref").find_map(|it| it.strip_prefix("HEAD:"));
        if let Some(name) = said.map(str::to_owned) {
            return self.listing.set_head(name.as_bytes());
        }
        let refs = &self.listing.list.refs;
        let is_there = |name: &&str| at.is_some() && refs.get(*name) == at.as_ref();
        let usual = ["refs/heads/main", "refs/heads/master"].into_iter().find(is_there);
        let any = || refs.keys().map(String::as_str).filter(|it| it.starts_with("refs/heads/"));
        let name = usual.or_else(|| any().find(is_there)).map(str::to_owned);
        self.listing.list.head = name;
    }
}

/// `ERR` is how a server refuses at any point.
pub(super) fn refusal(line: &[u8], place: &Place) -> Result<(), GitError> {
    match line.strip_prefix(b"ERR ") {
        Some(words) => Err(place.refused(words)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::packet::tests::reader, *};
    use crate::pump::packet::put;
    use proptest::prelude::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    async fn read(lines: &[&[u8]]) -> Result<Advertisement, GitError> {
        let mut bytes = Vec::new();
        for line in lines {
            if line.is_empty() { bytes.extend(b"0000") } else { put(&mut bytes, line) }
        }
        Advertisement::read(&mut reader(&bytes, 9), Service::UploadPack).await
    }

    #[tokio::test]
    async fn protocol_2_tells_what_it_can() {
        let lines: [&[u8]; 7] = [
            b"# service=git-upload-pack\n",
            b"",
            b"version 2\n",
            b"agent=git/2.40\n",
            b"fetch=shallow filter\n",
            b"object-format=sha256\n",
            b"",
        ];

        let found = read(&lines).await.unwrap();

        assert_eq!(found.version, Version::V2);
        assert!(found.capabilities.has("fetch") && !found.capabilities.has("ls-refs"));
        assert_eq!(found.listing.object_format, ObjectFormat::Sha256);
    }

    #[tokio::test]
    async fn protocol_0_tells_its_refs_and_head() {
        let first = format!("{A} HEAD\0ofs-delta symref=HEAD:refs/heads/trunk\n");
        let (trunk, tag) = (format!("{A} refs/heads/trunk\n"), format!("{B} refs/tags/v1\n"));
        let (peeled, have) = (format!("{A} refs/tags/v1^{{}}\n"), format!("{B} .have\n"));
        let lines = [&first, &trunk, &tag, &peeled, &have].map(|it| it.as_bytes());

        let found = read(&[&lines[..], &[b""]].concat()).await.unwrap();

        assert_eq!(found.listing.list.head.as_deref(), Some("refs/heads/trunk"));
        assert_eq!(found.listing.list.refs.len(), 2);
        assert_eq!(found.haves, [B]);
    }

    #[tokio::test]
    async fn a_server_of_old_means_the_branch_at_the_same_commit() {
        let first = format!("{A} HEAD\0ofs-delta\n");
        let (dev, trunk) = (format!("{B} refs/heads/dev\n"), format!("{A} refs/heads/trunk\n"));
        let lines = [&first, &dev, &trunk].map(|it| it.as_bytes());

        let found = read(&[b"version 1\n", lines[0], lines[1], lines[2], b""]).await.unwrap();

        assert_eq!(found.listing.list.head.as_deref(), Some("refs/heads/trunk"));
    }

    #[tokio::test]
    async fn an_empty_repository_has_capabilities_alone() {
        let line = format!("{} capabilities^{{}}\0report-status\n", "0".repeat(40));

        let found = read(&[line.as_bytes(), b""]).await.unwrap();

        assert!(found.listing.list.refs.is_empty() && found.capabilities.has("report-status"));
        assert!(read(&[b""]).await.unwrap().listing.list.refs.is_empty());
    }

    #[tokio::test]
    async fn odd_names_are_left_and_lies_are_errors() {
        let odd = [format!("{A} refs/heads/").as_bytes(), b"\xff\xfe"].concat();
        let found = read(&[&odd, b""]).await.unwrap();
        assert_eq!(found.listing.unreadable.len(), 1);

        let main = format!("{A} refs/heads/main");
        for lie in [
            vec![main.as_bytes(), main.as_bytes(), b""],
            vec![b"zz refs/heads/main", b""],
            vec![main.as_bytes()],
            vec![b"ERR access denied\n"],
            vec![b"# service=git-receive-pack\n", b"", main.as_bytes(), b""],
        ] {
            assert!(read(&lie).await.is_err(), "{lie:?}");
        }
    }

    proptest! {
        #[test]
        fn no_lines_make_it_panic(lines in proptest::collection::vec("[ -~\\x00]{0,60}", 0..6)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let lines: Vec<_> = lines.iter().map(|it| it.as_bytes()).collect();
            drop(runtime.block_on(read(&lines)));
        }
    }
}
