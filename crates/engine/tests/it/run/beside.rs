//! What goes beside issues and change requests that are made one after the other.

use super::{
    bench::{Bench, app},
    numbers::{bench, comment_on, options, put},
};
use async_trait::async_trait;
use packhorse_core::{
    HostError, HostErrorKind, Lane, Object, ObjectKind, Record, Scope, TargetId,
    job::JobState,
    model::{Comment, Discussion, HostId, Markup, Reaction, Release, Subject, Text},
    port::{AroundSink, Sink, Written},
};
use packhorse_engine::RunOutcome;
use packhorse_testkit::memory::MemoryHost;
use std::{sync::Arc, time::Duration};

/// Longer than a run takes.
const LONG: Duration = Duration::from_secs(10);

/// A destination that makes no change request before it has something of each of these kinds.
struct Patient {
    host: MemoryHost,
    for_kinds: &'static [ObjectKind],
    patience: Duration,
}

impl Patient {
    fn has_all(&self, scope: &Scope) -> bool {
        let has = |kind| !self.host.stored(&Lane::new(scope.clone(), kind)).is_empty();
        self.for_kinds.iter().copied().all(has)
    }
}

#[async_trait]
impl AroundSink for Patient {
    fn inner(&self) -> &dyn Sink {
        &self.host
    }

    async fn write(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError> {
        if matches!(record.object, Object::ChangeRequest(_)) {
            let all = async {
                while !self.has_all(scope) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            let in_vain = |_| HostError::new(HostErrorKind::Rejected, "wait in vain");
            tokio::time::timeout(self.patience, all).await.map_err(in_vain)?;
        }
        self.host.write(scope, record, existing).await
    }
}

/// Carries to a destination that waits for these before it makes a change request.
async fn carry(bench: &Bench, for_kinds: &'static [ObjectKind], patience: Duration) -> RunOutcome {
    let mut options = options();
    let more = [ObjectKind::Release, ObjectKind::Discussion, ObjectKind::Reaction];
    options.only.extend(more);
    let claim = bench.claim(&options).await;
    let sink = Patient { host: bench.sink.clone(), for_kinds, patience };
    let ends = bench.ends(Arc::new(bench.source.clone()), Arc::new(sink));
    bench.run(&claim, &ends, &options).await.unwrap()
}

#[tokio::test]
async fn what_hangs_on_issues_does_not_wait_for_the_last_change_request() {
    let bench = bench();
    put(&bench, &[1, 3], &[2, 4]);
    comment_on(&bench, "40", 1, "first");
    let release = Release { tag: "v1".into(), ..Release::default() };
    bench.source.put(&app(), Record::new("v1", Object::from(release)));

    bench.source.put(&app(), reaction_to("40"));
    let kinds = &[ObjectKind::Comment, ObjectKind::Release, ObjectKind::Reaction];

    let outcome = carry(&bench, kinds, LONG).await;

    assert_eq!((outcome.state, outcome.verified), (JobState::Finished, Some(true)), "{outcome:?}");
    assert_eq!(outcome.n_losses, 0, "the reaction found its comment");
}

#[tokio::test]
async fn a_reaction_to_what_never_comes_ends_with_the_kind() {
    let bench = bench();
    put(&bench, &[1], &[2]);
    comment_on(&bench, "40", 1, "first");
    bench.source.put(&app(), reaction_to("77"));

    let run = carry(&bench, &[ObjectKind::Comment], LONG);

    let outcome = tokio::time::timeout(LONG, run).await.expect("it ends");
    assert_eq!((outcome.n_failures, outcome.n_losses), (0, 1), "{outcome:?}");
}

fn reaction_to(comment: &str) -> Record {
    let subject = Subject::Comment(HostId(comment.to_owned()));
    let reaction = Reaction { subject, content: "heart".into(), ..Reaction::default() };
    Record::new("r1", Object::from(reaction))
}

#[tokio::test]
async fn a_comment_waits_for_all_that_it_refers_to() {
    for (on, body) in [(1, "see #4"), (3, "second"), (1, "see #4 and #9, which nobody has")] {
        let bench = bench();
        put(&bench, &[1, 3], &[2, 4]);
        comment_on(&bench, "40", on, body);

        let outcome = carry(&bench, &[ObjectKind::Issue], LONG).await;

        assert_eq!(outcome.state, JobState::Finished, "{body}: {outcome:?}");
        let comments = bench.sink.stored(&Lane::new(app(), ObjectKind::Comment));
        assert_eq!(comments.len(), 1, "{body}");
        // The project, four with numbers, the comment, and nothing of it a second time.
        assert_eq!(bench.sink.calls().write, 6, "{body}");
    }
}

#[tokio::test]
async fn a_discussion_does_not_wait_for_what_nobody_has() {
    let bench = bench();
    put(&bench, &[1], &[2]);
    let body = Some(Text::new("see #9, which nobody has".to_owned(), Markup::Github));
    let discussion = Discussion { number: 3, body, ..Discussion::default() };
    bench.source.put(&app(), Record::new("3", Object::from(discussion)));
    comment_on(&bench, "40", 1, "see #3");

    let run = carry(&bench, &[ObjectKind::Issue], LONG);

    let outcome = tokio::time::timeout(LONG, run).await.expect("it ends");
    assert_eq!(outcome.state, JobState::Finished, "{outcome:?}");
    assert_eq!(bench.sink.stored(&Lane::new(app(), ObjectKind::Discussion)).len(), 1);
}

#[tokio::test]
async fn a_comment_on_what_is_refused_is_told_to_have_stayed_with_it() {
    let bench = bench();
    put(&bench, &[1], &[2]);
    comment_on(&bench, "40", 1, "first");
    bench.source.put(&app(), on_change(2));

    // Nothing of the kind ever comes, so that the change request is refused.
    let outcome = carry(&bench, &[ObjectKind::Release], Duration::from_millis(100)).await;

    assert_eq!((outcome.state, outcome.n_failures), (JobState::Failed, 2), "{outcome:?}");
    assert_eq!(bench.sink.stored(&Lane::new(app(), ObjectKind::Comment)).len(), 1);
}

fn on_change(number: u64) -> Record {
    let comment = Comment { subject: Subject::ChangeRequest(number), ..Comment::default() };
    Record::new("41", Object::from(comment))
}
