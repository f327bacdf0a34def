//! Files in object stores: S3 and what speaks like it, Azure, Google, or a directory.
//!
//! [`Storage::open`] takes the address of a place in a store and the [`Settings`] that say who asks:
//!
//! | address | store |
//! |---|---|
//! | `s3://bucket/prefix` | Amazon's S3; with an endpoint in the environment whatever speaks like it |
//! | `az://container/prefix` | Azure's Blob Storage |
//! | `gs://bucket/prefix` | Google's Cloud Storage |
//! | `file:///directory` | a directory, made when it is not there |
//!
//! Objects are named by keys below that prefix. Files go up in parts and come down as streams, so
//! that memory does not grow with them: at most three parts at a time. What goes up is hashed on
//! the way. Where a store can, [`Storage::signed_get_url`] makes an address with which anybody may
//! fetch an object for a while.
//!
//! Credentials are read from the variables that the vendors' own tools read, which
//! [`VARIABLES`] lists; they never stand in an address. Errors say which object of which store,
//! why, and what to do; secrets are taken out of them.

mod connect;
mod error;
mod key;
mod open;
mod part;
mod settings;

pub use error::{StorageError, Trouble};
pub use settings::{Settings, VARIABLES};

use bytes::Bytes;
use error::Operation;
use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use http::Method;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, signer::Signer};
use sha2::{Digest as _, Sha256};
use std::{fmt, path::Path, sync::Arc, time::Duration};
use tokio::{
    fs::{self, OpenOptions},
    io::AsyncWriteExt as _,
};
use url::Url;

/// The longest that a signed address may be good: stores refuse more.
///
/// Source: Amazon, *Authenticating Requests: Using Query Parameters*, `X-Amz-Expires`; Google says
/// the same of its signatures.
pub const LONGEST_SIGNATURE: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Why an address of Azure cannot be signed. Azure signs names as they are, and what signs here takes
/// them as addresses spell them. Source: Microsoft, *Create a service SAS*, "Specify the signature".
const NOT_PLAIN: &str = "it holds more than letters of ASCII, digits, `-`, `_`, `.`, `~` and `/`, \
    which no signature for Azure covers here; choose another name or prefix";

/// Whether an address spells a path as it is.
fn is_plain(path: &str) -> bool {
    path.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.~/".contains(&it))
}

/// A place in an object store. Clones share their connections.
#[derive(Clone)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    /// Who signs addresses, where the store can.
    signer: Option<Arc<dyn Signer>>,
    /// Whether only addresses that spell keys as they are can be signed.
    signs_plain: bool,
    /// What people call the place, and what must never be told.
    place: Arc<error::Place>,
    /// Its address, without a slash at its end.
    address: String,
    /// Before every key.
    prefix: object_store::path::Path,
    /// The least size of a part, in bytes.
    part: u64,
}

/// What was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// In bytes.
    pub size: u64,
    /// Hash of the bytes.
    pub sha256: [u8; 32],
}

/// An object as it comes.
pub struct Incoming {
    /// Bytes of the whole object.
    pub size: u64,
    /// The bytes from where they were asked for.
    pub bytes: BoxStream<'static, Result<Bytes, StorageError>>,
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Storage").field(&self.place.name).finish()
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("size", &self.size).finish_non_exhaustive()
    }
}

impl fmt::Display for Storage {
    /// The place without anything secret, such as `the bucket "acme" of S3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place.name)
    }
}

impl Storage {
    /// Opens a place; asks the store nothing yet.
    ///
    /// # Errors
    ///
    /// [`Trouble::Configuration`] when the address is of no kind that is known or holds more than a
    /// place (a password, a query), when a setting cannot be used, or when an endpoint without TLS
    /// is not on this machine and was not allowed.
    pub fn open(address: &str, settings: &Settings) -> Result<Self, StorageError> {
        open::open(address, settings)
    }

    /// The address of an object for people, such as `s3://bucket/prefix/key`; nothing of it is secret.
    pub fn address_of(&self, key: &str) -> String {
        format!("{}/{key}", self.address)
    }

    /// Whether addresses can be signed here; a directory cannot.
    pub fn can_sign(&self) -> bool {
        self.signer.is_some()
    }

    /// Stores a file under a key, and replaces what is there.
    ///
    /// It goes up in parts, and is there for others only when it is whole. A part that fails is
    /// tried again; when all fails, the parts that are there are removed. A process that dies in
    /// between leaves them: a rule of the store's own should remove unfinished uploads.
    ///
    /// # Errors
    ///
    /// [`Trouble::File`] when the file cannot be read, or changes meanwhile; otherwise what the
    /// store has against it.
    pub async fn put_file(&self, key: &str, file: &Path) -> Result<Stored, StorageError> {
        let to = self.path(key, Operation::Put)?;
        part::put(self, key, &to, file).await
    }

    /// An object from a byte on.
    ///
    /// # Errors
    ///
    /// [`Trouble::Missing`] when there is none; otherwise what the store has against it.
    pub async fn get(&self, key: &str, from: u64) -> Result<Incoming, StorageError> {
        let path = self.path(key, Operation::Get)?;
        let range = (from > 0).then_some(GetRange::Offset(from));
        let options = GetOptions { range, ..GetOptions::default() };
        let found = self.store.get_opts(&path, options).await;
        let found = found.map_err(|error| self.place.failed(Operation::Get, key, &error))?;
        let (size, place, key) = (found.meta.size, Arc::clone(&self.place), key.to_owned());
        let bytes = found
            .into_stream()
            .map_err(move |error| place.failed(Operation::Get, &key, &error))
            .boxed();
        Ok(Incoming { size, bytes })
    }

    /// Fetches an object into a file, which must not be there and which only its owner may read;
    /// nothing stays of one that does not come whole.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get); [`Trouble::File`] when the file cannot be written.
    pub async fn get_file(&self, key: &str, file: &Path) -> Result<Stored, StorageError> {
        let Incoming { size, mut bytes } = self.get(key, 0).await?;
        let broken = |error: &dyn fmt::Display| self.place.file(Operation::Get, key, file, error);
        let mut to = OpenOptions::new();
        let to = to.write(true).create_new(true).mode(0o600).open(file).await;
        let mut to = to.map_err(|error| broken(&error))?;
        let mut hash = Sha256::new();
        let mut n = 0u64;
        let written = async {
            while let Some(piece) = bytes.try_next().await? {
                n += piece.len() as u64;
                hash.update(&piece);
                to.write_all(&piece).await.map_err(|error| broken(&error))?;
            }
            if n != size {
                return Err(broken(&format!("{n} of {size} bytes came")));
            }
            to.sync_all().await.map_err(|error| broken(&error))
        };
        if let Err(error) = written.await {
            // What matters is why it did not come.
            drop(fs::remove_file(file).await);
            return Err(error);
        }
        Ok(Stored { size, sha256: hash.finalize().into() })
    }

    /// An address with which anybody may fetch an object for that long, by `GET` alone.
    ///
    /// Whoever has it needs no credentials: it is a secret. It ends sooner where the credentials
    /// that sign it do. Whether the object is there is not looked at.
    ///
    /// # Errors
    ///
    /// [`Trouble::Unsupported`] where the store cannot sign ([`can_sign`](Self::can_sign)), where
    /// the credentials are none that can (Azure's shared access signatures), for longer than
    /// [`LONGEST_SIGNATURE`], and at Azure for keys that an address spells otherwise.
    pub async fn signed_get_url(&self, key: &str, lasts: Duration) -> Result<Url, StorageError> {
        let path = self.path(key, Operation::Sign)?;
        let Some(signer) = &self.signer else {
            return Err(self.place.unsigned(key, "a directory has no addresses for others"));
        };
        if lasts > LONGEST_SIGNATURE {
            return Err(self.place.unsigned(key, "no store signs for longer than seven days"));
        }
        if self.signs_plain && !is_plain(path.as_ref()) {
            return Err(self.place.unsigned(key, NOT_PLAIN));
        }
        let signed = signer.signed_url(Method::GET, &path, lasts).await;
        signed.map_err(|error| self.place.failed(Operation::Sign, key, &error))
    }

    /// Removes an object. One that is not there is none to remove, and no error.
    ///
    /// # Errors
    ///
    /// What the store has against it.
    pub async fn delete(&self, key: &str) -> Result<(), StorageError> {
        let path = self.path(key, Operation::Delete)?;
        match self.store.delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.place.failed(Operation::Delete, key, &error)),
        }
    }

    /// The size of an object in bytes; `None` when it is not there.
    ///
    /// S3 says that it is forbidden, not that it is missing, to whoever may not list the bucket.
    ///
    /// # Errors
    ///
    /// What the store has against it.
    pub async fn size(&self, key: &str) -> Result<Option<u64>, StorageError> {
        let path = self.path(key, Operation::Look)?;
        match self.store.head(&path).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.place.failed(Operation::Look, key, &error)),
        }
    }

    /// Whether an object is there.
    ///
    /// # Errors
    ///
    /// As [`size`](Self::size).
    pub async fn exists(&self, key: &str) -> Result<bool, StorageError> {
        Ok(self.size(key).await?.is_some())
    }

    /// Where a key is in the store.
    fn path(
        &self,
        key: &str,
        operation: Operation,
    ) -> Result<object_store::path::Path, StorageError> {
        key::below(&self.prefix, key).map_err(|why| self.place.no_key(operation, key, why))
    }
}
