//! Places in listings, as the engine keeps them between pages; for every host that is asked over HTTP.

use packhorse_core::{Cursor, HostError, HostErrorKind};

/// What an issue listing has brought, and how much there was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) read: u64,
    pub(crate) total: u64,
}

impl Progress {
    pub(crate) fn of(at: &Cursor) -> Result<Self, HostError> {
        let [read, total] = numbers(&at.0)?;
        Ok(Self { read, total })
    }

    pub(crate) fn cursor(self) -> Cursor {
        Cursor(format!("{}/{}", self.read, self.total))
    }
}

/// A page of parents, one of them, and one of its children.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct At<P> {
    /// Page of parents, as the host calls it.
    pub(crate) page: P,
    /// Parent on the page, from 0.
    pub(crate) parent: usize,
    /// Child of the parent, from 0.
    pub(crate) child: usize,
}

/// A place where pages have numbers; most hosts count from 1.
pub(crate) type Spot = At<u64>;

impl Spot {
    /// Where a listing begins.
    pub(crate) const START: Self = Self { page: 1, parent: 0, child: 0 };

    /// Reads a cursor; the beginning where there is none.
    pub(crate) fn of(at: Option<&str>) -> Result<Self, HostError> {
        Self::from(at, 1)
    }

    /// The same where the host calls its first page otherwise, such as 0.
    pub(crate) fn from(at: Option<&str>, first: u64) -> Result<Self, HostError> {
        let Some(text) = at else { return Ok(Self { page: first, ..Self::START }) };
        let [page, parent, child] = numbers(text)?;
        let place = |it: u64| usize::try_from(it).map_err(|_| foreign(text));
        Ok(Self { page, parent: place(parent)?, child: place(child)? })
    }

    pub(crate) fn text(self) -> String {
        format!("{}/{}/{}", self.page, self.parent, self.child)
    }
}

/// The numbers of a cursor.
fn numbers<const N: usize>(text: &str) -> Result<[u64; N], HostError> {
    let parsed: Result<Vec<u64>, _> = text.split('/').map(str::parse).collect();
    parsed.ok().and_then(|it| it.try_into().ok()).ok_or_else(|| foreign(text))
}

/// The page that a cursor stands for, from 1.
pub(crate) fn page(at: Option<&Cursor>) -> Result<u64, HostError> {
    at.map_or(Ok(1), |it| it.0.parse().map_err(|_| foreign(&it.0)))
}

/// The listing that a cursor of several listings is in, and its place there.
pub(crate) fn part<'a>(
    at: Option<&'a Cursor>,
    first: &'a str,
) -> Result<(&'a str, Option<&'a str>), HostError> {
    let Some(cursor) = at else { return Ok((first, None)) };
    let (name, place) = cursor.0.split_once(':').ok_or_else(|| foreign(&cursor.0))?;
    Ok((name, Some(place).filter(|it| !it.is_empty())))
}

/// A cursor into one of several listings.
pub(crate) fn in_part(name: &str, place: &str) -> Cursor {
    Cursor(format!("{name}:{place}"))
}

/// Where to go on in one of several listings: within it, or else in the one that follows it.
pub(crate) fn go_on(name: &str, next: Option<Spot>, following: Option<&str>) -> Option<Cursor> {
    match next {
        Some(spot) => Some(in_part(name, &spot.text())),
        None => following.map(|it| in_part(it, "")),
    }
}

pub(crate) fn foreign(text: &str) -> HostError {
    HostError::new(HostErrorKind::Rejected, "go on with a listing").with("cursor", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_as_they_are_written() {
        let spot = Spot { page: 3, parent: 7, child: 1_000 };
        assert_eq!(Spot::of(Some(&spot.text())).unwrap(), spot);
        assert_eq!(Spot::of(None).unwrap(), Spot::START);
        let progress = Progress { read: 50, total: 123 };
        assert_eq!(Progress::of(&progress.cursor()).unwrap(), progress);

        let cursor = in_part("comments", "3/7/0");
        assert_eq!(part(Some(&cursor), "issues").unwrap(), ("comments", Some("3/7/0")));
        assert_eq!(part(None, "issues").unwrap(), ("issues", None));
        assert_eq!(part(Some(&in_part("owner", "")), "own").unwrap(), ("owner", None));
        assert_eq!(go_on("a", Some(spot), Some("b")), Some(Cursor("a:3/7/1000".into())));
        assert_eq!(go_on("a", None, Some("b")), Some(Cursor("b:".into())));
        assert_eq!(go_on("b", None, None), None);
    }

    #[test]
    fn a_foreign_cursor_is_refused() {
        assert!(page(Some(&Cursor("x".into()))).is_err());
        assert!(Spot::of(Some("3/7")).is_err());
        assert!(Progress::of(&Cursor("-1/7".into())).is_err());
        assert!(part(Some(&Cursor("3".into())), "issues").is_err());
    }
}
