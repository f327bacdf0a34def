//! Whether what was carried is there: the refs of both ends, read anew and compared.

use super::{
    source::Listed,
    survey::{Repository, Survey},
};
use futures::{StreamExt, stream};
use packhorse_git::{Git, RefPolicy, refs};
use std::collections::BTreeMap;

/// Compares the refs of projects at both ends; what is wrong, by path at the destination.
pub(super) async fn check(
    (origin, destination): (&Survey, &Survey),
    carried: &[(String, &Listed)],
    (git, policy): (&Git, &RefPolicy),
    at_once: usize,
) -> BTreeMap<String, String> {
    let checked = stream::iter(carried).map(|(path, listed)| async move {
        let at = |path: &str| Repository {
            path: path.to_owned(),
            description: None,
            default_branch: None,
        };
        let (from, to) = (at(&listed.origin), at(path));
        let found = futures::try_join!(
            origin.refs(&from, (git, policy)),
            destination.refs(&to, (git, policy))
        );
        let why = match found {
            Ok((expected, found)) => {
                let differ = refs::differences(&expected, &found);
                let first = differ.first()?;
                format!(
                    "{} refs differ, such as {}: somebody moved them meanwhile, or the destination \
                     refused them; run again",
                    differ.len(),
                    first.name
                )
            }
            Err(error) => format!(
                "it could not be read back: {}; run again",
                packhorse_core::error::chain(&error)
            ),
        };
        Some((path.clone(), why))
    });
    checked.buffer_unordered(at_once).filter_map(std::future::ready).collect().await
}
