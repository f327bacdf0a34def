//! What a destination declares about the size and shape of fields.

/// Limits of a destination; `None` where there is none.
///
/// Lengths are in Unicode scalar values unless the name says bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Titles of issues and change requests.
    pub title_chars: Option<usize>,
    /// Names of labels.
    pub label_name_chars: Option<usize>,
    /// Descriptions of labels.
    pub label_description_chars: Option<usize>,
    /// Whether a label's colour must be six hexadecimal digits.
    pub label_color_hex: bool,
    /// Descriptions of projects; control characters are folded to spaces where this is set.
    pub project_description_chars: Option<usize>,
    /// Bodies of issues, change requests, comments and reviews.
    pub body_bytes: Option<usize>,
    /// Names of topics.
    pub topic_chars: Option<usize>,
    /// Bytes of one push of Git's.
    pub push_bytes: Option<u64>,
    /// Bytes of one file in a repository.
    pub file_bytes: Option<u64>,
}
