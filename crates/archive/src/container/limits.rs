//! Bounds on what a stranger's archive may make us do.

/// Bounds on an archive; each says what it protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most uncompressed bytes for each compressed one, once 16 MiB are out: decompression bombs.
    ///
    /// Deflate cannot do better than about 1,032; JSON of real exports comes to 10 to 30.
    pub max_ratio: u64,
    /// Most uncompressed bytes of the whole archive.
    pub max_total_bytes: u64,
    /// Most members; duplicates are found by 8 to 16 bytes of memory for each.
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
            max_ratio: 2_000,
            max_total_bytes: 16 << 40,
            max_members: 4_000_000,
            max_name_bytes: 4_096,
            max_depth: 64,
            max_record_bytes: 64 << 20,
            max_nesting: 64,
        }
    }
}
