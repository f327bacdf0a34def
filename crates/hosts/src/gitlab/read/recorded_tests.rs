//! The source over answers of real servers, held against other teams' reading of them.

use super::{
    tests::{Fixed, lane, source, walk},
    *,
};
use packhorse_core::model::{ChangeRequestState, OpenState, StateValue, Verdict, Visibility};
use serde_json::{Value, json};
use std::{collections::BTreeMap, io::Write, path::PathBuf};

/// Answers that gitlab.com gave, by path; pages of a listing are put together.
fn recorded(folder: &str, id: &str, path: &str) -> Option<Fixed> {
    let folder = std::env::var_os("PACKHORSE_FIXTURES")
        .map(PathBuf::from)
        .map(|it| it.join("forgejo-recorded/services/migrations/testdata/gitlab").join(folder));
    let Some(folder) = folder.filter(|it| it.is_dir()) else {
        writeln!(std::io::stderr(), "SKIPPED: PACKHORSE_FIXTURES has no recordings").unwrap();
        return None;
    };
    let mut answers: BTreeMap<String, Value> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(name) = name.strip_prefix("GET_%2Fapi%2Fv4%2F") else { continue };
        let name = name.split("%3F").next().unwrap().replace("%2F", "/").replace("%25", "%");
        let name = name.replace(path, "P").replace(id, "P");
        let text = std::fs::read_to_string(&file).unwrap().replace("\r\n", "\n");
        let (_, body) = text.split_once("\n\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        match (answers.get_mut(&name), body) {
            (Some(Value::Array(all)), Value::Array(more)) => {
                for it in more {
                    if !all.contains(&it) {
                        all.push(it);
                    }
                }
            }
            (_, body) => {
                answers.insert(name, body);
            }
        }
    }
    Some(Fixed(answers))
}

#[tokio::test]
async fn a_real_project_is_read_as_others_read_it() {
    let Some(answers) = recorded("full_download", "61363672", "forgejo%2Ftest_repo") else {
        return;
    };
    let source = source(answers);
    let read = async |kind| walk(&source, &lane(kind)).await.unwrap();

    let Object::Project(project) = &read(ObjectKind::Project).await[0].object else { panic!() };
    assert_eq!(
        (project.path.as_str(), project.visibility),
        ("forgejo/test_repo", Visibility::Public)
    );
    assert_eq!(project.default_branch.as_deref(), Some("master"));
    assert_eq!(read(ObjectKind::Topic).await.len(), 2);
    assert_eq!(read(ObjectKind::Label).await.len(), 11);
    assert_eq!(read(ObjectKind::Milestone).await.len(), 2);
    let issues = read(ObjectKind::Issue).await;
    let [Object::Issue(first), Object::Issue(second)] = [&issues[0].object, &issues[1].object]
    else {
        panic!()
    };
    assert_eq!((first.number, first.state, first.milestone), (1, OpenState::Closed, Some(2)));
    assert_eq!(first.labels, ["bug", "discussion"]);
    assert_eq!(second.author.as_ref().unwrap().login, "mkobel");
    let reactions = read(ObjectKind::Reaction).await;
    let of_second = reactions.iter().filter(|it| it.origin.id.starts_with("issues/2/-/")).count();
    assert_eq!((reactions.len(), of_second), (10, 6));
    assert_eq!(read(ObjectKind::Comment).await.len(), 2);
    let changes = read(ObjectKind::ChangeRequest).await;
    let Object::ChangeRequest(change) = &changes[0].object else { panic!() };
    assert_eq!((change.number, change.state), (1, ChangeRequestState::Open));
    assert_eq!(change.head.name, "feat/test");
    assert_eq!(change.base.commit.as_deref(), Some("c59c9b451acca9d106cc19d61d87afe3fbbb8b83"));
    let reviews = read(ObjectKind::Review).await;
    let Object::Review(review) = &reviews[0].object else { panic!() };
    assert_eq!((reviews.len(), review.verdict), (1, Verdict::Approved));
    let releases = read(ObjectKind::Release).await;
    let Object::Release(release) = &releases[0].object else { panic!() };
    assert_eq!((release.tag.as_str(), release.name.as_deref()), ("v0.9.99", Some("First Release")));
    let events = read(ObjectKind::Event).await;
    assert!(events.iter().any(|it| it.origin.id.starts_with("issues/2/state/")), "{events:?}");
    assert!(read(ObjectKind::State).await.iter().all(
        |it| !matches!(&it.object, Object::State(state) if state.value == StateValue::Archived)
    ));
}

#[tokio::test]
async fn a_real_number_that_was_skipped_stays_skipped() {
    let Some(answers) = recorded("skipped_issue_number", "6590996", "troyengel%2Farchbuild") else {
        return;
    };
    let source = source(answers);

    let issues = walk(&source, &lane(ObjectKind::Issue)).await.unwrap();
    let changes = walk(&source, &lane(ObjectKind::ChangeRequest)).await.unwrap();

    assert_eq!((issues[0].origin.id.as_str(), issues.len()), ("2", 1));
    let Object::ChangeRequest(change) = &changes[0].object else { panic!() };
    assert_eq!((change.number, change.state), (1, ChangeRequestState::Merged));
}

/// Another team's reading of answers of GitLab's documentation.
#[test]
fn documented_answers_are_read_as_others_read_them() {
    let folder = std::env::var_os("PACKHORSE_FIXTURES").map(PathBuf::from);
    let folder = folder.map(|it| it.join("go-scm-testdata/scm/driver/gitlab/testdata"));
    let Some(folder) = folder.filter(|it| it.is_dir()) else {
        writeln!(std::io::stderr(), "SKIPPED: PACKHORSE_FIXTURES has no recordings").unwrap();
        return;
    };
    let json = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
    };
    fn wire<T: serde::de::DeserializeOwned>(value: Value) -> T {
        serde_json::from_value(value).unwrap()
    }

    let golden = json("merge.json.golden");
    let found = map::change_request::change_request(wire(json("merge.json")), ("a/b", None), "h");
    let found = found.unwrap();
    assert_eq!(golden["Number"], found.number);
    assert_eq!(golden["Title"], found.title);
    assert_eq!(golden["Source"], found.head.name);
    assert_eq!(golden["Target"], found.base.name);
    assert_eq!(golden["Head"]["Sha"], found.head.commit.unwrap());
    assert_eq!(golden["Closed"], found.state == ChangeRequestState::Closed);
    assert_eq!(golden["Author"]["Login"], found.author.unwrap().login);

    let golden = json("hook.json.golden");
    let (id, hook) = map::settings::webhook(&json("hook.json")).unwrap();
    assert_eq!((&golden["ID"], &golden["Target"]), (&json!(id), &json!(hook.url)));
    assert_eq!(golden["SkipVerify"], !hook.verify_tls);
    assert!(
        ["push", "issues", "note", "merge_requests", "tag_push"]
            .iter()
            .all(|it| hook.events.iter().any(|found| found == it))
    );

    let golden = json("milestone.json.golden");
    let found = map::project::milestone(wire(json("milestone.json"))).unwrap();
    assert_eq!(golden["Title"], found.title);
    assert_eq!(golden["DueDate"], found.due_at.unwrap().to_string());

    let golden = json("release.json.golden");
    let found = map::settings::release(&wire(json("release.json")), "h").unwrap();
    assert_eq!((&golden["Tag"], &golden["Title"]), (&json!(found.tag), &json!(found.name)));
    assert_eq!(golden["Commitish"], found.target.unwrap());
    assert_eq!(golden["Description"], found.body.unwrap().as_str());

    for name in ["issue", "issues"] {
        let (raw, golden) = (json(&format!("{name}.json")), json(&format!("{name}.json.golden")));
        let raw = if raw.is_array() { raw[0].clone() } else { raw };
        let golden = if golden.is_array() { golden[0].clone() } else { golden };
        let found = map::issue::issue(wire(raw), "h").unwrap();
        assert_eq!(golden["Number"], found.number);
        assert_eq!(golden["Title"], found.title);
        assert_eq!(golden["Closed"], found.state == OpenState::Closed);
        assert_eq!(golden["Labels"], json!(found.labels));
    }
    let golden = json("repo.json.golden");
    let found = map::project::project(wire(json("repo.json"))).unwrap();
    let path =
        format!("{}/{}", golden["Namespace"].as_str().unwrap(), golden["Name"].as_str().unwrap());
    assert_eq!((found.path, &golden["Branch"]), (path, &json!(found.default_branch)));
}
