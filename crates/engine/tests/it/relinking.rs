//! References that were written before their objects are led to them afterwards.

use crate::shelf::{Notes, Shelf, app, comment, full, issue, scratch};
use packhorse_core::job::JobOptions;
use packhorse_core::{
    Capabilities, Fingerprint, HostError, Keeps, Lane, Object, ObjectKind, Record, TargetId,
    job::JobState,
    port::{Context, Journal, Outcome, Position, Settled, Sink, Source, Transform},
};
use packhorse_engine::{
    Ends,
    relink::{Relinked, Relinking, link, relink},
    report::report,
    transform::{PathMap, Route, stack},
};
use packhorse_testkit::memory::{MemoryHost, MemoryOptions};
use std::sync::Arc;

fn renumbering() -> Capabilities {
    let mut caps = full();
    caps.keeps = Keeps { numbers: false, ..Keeps::ALL };
    caps
}

struct Pass {
    source: Capabilities,
    sink: Capabilities,
    paths: Arc<PathMap>,
    transforms: Vec<Box<dyn Transform>>,
    host: MemoryHost,
    notes: Notes,
}

impl Pass {
    async fn new(sink: Capabilities) -> Self {
        let source = full();
        let pair = ("acme/app".to_owned(), "acme/app".to_owned());
        let paths = Arc::new(PathMap::new([pair]));
        let options = JobOptions::default();
        let route = Route { options: &options, source: &source, sink: &sink, paths: &paths };
        let transforms = stack(route).unwrap();
        let host = MemoryHost::new(MemoryOptions::default());
        Self { source, sink, paths, transforms, host, notes: Notes::begun().await }
    }

    /// Writes records as a first pass does: one by one, with what is known by then.
    async fn write(&self, records: &[Record], target: impl Fn(&str) -> String) {
        for record in records {
            let scope = app();
            let context = Context { source: &self.source, sink: &self.sink, scope: &scope };
            let mut batch = [record.clone()];
            let (journal, route) = (&self.notes.journal, self.notes.claim.route);
            link(journal, route, &context, &self.paths, &mut batch).await.unwrap();
            let [mut record] = batch;
            self.transforms.apply(&context, &mut record);
            self.host.write(&scope, &record, None).await.unwrap();
            let settled = Settled {
                fingerprint: Fingerprint::of(&record.object),
                target: TargetId(target(&record.origin.id)),
                id: record.origin.id.clone(),
                outcome: Some(Outcome::Created),
                losses: record.losses,
            };
            let lane = Lane::new(scope.clone(), record.origin.kind);
            let done = Some(&Position::Done);
            journal.settle(&self.notes.claim, &lane, &[settled], &[], done).await.unwrap();
        }
    }

    async fn relink(&self, source: Shelf) -> Relinked {
        let host = self.host.clone();
        let reader = move || Ok::<_, HostError>(Arc::new(host.clone()) as Arc<dyn Source>);
        let ends = Ends {
            from: "shelf".into(),
            to: "memory".into(),
            source: Arc::new(source),
            sink: Arc::new(self.host.clone()),
            reader: Arc::new(reader),
            source_host: "shelf",
            sink_host: "memory",
            scratch: scratch(&self.notes).to_owned(),
        };
        let relinking = Relinking {
            ends: &ends,
            source: &self.source,
            sink: &self.sink,
            transforms: &self.transforms,
            paths: &self.paths,
            journal: &self.notes.journal,
            claim: &self.notes.claim,
        };
        relink(&relinking).await.unwrap()
    }

    fn text(&self, kind: ObjectKind, id: &str) -> String {
        let stored = self.host.stored(&Lane::new(app(), kind));
        let record = stored.into_iter().find(|it| it.id == id).unwrap().record();
        let Object::Comment(comment) = record.object else { panic!("a comment") };
        comment.body.unwrap().text.0
    }
}

#[tokio::test]
async fn a_forward_reference_is_led_to_its_object_and_a_dead_one_is_told() {
    let pass = Pass::new(renumbering()).await;
    let comments = [comment("1", "see #7"), comment("2", "see #99"), comment("3", "nothing")];
    let issues = [issue(7, "seven")];
    pass.write(&comments, str::to_owned).await;
    pass.write(&issues, |id| format!("10{id}")).await;
    let source = Shelf::default().with(&app(), comments).with(&app(), issues);

    let relinked = pass.relink(source.clone()).await;
    let again = pass.relink(source).await;

    assert!(pass.text(ObjectKind::Comment, "1").starts_with("see #107"));
    assert!(pass.text(ObjectKind::Comment, "2").starts_with("see #99"));
    assert_eq!((relinked.rewritten, relinked.left.get(&ObjectKind::Comment)), (1, Some(&1)));
    assert_eq!(again.rewritten, 0);
    pass.notes.close(JobState::Finished).await;
    let report = report(&pass.notes.journal, pass.notes.job()).await.unwrap();
    assert_eq!(report.losses.iter().map(|it| it.count).collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn what_is_known_in_time_needs_no_second_pass() {
    let pass = Pass::new(renumbering()).await;
    pass.write(&[issue(7, "seven")], |id| format!("10{id}")).await;

    pass.write(&[comment("1", "see #7")], str::to_owned).await;

    assert!(pass.text(ObjectKind::Comment, "1").starts_with("see #107"));
    assert_eq!(pass.relink(Shelf::default()).await, Relinked::default());
}

#[tokio::test]
async fn a_destination_that_keeps_numbers_is_not_touched() {
    let pass = Pass::new(full()).await;
    let comments = [comment("1", "see #7")];
    pass.write(&comments, str::to_owned).await;

    let relinked = pass.relink(Shelf::default().with(&app(), comments)).await;

    assert_eq!(relinked, Relinked::default());
    assert_eq!(pass.host.calls().write, 1);
}
