//! The service's key: what is signed, sealed and hashed with it is worth nothing elsewhere.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use packhorse_core::Secret;
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

/// Length of the key, in bytes.
const LENGTH: usize = 32;

/// Why the key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("could not use the service's key `{path}`")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error("`{path}` holds no key of {LENGTH} bytes; remove it and make all tokens anew")]
    Damaged {
        /// The file.
        path: String,
    },
    /// Others may read it.
    #[error("others may read the service's key `{path}`: say `chmod 600 {path}`")]
    Open {
        /// The file.
        path: String,
    },
    /// A key that was given as text is none.
    #[error("the service's key is no text of {LENGTH} bytes in base64 or hexadecimal digits")]
    Text,
    /// What is kept was made with another key.
    #[error("the database belongs to a service with another key")]
    Other,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// What was sealed was sealed with another key, for something else, or was changed.
    #[error("what was encrypted with the service's key cannot be read with it")]
    Sealed,
}

/// What is done with a key; a signature for one use is none for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Hashing tokens.
    Tokens,
    /// Signing addresses of archives.
    Addresses,
    /// Sealing credentials of sources.
    Credentials,
    /// Signing sessions of people.
    Sessions,
    /// Signing what forms of a session carry.
    Forms,
    /// Telling the key from others.
    Mark,
}

impl Use {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Tokens => b"packhorse tokens",
            Self::Addresses => b"packhorse addresses",
            Self::Credentials => b"packhorse credentials",
            Self::Sessions => b"packhorse sessions",
            Self::Forms => b"packhorse forms",
            Self::Mark => b"packhorse mark",
        }
    }
}

/// The service's key.
///
/// SECURITY: never printed; each use has a key of its own that is derived from it.
pub struct ServiceKey {
    root: hmac::Key,
    random: SystemRandom,
}

impl std::fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl ServiceKey {
    /// Reads the key, and makes one for the owner of the file alone when there is none.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for a file that cannot be trusted or used.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        let shown = || path.display().to_string();
        let fail = |source| KeyError::File { path: shown(), source };
        let random = SystemRandom::new();
        let bytes = match fs::read(path) {
            Ok(bytes) => {
                check_mode(path)
                    .map_err(fail)?
                    .then_some(())
                    .ok_or(KeyError::Open { path: shown() })?;
                bytes
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make(path, &random).map_err(fail)?
            }
            Err(error) => return Err(fail(error)),
        };
        if bytes.len() != LENGTH {
            return Err(KeyError::Damaged { path: shown() });
        }
        Ok(Self { root: hmac::Key::new(hmac::HMAC_SHA256, &bytes), random })
    }

    /// Reads a key that was given as text: 32 bytes in base64, or 64 hexadecimal digits, such as
    /// `openssl rand -hex 32` prints.
    ///
    /// # Errors
    ///
    /// [`KeyError::Text`] for anything else.
    pub fn from_text(text: &Secret) -> Result<Self, KeyError> {
        let text = text.expose().trim();
        let digits =
            |at: usize| text.get(at..at + 2).and_then(|it| u8::from_str_radix(it, 16).ok());
        let is_hexadecimal =
            text.len() == 2 * LENGTH && text.bytes().all(|it| it.is_ascii_hexdigit());
        let bytes = match is_hexadecimal {
            true => (0..LENGTH).map(|at| digits(2 * at)).collect(),
            false => {
                let plain = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
                URL_SAFE_NO_PAD.decode(plain).ok()
            }
        };
        let bytes: Vec<u8> =
            bytes.filter(|it: &Vec<u8>| it.len() == LENGTH).ok_or(KeyError::Text)?;
        let root = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        Ok(Self { root, random: SystemRandom::new() })
    }

    fn derived(&self, of: Use) -> hmac::Tag {
        hmac::sign(&self.root, of.label())
    }

    /// A keyed hash of some bytes.
    pub(crate) fn sign(&self, of: Use, bytes: &[u8]) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.derived(of).as_ref());
        hmac::sign(&key, bytes).as_ref().to_vec()
    }

    /// Whether a keyed hash is that of these bytes, in a time that does not depend on the hash.
    pub(crate) fn is_signed(&self, of: Use, bytes: &[u8], hash: &[u8]) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.derived(of).as_ref());
        hmac::verify(&key, bytes, hash).is_ok()
    }

    /// Random text of `n` bytes, fit for addresses.
    pub(crate) fn random(&self, n: usize) -> Result<String, KeyError> {
        let mut bytes = vec![0; n];
        self.random.fill(&mut bytes).map_err(|_| KeyError::Random)?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Encrypts a secret; `about` says what for, and must be said again to read it.
    pub(crate) fn seal(&self, secret: &Secret, about: &str) -> Result<Vec<u8>, KeyError> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| KeyError::Random)?;
        let mut body = secret.expose().as_bytes().to_vec();
        let key = self.cipher()?;
        let of = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(of, Aad::from(about), &mut body)
            .map_err(|_| KeyError::Sealed)?;
        let mut sealed = nonce.to_vec();
        sealed.extend(body);
        Ok(sealed)
    }

    /// Reads what was encrypted.
    pub(crate) fn open_sealed(&self, sealed: &[u8], about: &str) -> Result<Secret, KeyError> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(KeyError::Sealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| KeyError::Sealed)?;
        let mut body = body.to_vec();
        let key = self.cipher()?;
        let plain =
            key.open_in_place(nonce, Aad::from(about), &mut body).map_err(|_| KeyError::Sealed)?;
        std::str::from_utf8(plain).map(Secret::new).map_err(|_| KeyError::Sealed)
    }

    fn cipher(&self) -> Result<LessSafeKey, KeyError> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, self.derived(Use::Credentials).as_ref());
        key.map(LessSafeKey::new).map_err(|_| KeyError::Sealed)
    }
}

/// The signature that a receiver who has the same secret reckons.
pub(crate) fn sign_with(secret: &Secret, bytes: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    hmac::sign(&key, bytes).as_ref().to_vec()
}

fn check_mode(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::metadata(path)?.permissions().mode() & 0o077 == 0)
}

fn make(path: &Path, random: &SystemRandom) -> io::Result<Vec<u8>> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut bytes = vec![0; LENGTH];
    random.fill(&mut bytes).map_err(|_| io::Error::other("no random numbers"))?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    Ok(bytes)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A key in a directory of its own.
    pub(crate) fn key() -> ServiceKey {
        let directory = tempfile::tempdir().unwrap();
        ServiceKey::open(&directory.path().join("key")).unwrap()
    }

    #[test]
    fn a_secret_comes_back_with_the_same_key_and_purpose_alone() {
        let (key, other) = (key(), key());
        let sealed = key.seal(&Secret::new("hunter2"), "source of 7").unwrap();

        assert_eq!(key.open_sealed(&sealed, "source of 7").unwrap().expose(), "hunter2");
        assert!(key.open_sealed(&sealed, "source of 8").is_err());
        assert!(other.open_sealed(&sealed, "source of 7").is_err());
        assert!(!sealed.windows(7).any(|it| it == b"hunter2"));
    }

    #[test]
    fn a_key_may_be_given_as_text() {
        let key = |text: &str| ServiceKey::from_text(&Secret::new(text));
        let (digits, base64) = ("fb".repeat(32), format!("{}+/s=\n", "+/v7".repeat(10)));
        let signature = key(&digits).unwrap().sign(Use::Tokens, b"x");

        for same in [digits.to_uppercase(), base64] {
            assert_eq!(key(&same).unwrap().sign(Use::Tokens, b"x"), signature, "{same}");
        }
        for wrong in ["", "fbfb", &"fü".repeat(22), &"+/v7".repeat(10)] {
            assert!(matches!(key(wrong), Err(KeyError::Text)), "{wrong}");
        }
    }

    #[test]
    fn a_signature_is_for_one_use() {
        let key = key();
        let signature = key.sign(Use::Addresses, b"7");

        assert!(key.is_signed(Use::Addresses, b"7", &signature));
        assert!(!key.is_signed(Use::Tokens, b"7", &signature));
        assert!(!key.is_signed(Use::Addresses, b"8", &signature));
    }

    #[test]
    fn the_key_stays_and_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let signature = ServiceKey::open(&path).unwrap().sign(Use::Tokens, b"x");

        assert_eq!(ServiceKey::open(&path).unwrap().sign(Use::Tokens, b"x"), signature);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(ServiceKey::open(&path), Err(KeyError::Open { .. })));
    }
}
