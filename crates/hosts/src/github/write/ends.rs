//! The two branches that GitHub makes a change request of.

use super::{GithubSink, Order, Told, branch};
use packhorse_core::{
    HostError,
    model::{Branch, ChangeRequest, ChangeRequestState},
};

/// Both ends of a change request, as branches that are here.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) base: String,
    pub(super) head: String,
}

impl GithubSink {
    /// The branches of a change request where they serve, else branches of ours.
    ///
    /// What was merged has nothing to bring in any more: both of its ends are
    /// where they were then, on branches of our own. `None` where its commits are not here.
    pub(super) async fn ends(
        &self,
        order: Order<'_>,
        request: &ChangeRequest,
    ) -> Result<Option<Ends>, HostError> {
        if request.state == ChangeRequestState::Merged {
            return self.own_ends(order, request).await;
        }
        let (head, base) = (&request.head, &request.base);
        let is_here = head.project.is_none() || head.project == base.project;
        let found = match is_here {
            true => self.sha(order.path, &head.name).await?,
            false => None,
        };
        let head = match found {
            Some(at) if head.commit.as_ref().is_none_or(|it| *it == at) => head.name.clone(),
            Some(_) | None => match self.own_end(order, head, "head").await? {
                Some(ours) => ours,
                None => return Ok(None),
            },
        };
        let base = match self.sha(order.path, &base.name).await? {
            Some(_) => base.name.clone(),
            None => match self.own_end(order, base, "base").await? {
                Some(ours) => ours,
                None => return Ok(None),
            },
        };
        Ok(Some(Ends { base, head }))
    }

    /// Both ends on branches of ours.
    pub(super) async fn own_ends(
        &self,
        order: Order<'_>,
        request: &ChangeRequest,
    ) -> Result<Option<Ends>, HostError> {
        let Some(head) = self.own_end(order, &request.head, "head").await? else {
            return Ok(None);
        };
        let base = match self.own_end(order, &request.base, "base").await? {
            Some(base) => base,
            // Where it was is not told: the branch as it is now may serve.
            None if self.sha(order.path, &request.base.name).await?.is_some() => {
                request.base.name.clone()
            }
            None => return Ok(None),
        };
        Ok(Some(Ends { base, head }))
    }

    /// A branch of ours at the commit of one end, if that is here.
    async fn own_end(
        &self,
        order: Order<'_>,
        end: &Branch,
        word: &str,
    ) -> Result<Option<String>, HostError> {
        let Some(commit) = end.commit.as_deref().filter(|it| branch::is_commit(it)) else {
            return Ok(None);
        };
        let ours = branch::name(&order.record.origin.id, word);
        let is_there = self.make_branch(order.path, &ours, commit).await?;
        Ok(is_there.then_some(ours))
    }
}

/// Says which end has become another branch.
pub(super) fn tell(ends: &Ends, request: &ChangeRequest, told: &mut Told) {
    let both = [
        (&ends.head, &request.head.name, "head.name"),
        (&ends.base, &request.base.name, "base.name"),
    ];
    for (name, wanted, field) in both {
        if name != wanted {
            told.lost(field, format!("became `{name}`: `{wanted}` is gone, or elsewhere by now"));
        }
    }
}
