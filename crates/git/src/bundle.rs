//! Git bundles: a repository as one file.
//!
//! Source: git's gitformat-bundle(5): version 2 for SHA-1, version 3 with
//! `@object-format` for SHA-256.

use crate::{
    error::GitError,
    process::Git,
    progress::Listener,
    pump::{Source, Version, Wish},
    refs::{RefList, RefPolicy, is_valid_name},
    repository,
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use packhorse_core::{GitRemote, model::ObjectFormat, port::ByteStream};
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read},
    path::Path,
};

/// Longest line of a bundle's header, in bytes.
const MAX_LINE: u64 = 8 << 10;
/// Most refs of a bundle.
const MAX_REFS: usize = 5_000_000;

/// What a bundle says of itself before its pack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BundleHeader {
    /// The hash that names its objects.
    pub object_format: ObjectFormat,
    /// Objects that the reader must have already.
    pub prerequisites: Vec<String>,
    /// Object id by name; `HEAD` may be among them.
    pub refs: RefList,
}

impl BundleHeader {
    /// Reads a header up to the pack.
    ///
    /// # Errors
    ///
    /// [`GitError::Corrupt`] when the bytes are not a bundle's header.
    pub fn read(from: impl Read) -> Result<Self, GitError> {
        let mut lines = HeaderLines { reader: BufReader::new(from) };
        let version = match lines.next()?.as_str() {
            "# v2 git bundle" => 2,
            "# v3 git bundle" => 3,
            _ => return Err(corrupt("it does not begin like a bundle")),
        };
        let mut header = Self::default();
        loop {
            let line = lines.next()?;
            if line.is_empty() {
                return Ok(header);
            }
            header.take(version, &line)?;
            if header.refs.refs.len() + header.prerequisites.len() > MAX_REFS {
                return Err(corrupt("it has too many refs"));
            }
        }
    }

    /// The header's bytes; the pack comes right behind.
    pub fn bytes(&self) -> Vec<u8> {
        let mut text = match self.object_format {
            ObjectFormat::Sha1 => "# v2 git bundle\n".to_owned(),
            ObjectFormat::Sha256 => "# v3 git bundle\n@object-format=sha256\n".to_owned(),
        };
        self.prerequisites.iter().for_each(|id| text.push_str(&format!("-{id}\n")));
        self.refs.refs.iter().for_each(|(name, id)| text.push_str(&format!("{id} {name}\n")));
        // Git says by this line which branch a clone of the bundle checks out.
        let head = self.refs.head.as_ref().and_then(|name| self.refs.refs.get(name));
        head.into_iter().for_each(|id| text.push_str(&format!("{id} HEAD\n")));
        text.push('\n');
        text.into_bytes()
    }

    fn take(&mut self, version: u8, line: &str) -> Result<(), GitError> {
        if let (3, Some(capability)) = (version, line.strip_prefix('@')) {
            self.object_format = match capability {
                "object-format=sha1" => ObjectFormat::Sha1,
                "object-format=sha256" => ObjectFormat::Sha256,
                other => return Err(corrupt(&format!("it wants `{other}`"))),
            };
            return Ok(());
        }
        let (is_prerequisite, rest) = match line.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let (id, name) = rest.split_once(' ').unwrap_or((rest, ""));
        let digits = match self.object_format {
            ObjectFormat::Sha1 => 40,
            ObjectFormat::Sha256 => 64,
        };
        if id.len() != digits || !id.bytes().all(|it| it.is_ascii_hexdigit()) {
            return Err(corrupt("a line has no object id"));
        }
        if is_prerequisite {
            self.prerequisites.push(id.to_owned());
        } else if is_valid_name(name) {
            self.refs.refs.insert(name.to_owned(), id.to_owned());
        } else if name != "HEAD" {
            return Err(corrupt("a ref has a name that Git does not allow"));
        }
        Ok(())
    }
}

struct HeaderLines<R> {
    reader: BufReader<R>,
}

impl<R: Read> HeaderLines<R> {
    fn next(&mut self) -> Result<String, GitError> {
        let mut line = Vec::new();
        let read = self.reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        read.map_err(GitError::system("read a bundle"))?;
        if line.pop() != Some(b'\n') {
            return Err(corrupt("its header does not end"));
        }
        String::from_utf8(line).map_err(|_| corrupt("its header is not UTF-8"))
    }
}

fn corrupt(detail: &str) -> GitError {
    GitError::Corrupt { what: "the bundle".into(), detail: detail.to_owned() }
}

/// Writes all refs of a bare repository into a bundle.
///
/// `false` when there are no refs: Git makes no empty bundles.
///
/// # Errors
///
/// See [`GitError`].
pub async fn create(git: &Git, repository: &Path, file: &Path) -> Result<bool, GitError> {
    let refs = git.inside(repository, ["for-each-ref", "--count=1"]).text().await?;
    if refs.trim().is_empty() {
        return Ok(false);
    }
    let file = std::path::absolute(file).map_err(GitError::system("name a bundle"))?;
    let file = file.to_string_lossy();
    let arguments = ["bundle", "create", "--quiet", file.as_ref(), "--all"];
    git.inside(repository, arguments).run(&[]).await?;
    Ok(true)
}

/// A remote's refs that travel by `policy` as a bundle, while they flow; nothing rests on disk.
///
/// `None` when there are no refs: Git makes no empty bundles. The stream ends
/// with an error, before its end, when the pack is not whole.
///
/// # Errors
///
/// See [`GitError`]; [`GitError::NotStreamed`] for a remote that has to be mirrored first.
pub async fn stream(
    git: &Git,
    remote: &GitRemote,
    policy: &RefPolicy,
    listener: &Listener,
) -> Result<Option<(BundleHeader, ByteStream)>, GitError> {
    let source = Source::open(git, remote, Version::V2).await?;
    let (refs, _) = policy.select(&source.listing().list);
    if refs.refs.is_empty() {
        return Ok(None);
    }
    let wants: BTreeSet<&String> = refs.refs.values().collect();
    let wish = Wish {
        wants: wants.into_iter().cloned().collect(),
        has_offsets: true,
        is_quiet: !listener.is_there(),
        ..Wish::default()
    };
    let object_format = source.listing().object_format;
    let header = BundleHeader { object_format, prerequisites: Vec::new(), refs };
    let pack = source.pack(&wish, listener).await?.pack;
    let head = Bytes::from(header.bytes());
    Ok(Some((header, Box::pin(stream::once(async { Ok(head) }).chain(pack)))))
}

/// Takes everything out of a bundle into a new bare repository.
///
/// # Errors
///
/// [`GitError::Corrupt`] when the bundle is damaged or wants objects from elsewhere.
pub async fn unbundle(
    git: &Git,
    file: &Path,
    repository: &Path,
    head: Option<&str>,
) -> Result<(), GitError> {
    let open = std::fs::File::open(file).map_err(GitError::system("open a bundle"))?;
    let header = BundleHeader::read(open)?;
    if !header.prerequisites.is_empty() {
        return Err(corrupt("it wants objects that are not in it"));
    }
    repository::init_bare(repository, header.object_format)?;
    let file = std::path::absolute(file).map_err(GitError::system("name a bundle"))?;
    let arguments = ["bundle".to_owned(), "unbundle".into(), file.to_string_lossy().into_owned()];
    let taken = git.inside(repository, arguments).run(&[]).await;
    if let Err(GitError::Failed { stderr, .. }) = &taken {
        return Err(corrupt(stderr));
    }
    taken?;
    let lines = header.refs.refs.iter().map(|(name, id)| format!("update {name}\0{id}\0\0"));
    let input: String = lines.collect();
    if !input.is_empty() {
        git.inside(repository, ["update-ref", "-z", "--stdin"]).run(input.as_bytes()).await?;
    }
    head.map_or(Ok(()), |name| repository::set_head(repository, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "0123456789012345678901234567890123456789";

    #[test]
    fn a_header_tells_refs_and_prerequisites() {
        let text = format!("# v2 git bundle\n-{ID} why\n{ID} refs/heads/main\n{ID} HEAD\n\nPACK");

        let header = BundleHeader::read(text.as_bytes()).unwrap();

        assert_eq!(header.prerequisites, [ID]);
        assert_eq!(header.refs.refs["refs/heads/main"], ID);
    }

    #[test]
    fn what_is_written_is_read() {
        for (object_format, digits) in [(ObjectFormat::Sha1, 40), (ObjectFormat::Sha256, 64)] {
            let id = "1".repeat(digits);
            let refs = [("refs/heads/main".to_owned(), id.clone())].into();
            let mut header = BundleHeader {
                object_format,
                prerequisites: vec![id],
                refs: RefList { head: Some("refs/heads/main".into()), refs },
            };

            let read = BundleHeader::read(&header.bytes()[..]).unwrap();

            // A bundle says what `HEAD` is at, not what it stands for.
            header.refs.head = None;
            assert_eq!(read, header);
        }
    }

    #[test]
    fn a_name_out_of_the_tree_is_refused() {
        let text = format!("# v2 git bundle\n{ID} refs/heads/../../config\n\nPACK");

        assert!(BundleHeader::read(text.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(BundleHeader::read(&bytes[..]));
            let mut led = b"# v3 git bundle\n".to_vec();
            led.extend(bytes);
            drop(BundleHeader::read(&led[..]));
        }
    }
}
