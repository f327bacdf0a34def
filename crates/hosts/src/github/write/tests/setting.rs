//! Rules, hooks, keys, roles, files, states.

use super::*;
use packhorse_core::model::Features;

#[tokio::test]
async fn an_archived_project_is_opened_for_what_comes_late() {
    let bench = Bench::with_project(Visibility::Public, "").await;
    let subject = Subject::Project;
    let state = State { subject, value: StateValue::Archived, ..State::default() };
    let archived = bench.write("project/archived", Object::from(state)).await;
    assert_eq!(archived.target.0, "project/archived");

    bench.write("5", Object::from(issue(5))).await;

    assert_eq!(bench.held(ObjectKind::Issue).len(), 1);
    assert_eq!(bench.held(ObjectKind::State).len(), 1, "it is closed again");
    bench.check();
}

#[tokio::test]
async fn issues_stay_on_until_the_project_is_finished() {
    let bench = Bench::new().await;
    let features = Features { issues: Some(false), ..Features::default() };
    let project =
        Project { path: "acme/app".into(), name: "app".into(), features, ..Project::default() };
    bench.write("acme/app", Object::from(project)).await;
    let is_on = || {
        bench.fake.store(|store| store.project("acme/app").unwrap().1.features.issues) == Some(true)
    };

    let gap = bench.write("1", Object::from(issue(1))).await;

    assert_eq!((gap.outcome, is_on()), (Outcome::Created, true));
    bench.sink.finish(&app()).await.unwrap();
    assert!(!is_on());
    bench.check();
}

#[tokio::test]
async fn a_file_is_uploaded_and_an_empty_one_is_not() {
    let bench = Bench::with_project(Visibility::Public, "").await;
    let release = Release { tag: "v1.0".into(), name: Some("One".into()), ..Release::default() };
    bench.write("1", Object::from(release)).await;
    let early = Release { tag: "v9".into(), ..Release::default() };
    let early = bench.write("2", Object::from(early)).await;
    assert_eq!(lost(&early), ["draft"], "no tag is made that nobody made");
    let mut ids = Vec::new();
    for (id, bytes) in [("31", &b"0123456789"[..]), ("32", b"")] {
        let asset = ReleaseAsset {
            release: "v1.0".into(),
            name: format!("app-{id}.txt"),
            label: Some("the app".into()),
            content_type: Some("text/plain".into()),
            blob: Some(Blob { size: Some(bytes.len() as u64), sha256: None }),
            ..ReleaseAsset::default()
        };
        let origin = Origin::new(ObjectKind::ReleaseAsset, id);
        let size = Some(bytes.len() as u64);
        let blob = BlobRef { scope: app(), origin, size, sha256: None };
        let pieces = bytes.chunks(4).map(|it| Ok(Bytes::copy_from_slice(it))).collect::<Vec<_>>();
        bench.sink.save(&blob, Box::pin(stream::iter(pieces))).await.unwrap();
        ids.push(bench.write(id, Object::from(asset)).await);
    }

    assert_eq!((ids[0].outcome, ids[1].outcome), (Outcome::Created, Outcome::Dropped));
    let held = bench.held(ObjectKind::ReleaseAsset);
    assert!(matches!(&held[..], [Record { object: Object::ReleaseAsset(it), .. }]
        if it.blob.as_ref().unwrap().size == Some(10) && it.label.as_deref() == Some("the app")));
    bench.check();
}

#[tokio::test]
async fn a_rule_never_becomes_looser() {
    let bench = Bench::with_project(Visibility::Public, "").await;
    let rule = |pattern: &str| BranchRule {
        pattern: pattern.into(),
        admins_bound: true,
        block_force_push: Enforcement::NonAdmins,
        reviews: Enforcement::NonAdmins,
        approvals: Some(9),
        restrict_push: true,
        pushers: vec![Grantee::User(login("bob")), Grantee::Group("old".into())],
        required_checks: vec!["build".into()],
        checks: Enforcement::Everyone,
        ..BranchRule::default()
    };
    let plain = bench.write("main", Object::from(rule("main"))).await;
    assert_eq!(plain.target.0, "main");
    assert!(lost(&plain).contains(&"approvals") && lost(&plain).contains(&"pushers"));
    let pattern = bench.write("release/*", Object::from(rule("release/*"))).await;
    assert!(pattern.target.0.starts_with("ruleset/") && pattern.target.0.ends_with("/release/*"));
    let tags = TagRule { pattern: "v*".into(), role: Some(Role::Maintain), ..TagRule::default() };
    let tags = bench.write("v*", Object::from(tags)).await;
    assert!(tags.target.0.ends_with("/v*"));
    let held = bench.held(ObjectKind::BranchRule);
    for record in &held {
        let Object::BranchRule(it) = &record.object else { panic!("a rule") };
        assert!(it.restrict_push && it.required_checks == ["build"], "{it:?}");
    }
    assert_eq!(held.len(), 1, "a ruleset is no protection");
    bench.check();
}

#[tokio::test]
async fn a_webhook_arrives_switched_off_and_a_key_once() {
    let bench = Bench::with_project(Visibility::Public, "").await;
    let hook = Webhook {
        url: "https://h.example/hook".into(),
        events: vec!["push_events".into(), "unheard".into()],
        active: true,
        verify_tls: true,
        has_secret: Some(true),
        ..Webhook::default()
    };
    let made = bench.write("1", Object::from(hook.clone())).await;
    assert_eq!(lost(&made), ["events", "active", "has_secret"]);
    let held = bench.held(ObjectKind::Webhook);
    assert!(matches!(&held[..], [Record { object: Object::Webhook(it), .. }] if !it.active));
    let record = bench.record("1", Object::from(hook));
    assert_eq!(bench.sink.find(&app(), &record).await.unwrap(), Some(made.target));

    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    let key =
        DeployKey { title: "ci".into(), key: key.into(), read_only: true, ..Default::default() };
    let made = bench.write("1", Object::from(key.clone())).await;
    assert_eq!(made.outcome, Outcome::Created);
    let ends = Some("2030-01-01T00:00:00Z".parse().unwrap());
    let ending = bench.write("2", Object::from(DeployKey { expires_at: ends, ..key })).await;
    assert_eq!(ending.outcome, Outcome::Dropped);
    bench.check();
}

#[tokio::test]
async fn roles_are_given_to_accounts_of_this_server_alone() {
    let bench = Bench::with_project(Visibility::Private, "").await;
    let member = |who: Identity, role| {
        Object::from(Member { grantee: Grantee::User(who), role, ..Member::default() })
    };
    let bob = bench.write("1", member(login("bob"), Role::Write)).await;
    assert_eq!((bob.outcome, bob.target.0.as_str()), (Outcome::Created, "project/bob"));
    let stranger = Identity::login("carol", Some("h.example"));
    let stranger = bench.write("2", member(stranger, Role::Write)).await;
    assert_eq!(stranger.outcome, Outcome::Dropped);
    let guest = bench.write("3", member(login("carol"), Role::Guest)).await;
    assert_eq!(guest.outcome, Outcome::Dropped);
    bench.check();
}
