//! Change requests.

use super::{NO_COMMIT, commit, millis, plain, text, time};
use crate::{
    bitbucket_archive::{who, wire},
    wire::List,
};
use packhorse_core::model::{
    Branch, ChangeRequest, ChangeRequestState, Grantee, Identity, ReviewRequest, Time,
};

/// What ended a change request, by its activities.
#[derive(Clone, Debug, Default)]
pub(in crate::bitbucket_archive) struct Ending {
    /// Who.
    pub(in crate::bitbucket_archive) who: Option<Identity>,
    /// The commit that merging made.
    pub(in crate::bitbucket_archive) commit: Option<String>,
}

fn end(it: &wire::End, project: &str) -> Branch {
    let name = it.id.as_deref().map(|it| it.strip_prefix("refs/heads/").unwrap_or(it));
    Branch {
        name: name.or(it.displayId.as_deref()).unwrap_or_default().to_owned(),
        commit: commit(it.latestCommit.clone()),
        project: Some(project.to_owned()),
        owner: None,
    }
}

fn write_end(it: &Branch) -> wire::End {
    let commit = it.commit.as_deref().filter(|it| !it.is_empty());
    wire::End {
        displayId: Some(it.name.clone()),
        id: Some(format!("refs/heads/{}", it.name)),
        latestCommit: Some(commit.unwrap_or(NO_COMMIT).to_owned()),
    }
}

/// A change request; its activities tell what ended it.
pub(in crate::bitbucket_archive) fn read(
    it: &wire::Request,
    project: &str,
    ending: &Ending,
) -> Option<ChangeRequest> {
    let state = match it.state.as_deref() {
        Some("MERGED") => ChangeRequestState::Merged,
        Some("DECLINED") => ChangeRequestState::Closed,
        Some(_) | None => ChangeRequestState::Open,
    };
    let (is_merged, is_closed) =
        (state == ChangeRequestState::Merged, state != ChangeRequestState::Open);
    let people = |role: &'static str| {
        let of_role =
            it.allParticipants.0.iter().filter(move |it| it.role.as_deref() == Some(role));
        of_role.filter_map(|it| who::read(it.userId.as_deref()?))
    };
    let asked = people("REVIEWER")
        .map(|who| ReviewRequest { reviewer: Grantee::User(who), ..ReviewRequest::default() });
    let closed_at = time(it.closedTimestamp);
    Some(ChangeRequest {
        number: it.id?,
        title: it.title.clone().unwrap_or_default(),
        body: text(it.description.clone()),
        author: people("AUTHOR").next(),
        state,
        draft: it.draft.unwrap_or_default(),
        base: end(&it.toRef, project),
        head: end(&it.fromRef, project),
        review_requests: asked.collect(),
        merge_commit: ending.commit.clone().filter(|_| is_merged),
        merged_by: ending.who.clone().filter(|_| is_merged),
        closed_by: ending.who.clone().filter(|_| is_closed && !is_merged),
        created_at: time(it.createdTimestamp),
        updated_at: time(it.updatedTimestamp),
        merged_at: closed_at.filter(|_| is_merged),
        closed_at: closed_at.filter(|_| is_closed),
        ..ChangeRequest::default()
    })
}

/// Somebody who has to do with a change request, and has said nothing of it.
pub(in crate::bitbucket_archive) fn participant(role: &str, user: String) -> wire::Participant {
    wire::Participant {
        lastReviewedCommit: None,
        role: Some(role.to_owned()),
        status: Some("UNAPPROVED".to_owned()),
        userId: Some(user),
    }
}

/// When it ended, as far as that is known.
pub(in crate::bitbucket_archive) fn ended_at(it: &ChangeRequest) -> Option<Time> {
    let told = if it.state == ChangeRequestState::Merged { it.merged_at } else { it.closed_at };
    told.or(it.closed_at).or(it.updated_at).or(it.created_at)
}

/// A change request, with its author and those who were asked.
pub(in crate::bitbucket_archive) fn write(it: &ChangeRequest) -> wire::Request {
    let state = match it.state {
        ChangeRequestState::Open => "OPEN",
        ChangeRequestState::Closed => "DECLINED",
        ChangeRequestState::Merged => "MERGED",
    };
    let is_open = it.state == ChangeRequestState::Open;
    let author = who::write(it.author.as_ref());
    let mut people = vec![participant("AUTHOR", author.clone())];
    for asked in &it.review_requests {
        let Grantee::User(who) = &asked.reviewer else { continue };
        let user = who::write(Some(who));
        // Whoever has opened one cannot be asked.
        if people.iter().all(|it| it.userId.as_ref() != Some(&user)) {
            people.push(participant("REVIEWER", user));
        }
    }
    let created = millis(it.created_at);
    wire::Request {
        allParticipants: List(people),
        closedTimestamp: (!is_open).then(|| millis(ended_at(it))),
        createdTimestamp: Some(created),
        description: it.body.as_ref().map(|it| plain(Some(it))),
        draft: Some(it.draft),
        fromRef: write_end(&it.head),
        id: Some(it.number),
        rescopedTimestamp: Some(created),
        state: Some(state.to_owned()),
        title: Some(it.title.replace('\0', "\u{fffd}")),
        toRef: write_end(&it.base),
        updatedTimestamp: Some(millis(it.updated_at.or(it.created_at))),
        version: Some(u64::from(!is_open)),
    }
}

/// What ended a change request, as its own fields tell.
pub(in crate::bitbucket_archive) fn ending(it: &ChangeRequest) -> Option<wire::Activity> {
    let (kind, action, who) = match it.state {
        ChangeRequestState::Open => return None,
        ChangeRequestState::Merged => ("MERGED", None, &it.merged_by),
        ChangeRequestState::Closed => ("ACTIVITY", Some("DECLINED".to_owned()), &it.closed_by),
    };
    Some(wire::Activity {
        kind: Some(kind.to_owned()),
        createdTimestamp: Some(millis(ended_at(it))),
        userId: Some(who::write(who.as_ref())),
        autoMerge: (kind == "MERGED").then_some(false),
        hash: it.merge_commit.clone().filter(|_| kind == "MERGED"),
        action,
        ..wire::Activity::default()
    })
}

/// A change request as the archive gives it back.
pub(in crate::bitbucket_archive) fn back(
    it: &ChangeRequest,
    project: &str,
) -> Option<ChangeRequest> {
    let ended = ending(it).map(|it| Ending {
        who: it.userId.as_deref().and_then(who::read),
        commit: commit(it.hash),
    });
    read(&write(it), project, &ended.unwrap_or_default())
}
