//! Git repositories, as records.

use super::{choice, model};

choice! {
    /// The hash that names Git objects.
    pub enum ObjectFormat {
        /// SHA-1.
        #[default]
        Sha1,
        /// SHA-256.
        Sha256,
    }
}

model! {
    /// The state of a code repository: all refs, folded into one digest.
    pub struct Repository {
        /// Full name of the ref that `HEAD` stands for.
        pub head: Option<String>,
        /// The hash that names its objects.
        pub object_format: ObjectFormat,
        /// Number of refs that are carried.
        pub refs: u64,
        /// SHA-256 of the carried refs, one line `<object id> <name>\n` each, sorted by name.
        pub refs_digest: String,
    }

    /// The state of a wiki repository.
    pub struct Wiki {
        /// Full name of the ref that `HEAD` stands for.
        pub head: Option<String>,
        /// The hash that names its objects.
        pub object_format: ObjectFormat,
        /// Number of refs that are carried.
        pub refs: u64,
        /// SHA-256 of the carried refs, one line `<object id> <name>\n` each, sorted by name.
        pub refs_digest: String,
    }
}
