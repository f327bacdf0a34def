//! Change requests, and the branches that they need.
//!
//! A request is between two branches that differ. One that is open is made between
//! its own branches where they are there. For all others, and for those that
//! came from a fork, branches `packhorse/NUMBER/head` and `packhorse/NUMBER/base`
//! are made at the commits; those of closed requests go again when all is done.
//! A merged request is merged into its `packhorse/…/base`, so that it is shown as
//! merged and no branch of the project moves.

use super::{
    Done,
    branch::{self, Branches, ours},
    is_refusal, words,
};
use crate::{bitbucket::text::sent, walk::Listing};
use async_trait::async_trait;
use packhorse_core::{
    HostError, HostErrorKind, Loss, Record, TargetId, mark,
    model::{Branch, ChangeRequest, ChangeRequestState, Grantee, Text},
};

/// A change request, as one of the APIs tells it.
pub(crate) trait Request: Send + Sync {
    fn told(&self) -> Told<'_>;
}

/// What an API tells of a change request.
pub(crate) struct Told<'a> {
    pub(crate) number: Option<u64>,
    pub(crate) title: Option<&'a str>,
    pub(crate) description: Option<&'a str>,
    /// The API's word for where it stands.
    pub(crate) state: Option<&'a str>,
    /// Branch that it would bring in.
    pub(crate) from: Option<&'a str>,
    /// Branch that it would change.
    pub(crate) to: Option<&'a str>,
}

/// A change request to be made.
pub(crate) struct Draft<'a> {
    pub(crate) request: &'a ChangeRequest,
    pub(crate) title: String,
    pub(crate) description: String,
    /// Branch that it would bring in.
    pub(crate) from: String,
    /// Branch that it would change.
    pub(crate) to: String,
    /// Names of those who are asked for a review.
    pub(crate) reviewers: Vec<&'a str>,
}

/// How an API takes the change requests of one repository.
#[async_trait]
pub(crate) trait Requests: Branches {
    type Request: Request;

    /// What listings call their first page.
    const FIRST: u64;
    /// How many pages of the newest ones are looked through.
    const PAGES: usize;

    /// What leads from the API's word for a state to a state: nothing, or an action; or why
    /// nothing does.
    fn way(now: &str, wanted: ChangeRequestState) -> Result<Option<&'static str>, &'static str>;

    /// Makes a request, and tells what of it the host left out without a word.
    async fn open(&self, draft: &Draft<'_>) -> Result<(Self::Request, Vec<Loss>), HostError>;

    async fn request(&self, number: &str) -> Result<Option<Self::Request>, HostError>;

    /// A page of all requests, the newest first.
    async fn newest(&self, page: u64) -> Result<Listing<Self::Request>, HostError>;

    /// Gives a request another title and description; it is then as the host tells it.
    async fn reword(
        &self,
        request: &mut Self::Request,
        title: &str,
        description: &str,
    ) -> Result<(), HostError>;

    /// Does something that [`Requests::way`] names.
    async fn act(&self, request: &Self::Request, action: &str) -> Result<(), HostError>;

    /// Names of the branches that open requests are between.
    async fn needed(&self) -> Result<Vec<String>, HostError>;
}

/// Why there are no two branches to make a request between.
enum Refused {
    Because(String),
    Failed(HostError),
}

impl From<HostError> for Refused {
    fn from(error: HostError) -> Self {
        Self::Failed(error)
    }
}

/// Title and text, as they are sent.
fn words_of(it: &ChangeRequest, losses: &mut Vec<Loss>) -> (String, String) {
    let title = it.title.trim();
    if title.is_empty() {
        losses.push(Loss::sink("title", "it had none, and here it must have one"));
    }
    let title = if title.is_empty() { "(no title)" } else { title };
    (title.to_owned(), sent(it.body.as_ref().map_or("", Text::as_str)))
}

fn reviewers<'a>(it: &'a ChangeRequest, losses: &mut Vec<Loss>) -> Vec<&'a str> {
    let mut list = Vec::new();
    for request in &it.review_requests {
        match &request.reviewer {
            Grantee::User(who) => list.push(who.login.as_str()),
            Grantee::Team { slug: name, .. } | Grantee::Group(name) => {
                let detail = format!("the group {name} cannot be asked for a review");
                losses.push(Loss::sink("review_requests", detail));
            }
        }
    }
    list
}

fn was(end: &str, branch: &Branch) -> Loss {
    Loss::sink(format!("{end}.name"), format!("was {}", branch.name))
}

fn merged_anew() -> Loss {
    let detail = "merging it here made a commit of its own, on no branch of the project";
    Loss::sink("merge_commit", detail)
}

/// What a request that is there lost when it was made. A run that died may not have noted it.
fn lost_before(told: &Told<'_>, it: &ChangeRequest) -> Vec<Loss> {
    let ends = [("head", &it.head, told.from), ("base", &it.base, told.to)];
    let is_other = |(_, was, is): &(_, &Branch, Option<&str>)| is.is_some_and(|is| is != was.name);
    let ends = ends.into_iter().filter(is_other).map(|(word, branch, _)| was(word, branch));
    let is_merged = it.state == ChangeRequestState::Merged && told.state == Some("MERGED");
    ends.chain(is_merged.then(merged_anew)).collect()
}

/// Makes a change request, or brings one that is there up to date.
pub(crate) async fn write<R: Requests>(
    requests: &R,
    record: &Record,
    it: &ChangeRequest,
    existing: Option<&TargetId>,
) -> Result<Done, HostError> {
    if let Some(target) = existing {
        return update(requests, it, target).await;
    }
    let mut losses = Vec::new();
    let (from, to) = match ends(requests, it, &mut losses).await {
        Ok(ends) => ends,
        Err(Refused::Because(why)) => return Ok(Done::dropped(&record.origin.id, why)),
        Err(Refused::Failed(error)) => return Err(error),
    };
    let (title, description) = words_of(it, &mut losses);
    let reviewers = reviewers(it, &mut losses);
    let draft = Draft { request: it, title, description, from, to, reviewers };
    match open(requests, draft, &mut losses).await {
        Ok((made, lost)) => {
            losses.extend(lost);
            losses.extend(settle(requests, &made, it.state).await?);
            let number = made.told().number.map(|it| it.to_string()).unwrap_or_default();
            Ok(Done::new(number, None).with(losses))
        }
        Err(error) if is_refusal(&error) => Ok(Done::dropped(&record.origin.id, words(&error))),
        Err(error) => Err(error),
    }
}

/// Makes a request, without what the host refuses of it.
async fn open<R: Requests>(
    requests: &R,
    mut draft: Draft<'_>,
    losses: &mut Vec<Loss>,
) -> Result<(R::Request, Vec<Loss>), HostError> {
    let mut made = requests.open(&draft).await;
    if let Err(error) = &made
        && is_refusal(error)
        && words(error).contains("eviewer")
    {
        losses.push(Loss::sink("review_requests", words(error)));
        draft.reviewers.clear();
        made = requests.open(&draft).await;
    }
    if made.as_ref().is_err_and(is_refusal)
        && let Some(base) = base_before(requests, draft.request).await?
    {
        // The base holds the head already: it is taken from before the merge.
        draft.to = ours(draft.request.number, "base");
        branch::put(requests, &draft.to, &base).await?;
        losses.push(was("base", &draft.request.base));
        made = requests.open(&draft).await;
    }
    made
}

/// The branches that a request is made between.
async fn ends<R: Requests>(
    requests: &R,
    it: &ChangeRequest,
    losses: &mut Vec<Loss>,
) -> Result<(String, String), Refused> {
    let is_own = it.head.project.is_none() || it.head.project == it.base.project;
    let may_stay = is_own && it.state == ChangeRequestState::Open;
    let from = end(requests, it.number, ("head", &it.head, may_stay), losses).await?;
    let may_stay = it.state != ChangeRequestState::Merged;
    let to = end(requests, it.number, ("base", &it.base, may_stay), losses).await?;
    Ok((from, to))
}

/// A branch, where it is there and may stay; otherwise one of ours at its commit.
async fn end<R: Requests>(
    requests: &R,
    number: u64,
    (word, at, may_stay): (&str, &Branch, bool),
    losses: &mut Vec<Loss>,
) -> Result<String, Refused> {
    if may_stay && branch::is_there(requests, &at.name).await? {
        return Ok(at.name.clone());
    }
    let Some(commit) = at.commit.as_deref().filter(|it| !it.is_empty()) else {
        return Err(Refused::Because(format!("the commit at its {word} is not known")));
    };
    let name = ours(number, word);
    match branch::put(requests, &name, commit).await {
        Err(error) if is_refusal(&error) => {
            let why = format!("its commit {commit} is not in the repository: {}", words(&error));
            return Err(Refused::Because(why));
        }
        other => other?,
    }
    losses.push(was(word, at));
    Ok(name)
}

/// The commit that a merged request was merged onto.
async fn base_before<R: Requests>(
    requests: &R,
    it: &ChangeRequest,
) -> Result<Option<String>, HostError> {
    match it.merge_commit.as_deref().filter(|it| !it.is_empty()) {
        Some(merge) => requests.first_parent(merge).await,
        None => Ok(None),
    }
}

/// Brings a request into the state that it had.
async fn settle<R: Requests>(
    requests: &R,
    made: &R::Request,
    state: ChangeRequestState,
) -> Result<Vec<Loss>, HostError> {
    let lost = |field, detail: String| Ok(vec![Loss::sink(field, detail)]);
    let action = match R::way(made.told().state.unwrap_or("OPEN"), state) {
        Ok(Some(action)) => action,
        Ok(None) => return Ok(Vec::new()),
        Err(why) => return lost("state", why.to_owned()),
    };
    match requests.act(made, action).await {
        Err(error) if is_refusal(&error) && action == "merge" => {
            let detail = format!("declined, for it could not be merged: {}", words(&error));
            requests.act(made, "decline").await?;
            lost("state", detail)
        }
        Err(error) if is_refusal(&error) => lost("state", words(&error)),
        Ok(()) if action == "merge" => Ok(vec![merged_anew()]),
        other => other.map(|()| Vec::new()),
    }
}

async fn update<R: Requests>(
    requests: &R,
    it: &ChangeRequest,
    target: &TargetId,
) -> Result<Done, HostError> {
    let found = requests.request(&target.0).await?;
    let mut found = found.ok_or_else(|| {
        HostError::new(HostErrorKind::NotFound, "change a change request").with("number", &target.0)
    })?;
    let mut losses = Vec::new();
    let (title, description) = words_of(it, &mut losses);
    let told = found.told();
    losses.extend(lost_before(&told, it));
    let is_same = told.title.unwrap_or_default() == title
        && told.description.unwrap_or_default() == description;
    if !is_same {
        match requests.reword(&mut found, &title, &description).await {
            Err(error) if is_refusal(&error) => {
                let detail = format!("it stays as it was: {}", words(&error));
                losses.push(Loss::sink("title", detail.clone()));
                losses.push(Loss::sink("body", detail));
            }
            other => other?,
        }
    }
    losses.extend(settle(requests, &found, it.state).await?);
    Ok(Done::new(&target.0, Some(target)).with(losses))
}

/// The number of the request that has the mark of a record.
pub(crate) async fn find<R: Requests>(
    requests: &R,
    record: &Record,
) -> Result<Option<String>, HostError> {
    let mark = sent(&mark::of(&record.origin));
    let mut next = Some(R::FIRST);
    // What was written last is among the newest.
    for _ in 0..R::PAGES {
        let Some(page) = next else { break };
        let listing = requests.newest(page).await?;
        let is_meant =
            |it: &&R::Request| it.told().description.is_some_and(|it| it.contains(&mark));
        if let Some(found) = listing.items.iter().find(is_meant) {
            return Ok(found.told().number.map(|it| it.to_string()));
        }
        next = listing.next;
    }
    Ok(None)
}

/// Removes branches of ours that no open request needs.
pub(crate) async fn tidy<R: Requests>(requests: &R) -> Result<(), HostError> {
    let held = branch::held(requests).await?;
    if held.is_empty() {
        return Ok(());
    }
    let needed = requests.needed().await?;
    for name in held.iter().filter(|it| !needed.contains(it)) {
        requests.remove_branch(name).await?;
    }
    Ok(())
}
