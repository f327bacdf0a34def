//! How to find the next page of a listing; the loop over pages is the engine's.

mod link_header;
mod offset;
mod page_number;

pub use link_header::LinkHeader;
pub use offset::Offset;
pub use page_number::PageNumber;

use packhorse_core::{Cursor, HostError, HostErrorKind};

/// Head of an answer, as far as paging needs it, and how many records it brought.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Headers, with lower-case names.
    pub headers: Vec<(String, String)>,
    /// Number of records on this page.
    pub n_records: u64,
    /// Fields of the body that speak of pages, such as `nextPageStart`.
    pub fields: Vec<(String, String)>,
}

impl Answer {
    /// The header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Turns what a host says about the next page into a cursor.
///
/// Implementations are pure. They must return `None` on the last page, also
/// when that page is full, and must not guess: an answer that contradicts
/// itself is [`HostErrorKind::Protocol`], because a wrong guess ends a listing
/// early, and that looks like success.
pub trait NextPage {
    /// Reads the cursor out of the answer to the request that `at` asked for.
    ///
    /// # Errors
    ///
    /// [`HostErrorKind::Protocol`] when the answer contradicts itself.
    fn next(&self, at: Option<&Cursor>, answer: &Answer) -> Result<Option<Cursor>, HostError>;
}

fn contradiction(what: &'static str) -> HostError {
    HostError::new(HostErrorKind::Protocol, "read the next page's address").with("answer", what)
}

/// SECURITY: the same place again would never end.
fn onward(at: Option<&Cursor>, next: Cursor) -> Result<Option<Cursor>, HostError> {
    if at == Some(&next) {
        return Err(contradiction("the next page is this page"));
    }
    Ok(Some(next))
}
