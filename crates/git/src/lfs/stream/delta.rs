//! Differences between objects.

use super::{
    begin::{Begin, LENGTH},
    known::Place,
};

/// A difference, perhaps only its first bytes.
pub(super) struct Delta<'a> {
    /// Size of the base in bytes.
    base: u64,
    /// Size of what it makes, in bytes.
    pub(super) result: u64,
    orders: &'a [u8],
}

/// One order of a difference.
enum Order<'a> {
    Copy { from: usize, length: usize },
    Insert(&'a [u8]),
}

impl<'a> Delta<'a> {
    /// Reads the two sizes at its head.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (base, rest) = size(bytes)?;
        let (result, orders) = size(rest)?;
        Some(Self { base, result, orders })
    }

    /// Makes the object; `None` when the difference does not fit the base.
    ///
    /// What it makes is no larger than its head says, whatever its orders are.
    pub(super) fn apply(&self, base: &[u8]) -> Option<Vec<u8>> {
        if base.len() as u64 != self.base {
            return None;
        }
        let mut made = Vec::with_capacity(usize::try_from(self.result).ok()?);
        let mut rest = self.orders;
        while !rest.is_empty() {
            let order;
            (order, rest) = next(rest)?;
            made.extend_from_slice(match order {
                Order::Copy { from, length } => base.get(from..from.checked_add(length)?)?,
                Order::Insert(bytes) => bytes,
            });
            if made.len() as u64 > self.result {
                return None;
            }
        }
        (made.len() as u64 == self.result).then_some(made)
    }

    /// How what it makes begins, from what is known of the base.
    pub(super) fn begin(&self, base: Place) -> Begin {
        match next(self.orders) {
            Some((Order::Insert(bytes), _)) if bytes.len() >= LENGTH => Begin::of(bytes),
            Some((Order::Insert(bytes), _)) if Begin::of(bytes) == Begin::Plain => Begin::Plain,
            Some((Order::Copy { from: 0, length }, _)) if length >= LENGTH => match base {
                Place::Plain => Begin::Plain,
                Place::LikeAPointer => Begin::LikeAPointer,
                Place::Unknown | Place::NotABlob => Begin::Unknown,
            },
            Some((Order::Insert(_) | Order::Copy { .. }, _)) | None => Begin::Unknown,
        }
    }
}

fn size(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut size = 0;
    for (n, byte) in bytes.iter().enumerate().take(8) {
        size |= u64::from(byte & 0x7f) << (7 * n);
        if byte & 0x80 == 0 {
            return Some((size, &bytes[n + 1..]));
        }
    }
    None
}

fn next(orders: &[u8]) -> Option<(Order<'_>, &[u8])> {
    let (first, mut rest) = orders.split_first()?;
    if *first == 0 {
        return None;
    }
    if first & 0x80 == 0 {
        let (bytes, rest) = rest.split_at_checked(usize::from(*first))?;
        return Some((Order::Insert(bytes), rest));
    }
    let mut number = 0_u64;
    for bit in 0..7 {
        if first & 1 << bit != 0 {
            let byte;
            (byte, rest) = rest.split_first()?;
            number |= u64::from(*byte) << (8 * bit);
        }
    }
    let (from, length) = ((number & 0xffff_ffff) as usize, (number >> 32) as usize);
    // Source: gitformat-pack(5): "size zero is automatically converted to 0x10000".
    Some((Order::Copy { from, length: if length == 0 { 0x10000 } else { length } }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn copies_and_inserts_make_the_object() {
        // "abcdef" and "f": copy 2 from 1, insert "X", copy 1 from 5.
        let bytes = [6, 4, 0x91, 1, 2, 1, b'X', 0x91, 5, 1];

        let made = Delta::parse(&bytes).unwrap().apply(b"abcdef");

        assert_eq!(made.as_deref(), Some(b"bcXf".as_slice()));
    }

    #[test]
    fn what_does_not_fit_makes_nothing() {
        let cases: [&[u8]; 6] = [
            &[6, 4, 0x91, 5, 2, 2, b'X', b'Y'],
            &[6, 3, 0x91, 1, 4],
            &[6, 9, 0x91, 1, 4],
            &[5, 4, 0x91, 1, 4],
            &[6, 4, 0],
            &[6, 4, 4, b'a'],
        ];
        for bytes in cases {
            assert_eq!(Delta::parse(bytes).unwrap().apply(b"abcdef"), None, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_orders_make_it_panic_or_make_more_than_it_says(
            bytes in proptest::collection::vec(any::<u8>(), 0..64),
            base in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            if let Some(delta) = Delta::parse(&bytes).filter(|it| it.result < 1 << 20) {
                let made = delta.apply(&base);
                prop_assert!(made.is_none_or(|it| it.len() as u64 == delta.result));
            }
        }
    }
}
