//! Bounds on what a stranger's archive may make us do.

/// Bounds on an archive; each says what it protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most uncompressed bytes for each compressed one, once 16 MiB are out: decompression bombs.
    ///
    /// Deflate cannot do better than about 1,032, and does so for nothing but zeros; JSON of
    /// real exports comes to 10 to 30.
    pub max_ratio: u64,
    /// Most uncompressed bytes of the whole archive.
    pub max_total_bytes: u64,
    /// Most uncompressed bytes of one member.
    pub max_member_bytes: u64,
    /// Most bytes that a repository may unpack to for each byte of the file, beyond 256 MiB:
    /// Git's own files are compressed already, so that real ones come to 1 or 2.
    pub max_unpacked_ratio: u64,
    /// Most members: what an index of them may take on disk.
    pub max_members: u64,
    /// Longest name of a member, in bytes.
    pub max_name_bytes: usize,
    /// Most directories above a member.
    pub max_depth: usize,
    /// Longest record of a record file, in bytes: the most that is held at a time.
    pub max_record_bytes: usize,
    /// Deepest nesting of a record.
    pub max_nesting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_ratio: 1_000,
            max_total_bytes: 16 << 40,
            max_member_bytes: 1 << 40,
            max_unpacked_ratio: 64,
            max_members: 4_000_000,
            max_name_bytes: 4_096,
            max_depth: 64,
            max_record_bytes: 64 << 20,
            max_nesting: 64,
        }
    }
}
