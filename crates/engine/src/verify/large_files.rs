//! Large files at the server beside the destination's repository.

use super::{Finding, Inspection, Tallied, Verification, VerifyError, What};
use crate::carry::at_server;
use futures::stream;
use packhorse_core::{
    HostError, Lane, ObjectKind, RepoKind, Scope,
    port::{Item, ItemQuery},
};
use packhorse_git::{
    Git,
    lfs::{Depth, LfsRoute, LostFile, Pointer},
};
use std::sync::{Arc, Mutex, PoisonError};

/// Files that are asked about at a time.
const AT_ONCE: usize = 1_000;

const KIND: ObjectKind = ObjectKind::LfsObject;

impl Inspection<'_> {
    /// Asks the destination for every large file that the journal says is there.
    ///
    /// A server is asked by size and hash, which it checked when it took them; a directory is
    /// read. Bytes behind a server would all have to travel again.
    pub(super) async fn large_files(
        &self,
        git: &Git,
        (source, target): (&str, &str),
        verification: &mut Verification,
    ) -> Result<(), VerifyError> {
        let scope = Scope::Project(source.to_owned());
        let lane = Lane::new(scope.clone(), KIND);
        let mut tally = Tallied::default();
        let mut after = None;
        let mut route = None;
        loop {
            let query = ItemQuery::After(after, AT_ONCE);
            let items = self.journal.items(self.route, &lane, &query).await?;
            let Some(last) = items.last() else { break };
            after = Some(last.origin.id.clone());
            let files: Vec<Pointer> = items.iter().filter_map(pointer).collect();
            if route.is_none() {
                route = self.route_to(git, target).await?;
            }
            let n_files = files.len() as u64;
            let wrong = match &route {
                Some((route, depth)) => missing(route, files, *depth).await?,
                None => files.into_iter().map(|it| (it.sha256, NOWHERE.to_owned())).collect(),
            };
            tally.compared += n_files;
            tally.missing += wrong.len() as u64;
            tally.equal += n_files - wrong.len() as u64;
            for (id, detail) in wrong {
                let (scope, what) = (scope.clone(), What::Corrupt { detail });
                verification.find(Finding { scope, kind: KIND, id, what });
            }
        }
        if tally.compared > 0 {
            verification.close_lane(&scope, KIND, tally);
        }
        Ok(())
    }

    /// The way to the destination's files, and how deep to look there.
    async fn route_to(
        &self,
        git: &Git,
        target: &str,
    ) -> Result<Option<(LfsRoute, Depth)>, VerifyError> {
        let Some(to) = self.reader.remote(target, RepoKind::Code).await? else { return Ok(None) };
        let is_here = to.url.as_path().is_some();
        let depth = if is_here { Depth::Content } else { Depth::Presence };
        Ok(Some((LfsRoute::live(git, to.clone(), to, Arc::new(|_| ()))?, depth)))
    }
}

const NOWHERE: &str = "the destination has no repository";

fn pointer(item: &Item) -> Option<Pointer> {
    at_server(&item.target)
}

/// The files that are not there as they should be, with what is wrong with each.
async fn missing(
    route: &LfsRoute,
    files: Vec<Pointer>,
    depth: Depth,
) -> Result<Vec<(String, String)>, VerifyError> {
    let wrong = Mutex::new(Vec::new());
    let found = |file: LostFile| {
        let mut wrong = wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.push((file.pointer.sha256, format!("the large file is wrong: {}", file.reason)));
    };
    let asked = Box::pin(route.missing(stream::iter(files), depth, &found));
    asked.await.map_err(HostError::from)?;
    Ok(wrong.into_inner().unwrap_or_else(PoisonError::into_inner))
}
