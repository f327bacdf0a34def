//! Addresses of an API.

use packhorse_core::{HostError, HostErrorKind};
use url::Url;

/// The address of a path below another address; its parts are escaped here.
///
/// # Errors
///
/// When a part would lead elsewhere.
pub(crate) fn below(root: &Url, path: &[&str], query: &[(&str, &str)]) -> Result<Url, HostError> {
    let mut url = root.clone();
    let fail = || HostError::new(HostErrorKind::Rejected, "make an address of the API");
    // SECURITY: a part like `..` would be another object's address.
    if path.iter().any(|it| matches!(*it, "" | "." | "..")) {
        return Err(fail().with("path", path.join("/")));
    }
    url.path_segments_mut().map_err(|()| fail())?.pop_if_empty().extend(path);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_path_leads_elsewhere() {
        let root: Url = "https://h.example/api/".parse().unwrap();

        let url = below(&root, &["repos", "a/b", "ü"], &[("q", "x y")]).unwrap();
        assert_eq!(url.as_str(), "https://h.example/api/repos/a%2Fb/%C3%BC?q=x+y");
        for part in ["", ".", ".."] {
            assert!(below(&root, &["repos", part], &[]).is_err(), "{part}");
        }
    }
}
