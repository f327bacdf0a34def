//! Archives of groups: as GitLab lays them out, as its importer wants them, there and back.

use super::build::{app, archive, records, sink, source};
use flate2::read::MultiGzDecoder;
use packhorse_archive::{gitlab_archive::SPEC, group_trees};
use packhorse_core::{
    Object, ObjectKind, Record, Scope,
    model::{
        Grantee, Identity, Issue, Label, Member, Milestone, OpenState, Organization, Place, Role,
        Visibility,
    },
    port::Outcome,
};
use packhorse_testkit::samples;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read,
    path::Path,
};

/// Numbers of milestones of groups begin here.
const OF_GROUPS: u64 = 1_000_000_000_000;

fn group(path: &str, visibility: Visibility) -> Record {
    let group = Organization {
        path: path.to_owned(),
        name: Some(path.to_uppercase()),
        description: Some(format!("about {path}")),
        visibility: Some(visibility),
        settings: BTreeMap::from([("membership_lock".to_owned(), true.into())]),
        ..Organization::default()
    };
    Record::new(path, Object::from(group))
}

fn role(group: &str, login: &str, role: Role) -> Record {
    let member = Member {
        place: Place::Organization(group.to_owned()),
        grantee: Grantee::User(Identity::login(login, None)),
        role,
        ..Member::default()
    };
    Record::new(format!("organization:{group}/{login}"), Object::from(member))
}

fn label(name: &str, inherited: bool) -> Record {
    let color = Some("00ff00".to_owned());
    let label = Label { name: name.to_owned(), color, inherited, ..Label::default() };
    Record::new(name, Object::from(label))
}

fn milestone(number: u64, title: &str) -> Record {
    let milestone = Milestone {
        number,
        title: title.to_owned(),
        state: OpenState::Closed,
        inherited: number > OF_GROUPS,
        ..Milestone::default()
    };
    Record::new(number.to_string(), Object::from(milestone))
}

/// Two groups, one below the other, with a project each, in a directory of archives.
async fn made(path: &Path) -> Vec<(Scope, Record)> {
    let below = Scope::Project("acme/parts/bolt".to_owned());
    let issue = Issue { number: 1, milestone: Some(OF_GROUPS + 70), ..Issue::default() };
    let all = vec![
        (Scope::Shared, group("acme", Visibility::Internal)),
        (Scope::Shared, group("acme/parts", Visibility::Private)),
        (Scope::Shared, role("acme", "alice", Role::Owner)),
        (Scope::Shared, role("acme/parts", "bob", Role::Write)),
        (app(), samples::project_at("acme/app")),
        (app(), label("ours", true)),
        (app(), label("own", false)),
        (app(), milestone(OF_GROUPS + 70, "all")),
        (app(), milestone(3, "own")),
        (app(), Record::new("1", Object::from(issue))),
        (below.clone(), samples::project_at("acme/parts/bolt")),
        (below.clone(), label("ours", true)),
        (below.clone(), label("parts", true)),
        (below.clone(), milestone(OF_GROUPS + 70, "all")),
        (below, milestone(OF_GROUPS + 71, "parts")),
    ];
    let sink = sink(path, false);
    for (scope, record) in &all {
        let written = sink.write(scope, record, None).await.unwrap();
        assert_eq!(written.outcome, Outcome::Created, "{record:?}");
        let lost: BTreeSet<_> = written.losses.iter().map(|it| it.field.as_ref()).collect();
        // It is a label of the project too.
        let is_inherited = matches!(&record.object, Object::Label(it) if it.inherited);
        let told = if is_inherited { BTreeSet::from(["inherited"]) } else { BTreeSet::new() };
        if matches!(&record.object, Object::Project(_) | Object::Issue(_)) {
            continue;
        }
        assert_eq!(lost, told, "{record:?}");
    }
    sink.finish(&Scope::Shared).await.unwrap();
    all
}

/// The members of an archive, read with nothing of ours.
fn members(file: &Path) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(MultiGzDecoder::new(File::open(file).unwrap()));
    let mut members = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        members.insert(name, text);
    }
    members
}

fn rows(members: &BTreeMap<String, String>, name: &str) -> Vec<Value> {
    members[name].lines().map(|it| serde_json::from_str(it).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_groups_archive_is_laid_out_as_the_importer_wants_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made");
    made(&path).await;

    let members = members(&path.join("acme_export.tar.gz"));

    assert_eq!(members["VERSION"], "0.2.4");
    // Numbers, the group that is exported first, and those above before those below.
    assert_eq!(rows(&members, "tree/groups/_all.ndjson"), [Value::from(1), Value::from(2)]);
    let (root, below) =
        (&rows(&members, "tree/groups/1.json")[0], &rows(&members, "tree/groups/2.json")[0]);
    assert_eq!((&root["id"], &root["parent_id"]), (&Value::from(1), &Value::Null));
    assert_eq!((&below["id"], &below["parent_id"]), (&Value::from(2), &Value::from(1)));
    assert_eq!((&below["path"], &below["name"]), (&"parts".into(), &"ACME/PARTS".into()));
    assert_eq!((&root["visibility_level"], &below["visibility_level"]), (&10.into(), &0.into()));
    let titles = |name: &str| -> Vec<String> {
        let title = |it: &Value| it["title"].as_str().unwrap().to_owned();
        rows(&members, name).iter().map(title).collect()
    };
    assert_eq!(titles("tree/groups/1/labels.ndjson"), ["ours"]);
    // What is above is not there once more.
    assert_eq!(titles("tree/groups/2/labels.ndjson"), ["parts"]);
    assert_eq!(titles("tree/groups/2/milestones.ndjson"), ["parts"]);
    let label = &rows(&members, "tree/groups/2/labels.ndjson")[0];
    assert_eq!((&label["type"], &label["group_id"]), (&"GroupLabel".into(), &2.into()));
    let milestone = &rows(&members, "tree/groups/1/milestones.ndjson")[0];
    assert_eq!((&milestone["iid"], &milestone["group_id"]), (&1.into(), &1.into()));
    let member = &rows(&members, "tree/groups/2/members.ndjson")[0];
    assert_eq!(
        (&member["access_level"], &member["source_type"]),
        (&30.into(), &"Namespace".into())
    );
    assert_eq!(member["user"]["username"], "bob");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_milestone_of_a_group_is_one_in_the_archive_of_a_project() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made");
    made(&path).await;

    let members = members(&path.join("acme_app_export.tar.gz"));

    // The importer's column of numbers is smaller than ours, and is not used where there is a group.
    let issue = &rows(&members, "tree/project/issues.ndjson")[0];
    assert_eq!(
        (&issue["milestone"]["title"], &issue["milestone"]["iid"]),
        (&"all".into(), &70.into())
    );
    assert!(issue["milestone"]["group_id"].is_u64());
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_come_back_with_what_their_projects_inherit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made");
    let all = made(&path).await;

    let source = source(&path);

    for (kind, scope) in [
        (ObjectKind::Organization, Scope::Shared),
        (ObjectKind::Member, Scope::Shared),
        (ObjectKind::Label, app()),
        (ObjectKind::Milestone, app()),
        (ObjectKind::Label, Scope::Project("acme/parts/bolt".to_owned())),
        (ObjectKind::Milestone, Scope::Project("acme/parts/bolt".to_owned())),
    ] {
        let mut found = records(&*source, &scope, kind).await.unwrap();
        let sent = all.iter().filter(|(of, it)| *of == scope && it.object.kind() == kind);
        let mut sent: Vec<_> = sent.map(|(_, it)| it.clone()).collect();
        found.sort_by(|one, other| one.origin.id.cmp(&other.origin.id));
        sent.sort_by(|one, other| one.origin.id.cmp(&other.origin.id));
        assert_eq!(found, sent, "{kind} of {scope}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_only_a_role_names_is_not_lost() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made");
    let sink = sink(&path, false);
    for record in [group("acme", Visibility::Public), role("acme/a/b", "carol", Role::Read)] {
        sink.write(&Scope::Shared, &record, None).await.unwrap();
    }
    sink.finish(&Scope::Shared).await.unwrap();

    let trees = group_trees(&SPEC, &path).unwrap();

    let levels: Vec<_> = trees[0].levels.iter().map(|it| &*it.organization.path).collect();
    assert_eq!((trees.len(), levels), (1, vec!["acme", "acme/a", "acme/a/b"]));
    // Nobody has said who may see it.
    assert_eq!(trees[0].levels[2].organization.visibility, Some(Visibility::Private));
    assert_eq!(trees[0].levels[2].members.len(), 1);
}

#[tokio::test]
async fn the_file_of_a_project_has_no_groups_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let sink = sink(&directory.path().join("made.tar.gz"), false);

    let support = sink.probe().await.unwrap();
    let dropped =
        sink.write(&Scope::Shared, &group("acme", Visibility::Public), None).await.unwrap();
    let role = sink.write(&Scope::Shared, &role("acme", "alice", Role::Read), None).await.unwrap();

    assert!(!support.of(ObjectKind::Organization).is_some());
    assert_eq!((dropped.outcome, role.outcome), (Outcome::Dropped, Outcome::Dropped));
    assert_eq!(&*role.losses[0].field, "place");
}

/// Rows as GitLab's own test archives of groups have them.
const EXPORT: [(&str, &str); 8] = [
    ("./tree/groups/_all.ndjson", "4351\n4352\n4354\n"),
    (
        "./tree/groups/4351.json",
        r#"{"name":"ymg09t5704clnxnqfgaj2h098gz4r7gyx4wc3fzmlqj1en24zf","path":"made-by-gitlab","owner_id":123,"created_at":"2019-11-20 17:01:53 UTC","description":"Group Description","avatar":{"url":null},"membership_lock":false,"visibility_level":0,"parent_id":7283,"project_creation_level":2,"id":4351}"#,
    ),
    (
        "./tree/groups/4352.json",
        r#"{"name":"Below","path":"below","visibility_level":0,"parent_id":4351,"id":4352}"#,
    ),
    (
        "./tree/groups/4354.json",
        r#"{"name":"Odd","path":"../odd","visibility_level":0,"parent_id":9,"id":4354}"#,
    ),
    (
        "./tree/groups/4352/labels.ndjson",
        "{\"id\":23453,\"title\":\"Brire\",\"color\":\"#d68d9d\",\"project_id\":null,\"created_at\":\"2019-11-20T17:02:20.549Z\",\"template\":false,\"description\":null,\"group_id\":4352,\"type\":\"GroupLabel\",\"priorities\":[],\"textColor\":\"#333333\"}\n",
    ),
    (
        "./tree/groups/4352/members.ndjson",
        "{\"id\":13771,\"access_level\":30,\"source_id\":4352,\"source_type\":\"Namespace\",\"user_id\":1087,\"notification_level\":3,\"created_at\":\"2019-11-20T17:04:36.968Z\",\"invite_email\":null,\"expires_at\":null,\"ldap\":false,\"user\":{\"id\":1087,\"public_email\":\"paige@blanda.info\",\"username\":\"billi_auer\"}}\n",
    ),
    ("./tree/groups/4352/epics.ndjson", "{\"id\":1,\"title\":\"Epic\"}\n{\"id\":2}\n"),
    ("./tree/groups/9/labels.ndjson", "{\"title\":\"of nobody\"}\n"),
];

#[tokio::test]
async fn an_export_of_gitlabs_is_read_and_nothing_of_it_is_lost_in_silence() {
    let directory = tempfile::tempdir().unwrap();
    let source = archive(directory.path(), &EXPORT);

    let groups = records(&*source, &Scope::Shared, ObjectKind::Organization).await.unwrap();
    let roles = records(&*source, &Scope::Shared, ObjectKind::Member).await.unwrap();
    let inventory = source.inventory(&Scope::Shared).await.unwrap();

    let paths: BTreeSet<_> = groups.iter().map(|it| it.origin.id.as_str()).collect();
    // A path leads nowhere else, and a group whose parent is not there stands below the first.
    let expected = ["made-by-gitlab", "made-by-gitlab/below", "made-by-gitlab/4354"];
    assert_eq!(paths, BTreeSet::from(expected));
    assert_eq!(roles[0].origin.id, "organization:made-by-gitlab/below/billi_auer");
    let lost: BTreeMap<_, _> =
        inventory.losses.iter().map(|it| (it.name.as_str(), it.count)).collect();
    assert_eq!(lost.get("group.epics"), Some(&2), "{lost:?}");
    assert_eq!(lost.get("group.labels (no project of the group is here)"), Some(&1), "{lost:?}");
    assert_eq!(lost.get("group (of which there is no row)"), Some(&1), "{lost:?}");
    assert_eq!(lost.get("group.parent_id (of no group)"), Some(&1), "{lost:?}");
}
