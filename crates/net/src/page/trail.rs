//! Notices when a listing goes in circles.

use super::contradiction;
use packhorse_core::{Cursor, HostError};

/// Notices when a listing goes in circles, in constant memory.
///
/// A pure strategy sees only whether the next page is this one. A trail is
/// shown every cursor of one listing in turn, and finds circles of any length.
///
/// Source: R. P. Brent, "An improved Monte Carlo factorization algorithm", 1980.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    kept: Option<Cursor>,
    steps: u64,
    stretch: u64,
}

impl Trail {
    /// Takes the next cursor of the listing.
    ///
    /// # Errors
    ///
    /// [`packhorse_core::HostErrorKind::Protocol`] when the listing goes in a circle; at the
    /// latest when it was gone through about three times.
    pub fn pass(&mut self, cursor: &Cursor) -> Result<(), HostError> {
        if self.kept.as_ref() == Some(cursor) {
            return Err(contradiction("the pages go in a circle"));
        }
        if self.steps >= self.stretch {
            self.stretch = (self.stretch * 2).max(1);
            self.steps = 0;
            self.kept = Some(cursor.clone());
        }
        self.steps += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pass(trail: &mut Trail, number: u64) -> bool {
        trail.pass(&Cursor(number.to_string())).is_ok()
    }

    proptest! {
        #[test]
        fn every_circle_is_found(lead in 0u64..50, circle in 1u64..50) {
            let mut trail = Trail::default();
            let at = |step: u64| if step < lead { step } else { lead + (step - lead) % circle };

            let found = (0..).find(|step| !pass(&mut trail, at(*step))).unwrap();

            prop_assert!(found >= circle && found <= 3 * (lead + circle) + 3, "{}", found);
        }

        #[test]
        fn a_straight_listing_is_none(length in 0u64..5_000) {
            let mut trail = Trail::default();

            prop_assert!((0..length).all(|step| pass(&mut trail, step)));
        }
    }
}
