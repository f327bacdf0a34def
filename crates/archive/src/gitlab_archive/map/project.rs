//! The project, roles in it, snippets, boards, what builds said.

use super::{
    super::{people::People, wire},
    body, label, milestone_number, plain, text, time, told, visibility, visibility_level,
};
use packhorse_core::model::{
    Automation, Board, BoardColumn, CommitState, CommitStatus, Features, Grantee, Label, Member,
    MergeMethods, Organization, Place, Project, Role, Snippet, SnippetFile, State, StateValue,
    Subject,
};

/// Reads the project; its path and name stand elsewhere.
pub(in super::super) fn read(
    path: &str,
    origin: &wire::Origin,
    it: &wire::Project,
    features: Option<&wire::Feature>,
) -> Project {
    let is_on = |level: Option<u64>| level.map(|it| it > 0);
    let features = features.cloned().unwrap_or_default();
    let builds = is_on(features.builds_access_level);
    let last = path.rsplit('/').next().unwrap_or(path);
    Project {
        path: path.to_owned(),
        name: origin.name.clone().unwrap_or_else(|| last.to_owned()),
        default_branch: plain(origin.default_branch.clone()),
        description: plain(it.description.clone()),
        visibility: visibility(it.visibility_level),
        features: Features {
            issues: is_on(features.issues_access_level),
            wiki: is_on(features.wiki_access_level),
            downloads: is_on(features.releases_access_level),
            forking: is_on(features.forking_access_level),
            ..Features::default()
        },
        merge_methods: MergeMethods {
            merge_commit: it.merge_requests_ff_only_enabled.map(|it| !it),
            fast_forward: it.merge_requests_ff_only_enabled,
            delete_head: it.remove_source_branch_after_merge,
            ..MergeMethods::default()
        },
        automation: builds.map(|enabled| Automation { enabled, ..Automation::default() }),
        ..Project::default()
    }
}

/// Reads whether the project takes no more writes.
pub(in super::super) fn archived(it: &wire::Project) -> Option<State> {
    let state =
        State { subject: Subject::Project, value: StateValue::Archived, ..State::default() };
    (it.archived == Some(true)).then_some(state)
}

/// Writes the project.
pub(in super::super) fn write(it: &Project, is_archived: bool) -> wire::Project {
    let methods = &it.merge_methods;
    let fast_forward = methods.fast_forward.or(methods.merge_commit.map(|it| !it));
    wire::Project {
        description: it.description.clone(),
        visibility_level: Some(visibility_level(it.visibility)),
        archived: Some(is_archived),
        merge_requests_ff_only_enabled: fast_forward,
        remove_source_branch_after_merge: methods.delete_head,
        ..wire::Project::default()
    }
}

/// Writes what is switched on.
pub(in super::super) fn write_features(it: &Project) -> wire::Feature {
    // Source: GitLab, `app/models/project_feature.rb`: 0 is off, 20 for everybody who sees it.
    let level = |on: Option<bool>| on.map(|it| if it { 20 } else { 0 });
    wire::Feature {
        issues_access_level: level(it.features.issues),
        wiki_access_level: level(it.features.wiki),
        builds_access_level: level(it.automation.as_ref().map(|it| it.enabled)),
        forking_access_level: level(it.features.forking),
        releases_access_level: level(it.features.downloads),
        ..wire::Feature::default()
    }
}

/// Source: GitLab, "Members API", "Roles".
pub(in super::super) const fn role(level: u64) -> Role {
    match level {
        0..10 => Role::None,
        10..15 => Role::Guest,
        15..20 => Role::Planner,
        20..30 => Role::Read,
        30..40 => Role::Write,
        40..50 => Role::Maintain,
        50.. => Role::Owner,
    }
}

/// The same the other way; between two levels it is the lower one.
pub(in super::super) const fn level(role: Role) -> u64 {
    match role {
        Role::None | Role::Guest => 10,
        Role::Planner => 15,
        Role::Read | Role::Triage => 20,
        Role::Write => 30,
        Role::Maintain | Role::Admin => 40,
        Role::Owner => 50,
    }
}

/// Reads a role.
pub(in super::super) fn member(
    it: &wire::Member,
    place: &Place,
    people: &People,
) -> Option<(String, Member)> {
    let id = it.user_id.or_else(|| it.user.as_ref().and_then(|it| it.id));
    let member = Member {
        place: place.clone(),
        grantee: Grantee::User(people.identity(id)?),
        role: role(it.access_level?),
        pending: it.requested_at.is_some(),
        created_at: time(it.created_at.as_deref()),
        expires_at: time(it.expires_at.as_deref()),
    };
    Some((crate::key::member(&member), member))
}

/// What a member's row says of an account.
pub(in super::super) fn account(it: &wire::Member) -> Option<wire::Contribution> {
    let user = it.user.as_ref()?;
    Some(wire::Contribution {
        id: user.id.or(it.user_id),
        public_email: plain(user.public_email.clone()).or_else(|| plain(user.email.clone())),
        username: user.username.clone(),
        name: user.name.clone(),
    })
}

/// Writes a person's role in the project or in a group; teams have none here.
pub(in super::super) fn write_member(it: &Member, people: &mut People) -> Option<wire::Member> {
    let Grantee::User(who) = &it.grantee else { return None };
    // Source: GitLab, its test archives of groups; `app/models/member.rb`.
    let of = match &it.place {
        Place::Project => "Project",
        Place::Organization(_) => "Namespace",
        Place::ProjectAt(_) | Place::Team { .. } => return None,
    };
    let id = people.id(who);
    let at = told(it.created_at);
    Some(wire::Member {
        access_level: Some(level(it.role)),
        source_type: Some(of.to_owned()),
        user_id: Some(id),
        notification_level: Some(3),
        created_at: at.clone(),
        updated_at: at.clone(),
        requested_at: at.filter(|_| it.pending),
        expires_at: super::day(it.expires_at),
        user: Some(wire::MemberUser {
            id: Some(id),
            public_email: who.email.clone(),
            username: Some(who.login.clone()),
            ..wire::MemberUser::default()
        }),
        ..wire::Member::default()
    })
}

/// Settings of groups that are the same in the model.
const GROUP_SETTINGS: [&str; 4] = [
    "membership_lock",
    "share_with_group_lock",
    "lfs_enabled",
    "require_two_factor_authentication",
];

/// Reads a group.
pub(in super::super) fn organization(path: &str, it: &wire::Group) -> Organization {
    let values = [
        it.membership_lock,
        it.share_with_group_lock,
        it.lfs_enabled,
        it.require_two_factor_authentication,
    ];
    let settings = GROUP_SETTINGS.iter().zip(values);
    let settings = settings.filter_map(|(name, on)| Some(((*name).to_owned(), on?.into())));
    Organization {
        path: path.to_owned(),
        name: plain(it.name.clone()),
        description: plain(it.description.clone()),
        visibility: it.visibility_level.map(|it| visibility(Some(it))),
        settings: settings.collect(),
        created_at: time(it.created_at.as_deref()),
        ..Organization::default()
    }
}

/// Writes a group under an id, below another one.
pub(in super::super) fn write_group(
    it: &Organization,
    (id, above): (u64, Option<u64>),
) -> wire::Group {
    let own = it.path.rsplit('/').next().unwrap_or(&it.path);
    let is_on = |name: &str| it.settings.get(name).and_then(serde_json::Value::as_bool);
    let [membership_lock, share_with_group_lock, lfs_enabled, two_factor] =
        GROUP_SETTINGS.map(is_on);
    wire::Group {
        id: Some(id),
        name: Some(it.name.clone().unwrap_or_else(|| own.to_owned())),
        path: Some(own.to_owned()),
        parent_id: above,
        description: it.description.clone(),
        membership_lock,
        share_with_group_lock,
        // Who may see it is not told: nobody else.
        visibility_level: Some(visibility_level(it.visibility.unwrap_or_default())),
        lfs_enabled,
        require_two_factor_authentication: two_factor,
        created_at: None,
    }
}

/// Reads a snippet; what stands in its repository beside the first file is not in the row.
pub(in super::super) fn snippet(it: &wire::Snippet, people: &People) -> Option<(String, Snippet)> {
    let file = |content: &String| SnippetFile {
        path: plain(it.file_name.clone()).unwrap_or_else(|| "snippet".to_owned()),
        content: content.clone(),
    };
    let snippet = Snippet {
        title: it.title.clone().unwrap_or_default(),
        description: text(it.description.clone()),
        author: people.identity(it.author_id),
        visibility: visibility(it.visibility_level),
        files: it.content.as_ref().map(file).into_iter().collect(),
        created_at: time(it.created_at.as_deref()),
        updated_at: time(it.updated_at.as_deref()),
    };
    Some((it.id?.to_string(), snippet))
}

/// Writes a snippet with its first file.
pub(in super::super) fn write_snippet(
    number: u64,
    it: &Snippet,
    people: &mut People,
) -> wire::Snippet {
    let first = it.files.first();
    wire::Snippet {
        id: Some(number),
        title: Some(it.title.clone()),
        content: first.map(|it| it.content.clone()),
        author_id: people.id_of(it.author.as_ref()),
        created_at: told(it.created_at),
        updated_at: told(it.updated_at),
        file_name: first.map(|it| it.path.clone()),
        visibility_level: Some(visibility_level(it.visibility)),
        description: body(it.description.as_ref()),
        ..wire::Snippet::default()
    }
}

/// Reads a board.
pub(in super::super) fn board(mut it: wire::Board) -> Option<(String, Board)> {
    it.lists.0.sort_by_key(|it| it.position);
    let column = |it: wire::BoardList| {
        let name = it.label.and_then(label).map(|it| it.name);
        let milestone = it.milestone;
        let title = milestone.as_ref().and_then(|it| it.title.clone());
        BoardColumn {
            name: name.clone().or(title)?,
            label: name,
            milestone: milestone.as_ref().and_then(milestone_number),
            issues: Vec::new(),
        }
        .into()
    };
    let board = Board {
        name: it.name.unwrap_or_default(),
        milestone: it.milestone.as_ref().and_then(milestone_number),
        // Backlog and closed are no columns of anybody's.
        columns: it.lists.0.into_iter().filter_map(column).collect(),
        ..Board::default()
    };
    Some((board.name.clone(), board))
}

/// Writes a board; columns that show neither a label nor a milestone have no place.
pub(in super::super) fn write_board(
    it: &Board,
    known_label: &dyn Fn(&str) -> Option<wire::Label>,
    known_milestone: &dyn Fn(u64) -> Option<wire::Milestone>,
) -> wire::Board {
    let bare =
        |name: &str| super::write_label(&Label { name: name.to_owned(), ..Label::default() });
    let list = |it: &BoardColumn| {
        let label = it.label.as_deref().map(|name| known_label(name).unwrap_or_else(|| bare(name)));
        let milestone = it.milestone.and_then(known_milestone);
        let sort = if label.is_some() { "label" } else { "milestone" };
        let is_there = label.is_some() || milestone.is_some();
        let list = wire::BoardList {
            list_type: wire::Word::of(sort),
            label,
            milestone,
            ..wire::BoardList::default()
        };
        is_there.then_some(list)
    };
    let lists = it.columns.iter().filter_map(list).zip(0..);
    wire::Board {
        name: Some(it.name.clone()),
        hide_backlog_list: Some(false),
        hide_closed_list: Some(false),
        milestone: it.milestone.and_then(known_milestone),
        lists: lists.map(|(it, n)| wire::BoardList { position: Some(n), ..it }).collect(),
        ..wire::Board::default()
    }
}

/// Reads what a build said of a commit.
///
/// Source: GitLab, "Commits API", "Commit status".
pub(in super::super) fn status(
    it: &wire::Status,
    pipeline: &wire::Pipeline,
    people: &People,
) -> Option<(String, CommitStatus)> {
    let state = match it.status.as_deref()? {
        "success" => CommitState::Success,
        "failed" => CommitState::Failure,
        "canceled" | "canceling" => CommitState::Cancelled,
        "skipped" => CommitState::Skipped,
        "running" => CommitState::Running,
        _ => CommitState::Pending,
    };
    let status = CommitStatus {
        commit: plain(pipeline.sha.clone())?,
        context: it.name.clone().unwrap_or_default(),
        state,
        description: plain(it.description.clone()),
        target_url: plain(it.target_url.clone()),
        git_ref: plain(it.r#ref.clone()).or_else(|| plain(pipeline.r#ref.clone())),
        author: people.identity(it.user_id),
        created_at: time(it.created_at.as_deref()),
        updated_at: time(it.finished_at.as_deref()),
    };
    Some((it.id?.to_string(), status))
}
