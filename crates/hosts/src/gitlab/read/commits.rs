//! What is said about commits. The server lists it for one commit at a time.

use super::{GitlabSource, below};
use crate::{
    cursor::{in_part, page, part},
    gitlab::{
        api::Listing,
        map::{note, settings},
        wire,
    },
    walk::AT_ONCE,
};
use futures::{StreamExt, TryStreamExt, stream};
use packhorse_core::{Cursor, HostError, Object, Record, port::Page};

impl GitlabSource {
    /// Comments, commit by commit through the whole history of all branches.
    pub(super) async fn commit_comments(
        &self,
        path: &str,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let operation = "read comments on commits";
        let below_project = below(path, &["repository", "commits"]);
        let listing: Listing<wire::Commit> =
            self.api.list(&below_project, &[("all", "true")], page(at)?, operation).await?;
        let asked = listing.items.into_iter().filter_map(|it| it.id).map(async |commit| {
            let rest = ["repository", "commits", commit.as_str(), "discussions"];
            let found: Option<Vec<wire::Discussion>> =
                self.api.find(&below(path, &rest), &[("per_page", "100")], operation).await?;
            let mut records = Vec::new();
            for it in found.into_iter().flatten() {
                let discussion = it.id.clone().unwrap_or_default();
                for (id, comment) in note::commit_comments(it, &commit, self.host()) {
                    let id = format!("{commit}/{discussion}/{id}");
                    records.push(Record::new(id, Object::from(comment)));
                }
            }
            Ok::<_, HostError>(records)
        });
        let found: Vec<Vec<Record>> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
        // The server does not say how many commits there are: an empty page is the end.
        let next = listing.next.map(|it| Cursor(it.to_string()));
        Ok(Page { records: found.concat(), next })
    }

    /// What builds said of the commits that branches and tags end in.
    pub(super) async fn commit_statuses(
        &self,
        path: &str,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let operation = "read what builds said";
        let (name, place) = part(at, "branches")?;
        let number = place.map(|it| Cursor(it.to_owned()));
        let listing: Listing<wire::Branch> =
            self.page((path, &["repository", name]), &[], number.as_ref(), operation).await?;
        let mut commits: Vec<String> =
            listing.items.into_iter().filter_map(|it| it.commit?.id).collect();
        commits.sort();
        commits.dedup();
        // What several branches and tags lead to is told once.
        let here = (name, place.map(str::to_owned));
        commits.retain(|it| self.named.is_first((path, it), &here));
        let asked = commits.into_iter().map(async |commit| {
            let rest = ["repository", "commits", commit.as_str(), "statuses"];
            let query = [("all", "true")];
            let found: Vec<wire::Status> =
                self.api.children(&below(path, &rest), &query, operation).await?;
            let status = |it| settings::status(it, self.host());
            let record = |(id, it)| Record::new(id, Object::from(it));
            Ok::<_, HostError>(found.into_iter().filter_map(status).map(record).collect::<Vec<_>>())
        });
        let found: Vec<Vec<Record>> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
        let next = match (listing.next, name) {
            (Some(number), _) => Some(in_part(name, &number.to_string())),
            (None, "branches") => Some(in_part("tags", "")),
            (None, _) => None,
        };
        Ok(Page { records: found.concat(), next })
    }
}
