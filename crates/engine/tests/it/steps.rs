//! The list of steps as a whole.

use crate::shelf::full;
use packhorse_core::{
    ObjectKind, Settle,
    job::JobOptions,
    port::{Context, Transform},
};
use packhorse_engine::transform::{PathMap, Route, stack, users::UsersError};
use packhorse_testkit::samples;
use std::sync::Arc;

#[test]
fn a_destination_that_keeps_everything_gets_everything_unchanged() {
    let mut source = full();
    source.web_url = Some("https://github.com".into());
    let mut sink = full();
    sink.settle = Settle::Page;
    let pair = ("acme/app".to_owned(), "acme/app".to_owned());
    let paths = Arc::new(PathMap::new([pair]));
    let options = JobOptions::default();
    let steps = stack(Route { options: &options, source: &source, sink: &sink, paths: &paths });
    let steps = steps.unwrap();

    for &kind in ObjectKind::ALL {
        for n in 0..40 {
            let sample = samples::sample(kind, n);
            let scope = samples::scope(kind, n);
            let context = Context { source: &source, sink: &sink, scope: &scope };

            let mut carried = sample.clone();
            steps.apply(&context, &mut carried);

            assert_eq!(carried, sample, "{kind} {n}");
        }
    }
}

#[test]
fn what_an_option_asks_for_is_a_step_and_the_mark_comes_last() {
    let sink = full();
    let pair = ("acme/app".to_owned(), "new/app".to_owned());
    let paths = Arc::new(PathMap::new([pair]));
    let options = JobOptions { users: Some("ann:lee".into()), ..JobOptions::default() };

    let steps = stack(Route { options: &options, source: &sink, sink: &sink, paths: &paths });

    let names: Vec<_> = steps.unwrap().iter().map(|it| it.name()).collect();
    assert_eq!(names, ["users", "paths", "files", "links", "credit", "limits", "provenance"]);
}

#[test]
fn a_users_file_that_is_not_clear_stops_everything() {
    let sink = full();
    let options = JobOptions { users: Some("ann".into()), ..JobOptions::default() };
    let paths = Arc::default();

    let steps = stack(Route { options: &options, source: &sink, sink: &sink, paths: &paths });

    assert!(matches!(steps.map(|_| ()), Err(UsersError::NoColon { line: 1 })));
}
