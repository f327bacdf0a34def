//! Places in listings, as the engine keeps them between pages.

use crate::cursor::At;
pub(super) use crate::cursor::{foreign, in_part, part};
use packhorse_core::{Cursor, HostError};

/// A place where pages have addresses, or GraphQL's cursors; none for the first.
pub(super) type Spot = At<Option<String>>;

impl Spot {
    /// Reads a cursor; the beginning where there is none.
    pub(super) fn of(at: Option<&str>) -> Result<Self, HostError> {
        let Some(text) = at.filter(|it| !it.is_empty()) else { return Ok(Self::default()) };
        let mut parts = text.splitn(3, '/');
        let mut number = || parts.next()?.parse().ok();
        let (Some(parent), Some(child)) = (number(), number()) else { return Err(foreign(text)) };
        let page = parts.next().ok_or_else(|| foreign(text))?;
        let page = (!page.is_empty()).then(|| page.to_owned());
        Ok(Self { page, parent, child })
    }

    /// The beginning of a page.
    pub(super) fn page(page: String) -> Self {
        Self { page: Some(page), ..Self::default() }
    }

    pub(super) fn text(&self) -> String {
        let page = self.page.as_deref().unwrap_or_default();
        format!("{}/{}/{page}", self.parent, self.child)
    }

    pub(super) fn cursor(&self) -> Cursor {
        Cursor(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cursor_that_is_not_ours_is_refused() {
        assert!(Spot::of(Some("x/1/")).is_err());
        assert!(Spot::of(Some("1")).is_err());
        assert!(part(Some(&Cursor("nowhere".into())), "first").is_err());
    }

    proptest! {
        #[test]
        fn a_spot_comes_back_from_its_cursor(
            page in proptest::option::of("[!-~]{1,60}"),
            parent in 0..10_000_usize,
            child in 0..10_000_usize,
        ) {
            let spot = Spot { page, parent, child };

            prop_assert_eq!(Spot::of(Some(&spot.text())).unwrap(), spot);
        }

        #[test]
        fn no_cursor_makes_the_reader_panic(text in "\\PC{0,60}") {
            drop(Spot::of(Some(&text)));
        }
    }
}
