use super::*;
use packhorse_core::{Keeps, Object, Scope, Support, model::Comment};
use proptest::prelude::*;

const OLD: &str = "https://old.example";
const NEW: &str = "https://new.example/git";

fn caps(web_url: Option<&str>, markup: Option<Markup>, numbers: bool) -> Capabilities {
    let mut caps = Capabilities::promised(|_| Support::Full, "test");
    caps.web_url = web_url.map(str::to_owned);
    caps.markup = markup;
    caps.keeps = Keeps { numbers, ..Keeps::ALL };
    caps
}

fn paths() -> Arc<PathMap> {
    let pairs = [("acme/app", "umbrella/app"), ("acme/deep/er/lib", "umbrella/lib")];
    Arc::new(PathMap::new(pairs.map(|(a, b)| (a.to_owned(), b.to_owned()))))
}

/// Applies the step to a text of `acme/app`, with what is known of numbers.
fn apply(
    sink: &Capabilities,
    users: Option<&str>,
    known: &[(ObjectKind, &str, &str)],
    text: Text,
) -> (String, usize) {
    let source = caps(Some(OLD), None, true);
    let users = users.map(|it| Arc::new(UserMap::parse(it).unwrap()));
    let links = Links::between(&source, sink, paths(), users).unwrap();
    let scope = Scope::Project("acme/app".into());
    let context = Context { source: &source, sink, scope: &scope };
    let mut record =
        Record::new("1", Object::from(Comment { body: Some(text), ..Comment::default() }));
    for (kind, id, target) in known {
        record.links.insert(Origin::new(*kind, *id), TargetId((*target).into()));
    }
    links.apply(&context, &mut record);
    let Object::Comment(comment) = record.object else { panic!("a comment") };
    (comment.body.unwrap().text.0, record.losses.len())
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let sink = caps(Some(NEW), None, true);

    let (found, n_losses) =
        apply(&sink, Some("ann:lee\nbo.b:557:1"), &[], Text::new(text, Markup::Github));

    assert_eq!((found.as_str(), n_losses), (expected, 0));
}

#[test]
fn addresses_lead_to_the_new_host() {
    check(
        "https://old.example/acme/app/issues/12",
        "https://new.example/git/umbrella/app/issues/12",
    );
    check(
        "see <https://old.example/acme/app/pull/3>.",
        "see <https://new.example/git/umbrella/app/pull/3>.",
    );
    check("[x](https://old.example/acme/app)", "[x](https://new.example/git/umbrella/app)");
    check(
        "[x]\n\n[x]: https://old.example/acme/app/milestone/1",
        "[x]\n\n[x]: https://new.example/git/umbrella/app/milestone/1",
    );
    check(
        "https://old.example/acme/deep/er/lib/releases/tag/v1.0.",
        "https://new.example/git/umbrella/lib/releases/tag/v1.0.",
    );
    check(
        "https://old.example/acme/app/issues/1#issuecomment-7",
        "https://new.example/git/umbrella/app/issues/1",
    );
}

#[test]
fn other_addresses_stay() {
    for text in [
        "https://old.example/other/app/issues/12",
        "https://old.example.org/acme/app/issues/12",
        "https://old.example/acme/application",
        "https://old.example/acme/app/blob/main/a.rs",
        "https://elsewhere.example/acme/app/issues/12",
    ] {
        check(text, text);
    }
}

#[test]
fn shorthands_of_other_projects_follow_their_path() {
    check("acme/app#12 and (acme/deep/er/lib#3)", "umbrella/app#12 and (umbrella/lib#3)");
    check("other/app#12 xacme/app#1 #5 abc#6", "other/app#12 xacme/app#1 #5 abc#6");
}

#[test]
fn people_are_mentioned_by_their_new_names() {
    check("@ann, @bo.b. and @{ann}", "@lee, @557:1. and @lee");
    check("x@ann.example @ann/team @annika \\@ann", "x@ann.example @ann/team @annika \\@ann");
}

#[test]
fn code_is_not_touched() {
    for text in [
        "`@ann acme/app#1`",
        "```\n@ann https://old.example/acme/app\n```",
        "    @ann acme/app#1",
        "<pre>\nhttps://old.example/acme/app @ann\n</pre>",
    ] {
        check(text, text);
    }
}

#[track_caller]
fn check_numbers(sink: Option<Markup>, text: &str, expected: (&str, usize)) {
    let known = [
        (ObjectKind::Issue, "12", "112"),
        (ObjectKind::ChangeRequest, "3", "103"),
        (ObjectKind::Issue, "acme/deep/er/lib#9", "909"),
        (ObjectKind::Comment, "77", "777"),
    ];
    let sink = caps(Some(NEW), sink, false);

    let (found, n_losses) = apply(&sink, None, &known, Text::new(text, Markup::Github));

    assert_eq!((found.as_str(), n_losses), expected);
}

#[test]
fn numbers_change_with_the_host() {
    check_numbers(None, "#12 #3 acme/deep/er/lib#9", ("#112 #103 umbrella/lib#909", 0));
    check_numbers(Some(Markup::Gitlab), "#12 #3", ("#112 !103", 0));
    let address = "https://old.example/acme/app/issues/3#issuecomment-77";
    let expected = "https://new.example/git/umbrella/app/-/merge_requests/103#note_777";
    check_numbers(Some(Markup::Gitlab), address, (expected, 0));
}

#[test]
fn what_is_not_known_yet_stays_and_is_noted_once() {
    check_numbers(None, "#12 #99 #98", ("#112 #99 #98", 1));
}

#[test]
fn a_gitlab_text_uses_two_signs() {
    let known = [(ObjectKind::Issue, "3", "13"), (ObjectKind::ChangeRequest, "3", "23")];
    let sink = caps(Some(NEW), Some(Markup::Github), false);

    let (found, _) = apply(&sink, None, &known, Text::new("#3 !3 wow!3", Markup::Gitlab));

    assert_eq!(found, "#13 #23 wow!3");
}

#[test]
fn what_has_to_be_looked_up_is_told() {
    let source = caps(Some(OLD), None, true);
    let sink = caps(Some(NEW), None, false);
    let scope = Scope::Project("acme/app".into());
    let links = Links::between(&source, &sink, paths(), None).unwrap();
    let body = Some(Text::new("#12 acme/deep/er/lib#9 `#5`", Markup::Github));
    let mut record = Record::new("1", Object::from(Comment { body, ..Comment::default() }));

    let found = links.references(&mut record, &scope);

    let keys: Vec<_> = found.iter().map(|it| it.key().to_string()).collect();
    assert_eq!(
        keys,
        [
            "issue 12",
            "change_request 12",
            "issue acme/deep/er/lib#9",
            "change_request acme/deep/er/lib#9"
        ]
    );
}

#[test]
fn between_ends_that_keep_everything_there_is_no_step() {
    let source = caps(Some(OLD), None, true);
    let sink = caps(None, None, true);

    assert!(Links::between(&source, &sink, Arc::default(), None).is_none());
}

proptest! {
    #[test]
    fn what_needs_no_change_stays_as_it_was_typed(text in "(?s)[-#!@`*_~a-z0-9 /.:\\[\\]()<>\n\t\u{e9}]{0,200}") {
        let sink = caps(Some("https://new.example"), None, true);
        for markup in [Markup::Plain, Markup::Github, Markup::Gitlab, Markup::Bitbucket] {
            let (found, _) = apply(&sink, Some("nobody-at-all:x"), &[], Text::new(text.clone(), markup));

            prop_assert_eq!(&found, &text);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "(?s).{0,200}") {
        let sink = caps(Some(NEW), Some(Markup::Gitlab), false);

        apply(&sink, Some("ann:lee"), &[], Text::new(text, Markup::Github));
    }
}

#[test]
fn repositories_of_a_data_center_are_led_to_and_from() {
    let paths = Arc::new(PathMap::new([("PRJ/app".to_owned(), "~ann/app".to_owned())]));
    let server = |url: &str| {
        let mut caps = caps(Some(url), Some(Markup::Bitbucket), false);
        caps.addresses = Addresses::Repositories;
        caps
    };
    let (source, sink) = (server(OLD), server(NEW));
    let users = Arc::new(UserMap::parse("ann:lee\nbob:bob@x.example").unwrap());
    let links = Links::between(&source, &sink, paths, Some(users)).unwrap();
    let scope = Scope::Project("PRJ/app".into());
    let context = Context { source: &source, sink: &sink, scope: &scope };
    let text = "https://old.example/projects/PRJ/repos/app/pull-requests/3/overview?commentId=7, \
                https://old.example/projects/PRJ/repos/app/commits/0123abc @ann @\"bob\" \
                https://old.example/PRJ/app/pull-requests/3";
    let body = Some(Text::new(text, Markup::Bitbucket));
    let mut record = Record::new("1", Object::from(Comment { body, ..Comment::default() }));
    for (kind, id, target) in
        [(ObjectKind::ChangeRequest, "3", "4"), (ObjectKind::Comment, "7", "4/9")]
    {
        record.links.insert(Origin::new(kind, id), TargetId(target.into()));
    }

    links.apply(&context, &mut record);

    let Object::Comment(comment) = record.object else { panic!("a comment") };
    let expected = "https://new.example/git/users/ann/repos/app/pull-requests/4/overview?commentId=9, \
         https://new.example/git/users/ann/repos/app/commits/0123abc @lee @\"bob@x.example\" \
         https://old.example/PRJ/app/pull-requests/3";
    assert_eq!(comment.body.unwrap().as_str(), expected);
}

#[test]
fn what_came_from_elsewhere_before_is_led_on() {
    let web = |layout, url: &str| packhorse_core::Web { layout, url: url.to_owned() };
    let mut source = caps(None, None, true);
    source.former =
        vec![web(Addresses::Paths, OLD), web(Addresses::Repositories, "https://dc.example/")];
    let sink = caps(Some(NEW), None, true);
    let paths = Arc::new(PathMap::new([("acme/app".to_owned(), "acme/app".to_owned())]));
    let links = Links::between(&source, &sink, paths, None).unwrap();
    let scope = Scope::Project("acme/app".into());
    let context = Context { source: &source, sink: &sink, scope: &scope };
    let text = "https://old.example/acme/app/issues/1, \
                https://dc.example/projects/acme/repos/app/commits/0123abc";
    let body = Some(Text::new(text, Markup::Github));
    let mut record = Record::new("1", Object::from(Comment { body, ..Comment::default() }));

    links.apply(&context, &mut record);

    let Object::Comment(comment) = record.object else { panic!("a comment") };
    let expected = "https://new.example/git/acme/app/issues/1, \
         https://new.example/git/acme/app/commit/0123abc";
    assert_eq!(comment.body.unwrap().as_str(), expected);
}
