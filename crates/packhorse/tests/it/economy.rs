//! How often hosts are asked: by a run, by one that goes on after a kill, and by one that finds
//! nothing new.

#[path = "../../examples/stage_hosts/project.rs"]
mod project;

use crate::bench::Bench;
use packhorse_fakes::{Exchange, Fake, Gitea, Github, Options, fault::Faults};
use std::{collections::BTreeMap, fmt, fs, thread, time::Duration};

/// Issues; there are four times as many comments, and a fifth as many change requests.
const ISSUES: u64 = 250;

/// What a run asks however much there is: who we are, what there is, each kind once.
const ONCE: usize = 45;

/// Comments that are on their way at once, which a run that goes on looks for.
const UNDER_WAY: usize = 16;

/// A GitHub with a project, and a Gitea without it.
struct Pair {
    source: Fake,
    sink: Fake,
}

/// What was asked, by end, method and path without numbers.
#[derive(Default)]
struct Asked(BTreeMap<String, usize>);

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(path, n)| writeln!(f, "{n:>6} {path}"))
    }
}

impl Asked {
    fn note(&mut self, end: &str, log: Vec<Exchange>) {
        for it in log {
            let path = it.target.split('?').next().unwrap_or_default();
            let names = path.split('/').map(|part| {
                let is_id = part.bytes().any(|it| it.is_ascii_digit()) && part != "v1";
                if is_id { "…" } else { part }
            });
            let name = format!("{end} {} {}", it.method, names.collect::<Vec<_>>().join("/"));
            *self.0.entry(name).or_default() += 1;
        }
    }

    fn all(&self) -> usize {
        self.0.values().sum()
    }
}

impl Pair {
    async fn new(latency: Duration) -> Self {
        let source = Fake::start(Github, Options::default()).await.unwrap();
        let sink = Fake::start(Gitea, Options::default()).await.unwrap();
        [&source, &sink].into_iter().for_each(|it| it.fill(project::people()));
        project::lay_out(&source, ISSUES).await.unwrap();
        for fake in [&source, &sink] {
            fake.set_faults(Faults { latency, ..Faults::default() });
        }
        Self { source, sink }
    }

    fn command(&self) -> String {
        let at =
            |fake: &Fake| fake.url().replacen("://", &format!("://alice:{}@", Options::TOKEN), 1);
        format!("migrate github:{}/acme gitea:{}/acme", at(&self.source), at(&self.sink))
    }

    fn n_requests(&self) -> u64 {
        self.source.n_requests() + self.sink.n_requests()
    }

    /// What was asked since it was asked last.
    fn asked(&self) -> Asked {
        let mut asked = Asked::default();
        asked.note("source", self.source.take_log());
        asked.note("sink", self.sink.take_log());
        asked
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_finds_nothing_new_asks_little() {
    let (bench, pair) = (Bench::new(), Pair::new(Duration::ZERO).await);
    let command = format!("{} --no-verify", pair.command());

    bench.ok(&command);
    let first = pair.asked();
    bench.ok(&command);
    let second = pair.asked();

    let asks_for_branches = |it: &&String| it.starts_with("sink") && it.contains("/branches");
    assert_eq!(first.0.keys().find(asks_for_branches), None, "they are listed once, by Git");
    // What is asked at any size, and one in thirty.
    let most = ONCE + first.all() / 30;
    assert!(second.all() <= most, "more than {most} after\n{first}\nwhich is\n{second}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_back_asks_for_nothing_of_which_nothing_came() {
    let (bench, pair) = (Bench::new(), Pair::new(Duration::ZERO).await);

    bench.ok(&pair.command());
    let first = pair.asked();
    bench.ok(&pair.command());
    let second = pair.asked();

    for asked in [&first, &second] {
        assert_eq!(asked.0.keys().find(|it| it.contains("/reactions")), None, "nobody reacted");
    }
    // Both ends are looked at twice: to carry, and to read back.
    let most = 2 * ONCE + first.all() / 20;
    assert!(second.all() <= most, "more than {most} after\n{first}\nwhich is\n{second}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_killed_repeats_little() {
    let (bench, pair) = (Bench::new(), Pair::new(Duration::ZERO).await);
    let command = format!("{} --no-verify", pair.command());
    bench.ok(&command);
    let whole = pair.asked();

    let (bench, pair) = (Bench::new(), Pair::new(Duration::from_millis(4)).await);
    let command = format!("{} --no-verify", pair.command());
    let mut child = bench.start(&format!("{command} --lease 1"));
    while pair.n_requests() < whole.all() as u64 / 2 {
        thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let killed = pair.asked();
    bench.ok(&format!("{command} --lease 1"));
    let rest = pair.asked();

    let more = (killed.all() + rest.all()).saturating_sub(whole.all());
    // Comments are looked for, written again where they are found, and some pages of them are read
    // again. As many again may have arrived whose end was not noted yet.
    let most = ONCE + 2 * (2 * UNDER_WAY) + 10;
    assert!(more <= most, "{more} more than\n{whole}\nwhich is\n{killed}\nand\n{rest}");
    let looked_for = rest.0.get("sink GET /api/v1/repos/acme/app/issues/…/comments");
    assert!(looked_for.is_none_or(|it| *it <= 2 * UNDER_WAY), "{looked_for:?} were under way");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_reckons_with_what_the_configuration_lets_a_host_be_asked() {
    let (bench, pair) = (Bench::new(), Pair::new(Duration::ZERO).await);
    let limits = "limits = { requests = 60, at_once = 2 }";
    let host = format!("[hosts.slow]\ntype = \"gitea\"\nurl = \"{}\"\n{limits}\n", pair.sink.url());
    fs::write(bench.path("packhorse.toml"), host).unwrap();

    let told = bench.ok(&pair.command().replacen("migrate", "plan", 1));

    assert!(told.contains("what decides is its limit of requests as configured"), "{told}");
}
