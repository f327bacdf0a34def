//! A number for a whole lane that does not depend on its order.

use packhorse_core::Fingerprint;
use sha2::{Digest, Sha256};

/// The sum of the hashes of all rows: equal lanes have equal sums, and others do not but by a
/// chance of one in 2²⁵⁶.
///
/// It tells that nothing differs without a row being kept anywhere, which is how nearly every
/// lane turns out; which row it is that differs has to be looked for otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    n: u64,
    words: [u64; 4],
}

/// The sums of both sides of a lane.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) expected: Sum,
    pub(super) found: Sum,
}

impl Sums {
    /// Number of rows where nothing differs.
    pub(super) fn agreed(&self) -> Option<u64> {
        (self.expected == self.found).then_some(self.expected.n)
    }
}

impl Sum {
    /// Adds a row.
    pub(super) fn add(&mut self, id: &str, fingerprint: Fingerprint) {
        let mut hash = Sha256::new();
        hash.update(fingerprint.as_bytes());
        hash.update(id);
        let hash: [u8; 32] = hash.finalize().into();
        let mut carry = false;
        for (word, bytes) in self.words.iter_mut().zip(hash.as_chunks().0) {
            let (sum, over) = word.overflowing_add(u64::from_le_bytes(*bytes));
            let (sum, over_too) = sum.overflowing_add(u64::from(carry));
            (*word, carry) = (sum, over || over_too);
        }
        self.n += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rows: &[(&str, u8)]) -> Sum {
        let mut sum = Sum::default();
        rows.iter().for_each(|(id, n)| sum.add(id, Fingerprint::from_bytes([*n; 32])));
        sum
    }

    #[test]
    fn order_does_not_matter_and_everything_else_does() {
        let plain = sum(&[("a", 1), ("b", 2), ("c", 3)]);

        assert_eq!(sum(&[("c", 3), ("a", 1), ("b", 2)]), plain);
        assert_ne!(sum(&[("a", 2), ("b", 1), ("c", 3)]), plain);
        assert_ne!(sum(&[("a", 1), ("b", 2)]), plain);
        assert_ne!(sum(&[("a", 1), ("b", 2), ("c", 3), ("c", 3)]), plain);
        assert_eq!(plain.n, 3);
    }

    #[test]
    fn a_carry_goes_on_to_the_next_word() {
        let many: Vec<(String, u8)> = (0..100).map(|n| (n.to_string(), 0)).collect();
        let rows: Vec<(&str, u8)> = many.iter().map(|(id, n)| (id.as_str(), *n)).collect();
        let (first, second) = rows.split_at(37);

        let mut halves = sum(first);
        second.iter().for_each(|(id, n)| halves.add(id, Fingerprint::from_bytes([*n; 32])));
        let mut turned = rows.clone();
        turned.reverse();

        assert_eq!(halves, sum(&turned));
    }
}
