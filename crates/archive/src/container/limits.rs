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

/// Variable of the environment that says how many times the usual an archive may hold.
const VARIABLE: &str = "PACKHORSE_ARCHIVE_LIMITS";

impl Limits {
    /// The limits of this run: as they are, or as often as `PACKHORSE_ARCHIVE_LIMITS` says.
    ///
    /// What is no whole number above 0 there changes nothing.
    pub fn of_this_run() -> Self {
        let times = std::env::var(VARIABLE).ok().and_then(|it| it.trim().parse().ok());
        Self::default().times(times.unwrap_or(1))
    }

    /// That many times as much, of what a large and honest archive may need more of.
    #[must_use]
    pub fn times(self, n: u64) -> Self {
        let n = n.max(1);
        let record = (self.max_record_bytes as u64).saturating_mul(n);
        Self {
            max_ratio: self.max_ratio.saturating_mul(n),
            max_total_bytes: self.max_total_bytes.saturating_mul(n),
            max_member_bytes: self.max_member_bytes.saturating_mul(n),
            max_unpacked_ratio: self.max_unpacked_ratio.saturating_mul(n),
            max_members: self.max_members.saturating_mul(n),
            max_record_bytes: usize::try_from(record).unwrap_or(usize::MAX),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_honest_archive_may_need_more_of_is_raised() {
        let (usual, raised) = (Limits::default(), Limits::default().times(10));

        assert_eq!(raised.max_members, 10 * usual.max_members);
        assert_eq!(raised.max_record_bytes, 10 * usual.max_record_bytes);
        assert_eq!(raised.max_depth, usual.max_depth);
        assert_eq!(usual.times(0), usual);
    }
}
