//! Files: attachments and LFS objects.

use super::{Identity, Subject, Time, model};

model! {
    /// Bytes that travel beside a record.
    pub struct Blob {
        /// Size in bytes, where known.
        pub size: Option<u64>,
        /// SHA-256 of the bytes in lower-case hexadecimal, where known.
        pub sha256: Option<String>,
    }

    /// A file that a body refers to.
    pub struct Attachment {
        /// What refers to it.
        pub subject: Subject,
        /// Name of the file.
        pub name: String,
        /// Its media type.
        pub content_type: Option<String>,
        /// Address by which bodies refer to it.
        pub url: Option<String>,
        /// Older address by which bodies may refer to it.
        pub legacy_url: Option<String>,
        /// Who uploaded it.
        pub author: Option<Identity>,
        /// Its bytes.
        pub blob: Blob,
        /// When it was uploaded.
        pub created_at: Option<Time>,
    }

    /// A large file kept outside Git by Git LFS.
    pub struct LfsObject {
        /// Its bytes; the SHA-256 is its name.
        pub blob: Blob,
    }
}
