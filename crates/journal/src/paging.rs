//! Where a page of rows begins.

/// How to ask for what comes after an id, or for all where there is none: the comparison, and with
/// what. One comparison for either would have each page read all rows before it.
pub(crate) fn beyond(after: Option<&str>) -> (&'static str, &str) {
    after.map_or((">=", ""), |it| (">", it))
}
