mod first;

use super::*;
use crate::{
    auth::{Credentials, Origin},
    budget::{
        Bucket, Budgets, Change, Common, CommonError, Desk, Rates, Refill, RefusalHolds, ResetIn,
        Signals,
    },
};
use http::HeaderMap;
use std::borrow::Cow;
use tokio::time::Instant;

const SIGNALS: Signals = Signals {
    limit: "x-limit",
    remaining: Some("x-remaining"),
    reset: Some(("x-reset", ResetIn::Epoch)),
    near_limit: None,
    only_where: None,
};
const MINUTE: Duration = Duration::from_secs(60);

fn all(_: &Method, _: &str) -> u32 {
    1
}
fn writes(method: &Method, _: &str) -> u32 {
    u32::from(*method == Method::POST)
}

/// 100 requests a minute, 20 of them writes, and 8 at once.
fn rates(signals: Option<&'static Signals>) -> Rates {
    let bucket = |name, allowance, toll, signals| Bucket {
        name,
        allowance,
        per: MINUTE,
        refill: Refill::Window,
        toll,
        signals,
    };
    let all = bucket("requests a minute", 100, all as fn(&Method, &str) -> u32, signals);
    Rates {
        buckets: Cow::Owned(vec![all, bucket("writes a minute", 20, writes, None)]),
        at_once: 8,
        refused_by: &["secondary rate limit"],
        refusal_holds: RefusalHolds::Credential,
        not_modified_is_free: true,
    }
}

/// The time of a test's runtime, which passes by itself when all wait.
struct Passing(Instant);

impl Passing {
    fn new() -> Arc<Self> {
        Arc::new(Self(Instant::now()))
    }
}

#[async_trait]
impl Clock for Passing {
    fn now(&self) -> Timestamp {
        let gone = i64::try_from(self.0.elapsed().as_millis()).unwrap();
        Timestamp::from_millisecond(1_000_000_000_000 + gone).unwrap()
    }
    async fn sleep(&self, how_long: Duration) {
        tokio::time::sleep(how_long).await;
    }
    fn chance(&self) -> f64 {
        0.5
    }
}

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Listener for Heard {
    fn on(&self, event: &Event) {
        if let Event::Waiting { reason, until } = event {
            self.0.lock().unwrap().push(format!("{reason} until {until}"));
        }
    }
}

/// What a host keeps of one token.
struct Host {
    clock: Arc<Passing>,
    limit: u32,
    window: Mutex<(i64, u32)>,
    writes: Mutex<Vec<i64>>,
    served: Mutex<u32>,
    refused: Mutex<u32>,
    latency: Duration,
    is_told: bool,
}

impl Host {
    fn new(clock: &Arc<Passing>, limit: u32) -> Arc<Self> {
        Arc::new(Self {
            clock: Arc::clone(clock),
            limit,
            window: Mutex::default(),
            writes: Mutex::default(),
            served: Mutex::default(),
            refused: Mutex::default(),
            latency: Duration::from_millis(50),
            is_told: true,
        })
    }

    /// One that tells of its limit only by refusing.
    fn untold(clock: &Arc<Passing>, limit: u32) -> Arc<Self> {
        let host = Arc::into_inner(Self::new(clock, limit)).unwrap();
        Arc::new(Self { is_told: false, ..host })
    }

    /// Counts in windows of its own, and, where it tells so, writes in any stretch of a minute.
    fn count(&self, method: &Method) -> (bool, HeaderMap) {
        let now = self.clock.now().as_second();
        let mut window = self.window.lock().unwrap();
        if now >= window.0 {
            *window = (now - now % 60 + 60, 0);
        }
        let mut writes = self.writes.lock().unwrap();
        writes.retain(|it| *it > now - 60);
        let is_write = *method == Method::POST;
        let has_room = !self.is_told || writes.len() < 20;
        let serves = window.1 < self.limit && (!is_write || has_room);
        if serves {
            window.1 += 1;
            if is_write {
                writes.push(now);
            }
        }
        let pairs = [
            ("x-limit", i64::from(self.limit)),
            ("x-remaining", i64::from(self.limit - window.1)),
            ("x-reset", window.0),
        ];
        let wait = [("retry-after", window.0 - now)];
        let pairs = match (self.is_told, serves) {
            (true, _) => &pairs[..],
            (false, true) => &[],
            (false, false) => &wait,
        };
        let headers = pairs.iter().map(|(name, it)| (name.parse().unwrap(), (*it).into()));
        (serves, headers.collect())
    }
}

#[async_trait]
impl Transport for Host {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        tokio::time::sleep(self.latency / 2).await;
        let (serves, headers) = self.count(&request.method);
        tokio::time::sleep(self.latency / 2).await;
        *if serves { &self.served } else { &self.refused }.lock().unwrap() += 1;
        let status = if serves { StatusCode::OK } else { StatusCode::TOO_MANY_REQUESTS };
        Ok(Answer::whole(status, headers, request.url, Bytes::new(), request.operation))
    }
}

fn member(rates: Rates, host: &Arc<Host>) -> Member<Arc<Host>> {
    Member { budget: Arc::new(Budget::new(rates)), transport: Arc::clone(host) }
}

fn request(method: Method) -> Request {
    Request::new(method, "https://h.example/i".parse().unwrap(), "read")
}

async fn send_many(throttle: &Throttle<Arc<Host>>, method: Method, times: usize) {
    let sends = (0..times).map(|_| async { throttle.send(request(method.clone())).await });
    let all: Vec<_> = futures::stream::iter(sends).buffer_unordered(50).collect().await;
    assert_eq!(all.len(), times);
}

#[tokio::test(start_paused = true)]
async fn a_host_is_asked_as_often_as_it_allows_and_never_refuses() {
    for signals in [None, Some(&SIGNALS)] {
        let clock = Passing::new();
        let host = Host::new(&clock, 100);
        let heard = Arc::new(Heard::default());
        let members = vec![member(rates(signals), &host)];
        let throttle = Throttle::new(members, Arc::clone(&clock) as _, Arc::clone(&heard) as _);

        send_many(&throttle, Method::GET, 1_000).await;

        assert_eq!((*host.served.lock().unwrap(), *host.refused.lock().unwrap()), (1_000, 0));
        // Ten windows of a minute, of which the first is free.
        let took = clock.0.elapsed().as_secs();
        assert!(took <= 9 * 60 * 20 / 19, "{took} s");
        assert!(
            heard.0.lock().unwrap()[0].starts_with("h.example limits requests a minute until 2")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn reading_goes_on_while_writing_waits() {
    let clock = Passing::new();
    let host = Host::new(&clock, 100);
    let throttle =
        Throttle::new(vec![member(rates(None), &host)], clock.clone() as _, Arc::new(()));
    send_many(&throttle, Method::POST, 20).await;

    let writing = throttle.send(request(Method::POST));
    let reading = async {
        send_many(&throttle, Method::GET, 40).await;
        clock.0.elapsed()
    };
    let (written, read_after) = tokio::join!(writing, reading);

    assert_eq!(written.unwrap().status, StatusCode::OK);
    assert!(read_after < MINUTE / 2 && clock.0.elapsed() >= MINUTE);
    assert_eq!(*host.refused.lock().unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn tokens_are_used_evenly_and_each_has_its_own_budget() {
    let clock = Passing::new();
    let hosts: Vec<_> = (0..3).map(|_| Host::new(&clock, 100)).collect();
    let members = hosts.iter().map(|it| member(rates(Some(&SIGNALS)), it)).collect();
    let throttle = Throttle::new(members, Arc::clone(&clock) as _, Arc::new(()));

    send_many(&throttle, Method::GET, 300).await;

    assert!(clock.0.elapsed() < MINUTE);
    for host in &hosts {
        let served = *host.served.lock().unwrap();
        assert!((95..=100).contains(&served), "{served}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_allows_less_than_it_publishes_is_heeded() {
    let clock = Passing::new();
    let host = Host::new(&clock, 30);
    let members = vec![member(rates(Some(&SIGNALS)), &host)];
    let throttle = Throttle::new(members, Arc::clone(&clock) as _, Arc::new(()));

    send_many(&throttle, Method::GET, 300).await;

    assert_eq!((*host.served.lock().unwrap(), *host.refused.lock().unwrap()), (300, 0));
}

#[tokio::test(start_paused = true)]
async fn no_more_are_under_way_than_may_be() {
    let clock = Passing::new();
    let host = Host::new(&clock, 100);
    let members = vec![member(rates(None), &host)];
    let throttle = Throttle::new(members, Arc::clone(&clock) as _, Arc::new(()));

    send_many(&throttle, Method::GET, 80).await;

    // Eight at once, at 50 ms each.
    assert_eq!(clock.0.elapsed().as_millis(), 500);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_nobody_told_is_learnt_from_refusals() {
    let clock = Passing::new();
    let host = Host::untold(&clock, 400);
    let rates = Rates { at_once: 16, ..Rates::UNLIMITED };
    let throttle = Throttle::new(vec![member(rates, &host)], Arc::clone(&clock) as _, Arc::new(()));
    let throttle = crate::Retry::new(
        throttle,
        crate::Policy::default(),
        Arc::clone(&clock) as _,
        Arc::new(()),
    );

    let sends = (0..4_000).map(|_| async { throttle.send(request(Method::POST)).await });
    let all: Vec<_> = futures::stream::iter(sends).buffer_unordered(16).collect().await;

    assert!(all.iter().all(Result::is_ok));
    // No more than were under way, once in a window that had begun before, and once in a whole one.
    let refused = *host.refused.lock().unwrap();
    assert!((1..=32).contains(&refused), "{refused}");
    let (took, ideal) = (clock.0.elapsed().as_secs(), 9 * 60);
    assert!(took <= ideal * 20 / 19, "{took} s");
}

/// A budget as a process of its own has it, which shares what it knows with others.
fn shared(common: &Arc<impl Common + 'static>, rates: &Rates) -> Arc<Budget> {
    let budgets = Budgets::default();
    assert!(budgets.share(Arc::clone(common) as _, "salt".to_owned()));
    let origin = Origin::of(&"https://h.example".parse().unwrap()).unwrap();
    let token = Credentials::Bearer(packhorse_core::Secret::new("hunter2"));
    budgets.of(&origin, Some(&token), rates).unwrap()
}

#[tokio::test(start_paused = true)]
async fn processes_together_ask_no_more_often_than_one_may() {
    for signals in [None, Some(&SIGNALS)] {
        let (clock, desk) = (Passing::new(), Arc::new(Desk::default()));
        let host = Host::new(&clock, 100);
        let process = || {
            let budget = shared(&desk, &rates(signals));
            let members = vec![Member { budget, transport: Arc::clone(&host) }];
            Throttle::new(members, Arc::clone(&clock) as _, Arc::new(()))
        };
        let all: Vec<_> = (0..4).map(|_| process()).collect();

        let sending = all.iter().map(|it| send_many(it, Method::GET, 250));
        futures::future::join_all(sending).await;

        let told = signals.is_some();
        let counts = (*host.served.lock().unwrap(), *host.refused.lock().unwrap());
        assert_eq!(counts, (1_000, 0), "told: {told}");
        let took = clock.0.elapsed().as_secs();
        assert!(took <= 9 * 60 * 20 / 19, "{took} s");
    }
}

#[tokio::test]
async fn processes_together_have_no_more_under_way_than_one_may() {
    let desk = Arc::new(Desk::default());
    let rates = Rates { at_once: 8, ..rates(None) };
    let processes: Vec<_> = (0..3).map(|_| shared(&desk, &rates)).collect();

    let wish = Wish { method: &Method::GET, path: "/", is_first: false };
    // Each hears of the others when it asks next.
    for _ in 0..2 {
        for it in &processes {
            assert!(it.admit(wish, Timestamp::UNIX_EPOCH).await);
            it.ended(None);
        }
    }

    for it in &processes {
        assert_eq!(it.at_once().available_permits(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_one_process_was_refused_holds_all_back() {
    let (clock, desk) = (Passing::new(), Arc::new(Desk::default()));
    let process = |words| {
        let transport = Refuses(Mutex::new(words));
        let members = vec![Member { budget: shared(&desk, &rates(None)), transport }];
        Throttle::new(members, Arc::clone(&clock) as _, Arc::new(()))
    };
    let (one, other) = (process(Some("secondary rate limit")), process(None));

    one.send(request(Method::GET)).await.unwrap_err();
    other.send(request(Method::GET)).await.unwrap();

    assert!(clock.0.elapsed() >= MINUTE);
}

/// A place that can go away.
#[derive(Default)]
struct Fickle {
    desk: Desk,
    is_away: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl Common for Fickle {
    async fn change(&self, account: &str, step: Change<'_>) -> Result<(), CommonError> {
        match self.is_away.load(std::sync::atomic::Ordering::SeqCst) {
            true => Err("it is away".into()),
            false => self.desk.change(account, step).await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_counted_alone_is_told_when_the_place_is_back() {
    let (clock, place) = (Passing::new(), Arc::new(Fickle::default()));
    let host = Host::new(&clock, 100);
    let process = || {
        let budget = shared(&place, &rates(None));
        let members = vec![Member { budget, transport: Arc::clone(&host) }];
        Throttle::new(members, Arc::clone(&clock) as _, Arc::new(()))
    };
    let (one, other) = (process(), process());
    let set = |it| place.is_away.store(it, std::sync::atomic::Ordering::SeqCst);

    send_many(&one, Method::GET, 40).await;
    set(true);
    send_many(&one, Method::GET, 50).await;
    set(false);
    tokio::time::sleep(Duration::from_secs(6)).await;
    send_many(&one, Method::GET, 1).await;
    send_many(&other, Method::GET, 20).await;

    assert_eq!((*host.served.lock().unwrap(), *host.refused.lock().unwrap()), (111, 0));
    assert!(clock.0.elapsed() >= MINUTE, "the last had to wait for what went first");
}

/// Answers 403 with these words, once; then 200.
struct Refuses(Mutex<Option<&'static str>>);

#[async_trait]
impl Transport for Refuses {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        let words = self.0.lock().unwrap().take();
        let status = if words.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
        let body = Bytes::from_static(words.unwrap_or_default().as_bytes());
        Ok(Answer::whole(status, HeaderMap::new(), request.url, body, request.operation))
    }
}

fn refusing(words: &'static str, clock: &Arc<Passing>) -> Throttle<Refuses> {
    let budget = Arc::new(Budget::new(rates(None)));
    let transport = Refuses(Mutex::new(Some(words)));
    let members = vec![Member { budget, transport }];
    Throttle::new(members, Arc::clone(clock) as _, Arc::new(()))
}

#[tokio::test(start_paused = true)]
async fn a_secondary_limit_is_known_by_its_words_and_holds_everything_back() {
    let clock = Passing::new();
    let throttle = refusing(r#"{"message":"You have exceeded a Secondary Rate Limit."}"#, &clock);

    let error = throttle.send(request(Method::GET)).await.unwrap_err();
    assert_eq!(error.kind, packhorse_core::HostErrorKind::RateLimited);
    assert!(
        matches!(Unanswered::of(&error), Some(Unanswered::Limited { wait }) if *wait == MINUTE)
    );

    throttle.send(request(Method::GET)).await.unwrap();
    assert!(clock.0.elapsed() >= MINUTE);
}

#[tokio::test(start_paused = true)]
async fn a_403_that_is_about_rights_stays_one_with_its_words() {
    let clock = Passing::new();
    let throttle = refusing("Resource not accessible", &clock);

    let answer = throttle.send(request(Method::GET)).await.unwrap();

    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.bytes(100).await.unwrap(), "Resource not accessible");
}

#[tokio::test(start_paused = true)]
async fn a_retry_behind_it_goes_with_another_token_at_once() {
    let clock = Passing::new();
    let member = |words| Member {
        budget: Arc::new(Budget::new(rates(None))),
        transport: Refuses(Mutex::new(words)),
    };
    let members = vec![member(Some("secondary rate limit")), member(None)];
    let throttle = Throttle::new(members, Arc::clone(&clock) as _, Arc::new(()));
    let retry = crate::Retry::new(
        throttle,
        crate::Policy::default(),
        Arc::clone(&clock) as _,
        Arc::new(()),
    );

    let answer = retry.send(request(Method::POST)).await.unwrap();

    assert_eq!(answer.status, StatusCode::OK);
    assert!(clock.0.elapsed() < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_forecast_comes_true() {
    let clock = Passing::new();
    let host = Host::new(&clock, 100);
    let throttle =
        Throttle::new(vec![member(rates(None), &host)], clock.clone() as _, Arc::new(()));
    let work = Work::default().and(Method::POST, "/i", 110).and(Method::GET, "/i", 50);
    let pace = Pace { latency: host.latency, at_once: 8 };
    let told = throttle.forecast(&work, pace).unwrap();
    assert_eq!(told.critical, Some("writes a minute"));

    tokio::join!(send_many(&throttle, Method::POST, 110), send_many(&throttle, Method::GET, 50));

    let ratio = clock.0.elapsed().as_secs_f64() / told.duration.as_secs_f64();
    assert!((0.8..1.2).contains(&ratio), "{ratio}");
}
