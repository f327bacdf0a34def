//! One header block of a tar: 512 bytes, as POSIX ustar and GNU lay them out.
//!
//! Source: POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar, "Basic Tar Format".

/// Size of a block in bytes.
pub(super) const BLOCK: usize = 512;

/// A header block.
pub(super) struct Header<'a>(pub(super) &'a [u8; BLOCK]);

impl Header<'_> {
    /// Whether it is one of the two blocks of zeros at the end.
    pub(super) fn is_zero(&self) -> bool {
        self.0.iter().all(|&byte| byte == 0)
    }

    /// Whether the checksum is that of the other bytes, counted signed or unsigned.
    pub(super) fn has_valid_checksum(&self) -> bool {
        let blank = |n: usize, byte: u8| if (148..156).contains(&n) { b' ' } else { byte };
        let bytes = || self.0.iter().enumerate().map(|(n, &byte)| blank(n, byte));
        let unsigned: i64 = bytes().map(i64::from).sum();
        let signed: i64 = bytes().map(|byte| i64::from(byte as i8)).sum();
        octal(&self.0[148..156])
            .is_some_and(|it| i64::try_from(it).is_ok_and(|it| it == unsigned || it == signed))
    }

    /// Kind of the member.
    pub(super) fn kind(&self) -> u8 {
        self.0[156]
    }

    /// Size of the member's data in bytes; `None` when it is not a number.
    pub(super) fn size(&self) -> Option<u64> {
        number(&self.0[124..136])
    }

    /// Mode bits.
    pub(super) fn mode(&self) -> u32 {
        number(&self.0[100..108]).and_then(|it| u32::try_from(it & 0o7777).ok()).unwrap_or(0o644)
    }

    /// Name, with ustar's prefix before it.
    pub(super) fn name(&self) -> Vec<u8> {
        let name = text(&self.0[..100]);
        let prefix = text(&self.0[345..500]);
        let is_posix = &self.0[257..263] == b"ustar\0";
        if is_posix && !prefix.is_empty() { [prefix, b"/", name].concat() } else { name.to_vec() }
    }
}

/// Bytes up to the first NUL.
pub(super) fn text(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    &field[..end]
}

fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 == 0 {
        return octal(field);
    }
    // GNU's base-256 for what octal cannot hold; the sign bit means a negative size.
    if field[0] & 0x40 != 0 {
        return None;
    }
    let first = u64::from(field[0] & 0x3f);
    field[1..].iter().try_fold(first, |sum, &byte| sum.checked_mul(256)?.checked_add(byte.into()))
}

fn octal(field: &[u8]) -> Option<u64> {
    let digits = text(field).trim_ascii();
    if digits.is_empty() {
        return Some(0);
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()
}
