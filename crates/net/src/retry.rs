//! Tries again what can be tried again, after a wait.

use crate::{
    clock::{Clock, later},
    transport::{Answer, Request, Transport},
    unanswered::Unanswered,
    wait::retry_after,
};
use async_trait::async_trait;
use http::StatusCode;
use packhorse_core::{Event, HostError, HostErrorKind, Listener, Retry as Again};
use std::{sync::Arc, time::Duration};

/// How often, and how long apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Tries in all, the first one included, while the host is in trouble.
    pub tries: u32,
    /// How often in a row a host may say that we ask too often.
    pub refusals: u32,
    /// The first wait is at most this long; each further one may be twice as long.
    pub first: Duration,
    /// No wait that we choose ourselves is longer.
    pub longest: Duration,
    /// A host that asks for a longer wait is given up instead.
    pub patience: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            tries: 6,
            refusals: 12,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(60),
            // Longer than the longest published window, an hour.
            patience: Duration::from_secs(75 * 60),
        }
    }
}

impl Policy {
    /// Exponential back-off with full jitter, for the wait after so many tries.
    fn wait(&self, tries: u32, chance: f64) -> Duration {
        let factor = 1u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX);
        let most = self.first.saturating_mul(factor).min(self.longest);
        most.mul_f64(chance.clamp(0.0, 1.0))
    }
}

/// Tries again what can be tried again.
///
/// A request is sent again when that cannot do anything twice: when it is
/// [`Request::repeatable`], or when the host cannot have seen it or has refused
/// it for its limits. A body that is a stream is never sent again.
pub struct Retry<T> {
    inner: T,
    policy: Policy,
    clock: Arc<dyn Clock>,
    listener: Arc<dyn Listener>,
}

/// What came of a try.
enum Verdict {
    /// That is it.
    Final,
    /// The host is in trouble; how long it asks to be left alone.
    Trouble(Option<Duration>),
    /// The host has refused it for its limits, and done nothing.
    Limited(Option<Duration>),
}

impl<T> Retry<T> {
    /// Around `inner`; the listener hears of waits.
    pub fn new(
        inner: T,
        policy: Policy,
        clock: Arc<dyn Clock>,
        listener: Arc<dyn Listener>,
    ) -> Self {
        Self { inner, policy, clock, listener }
    }

    fn judge(&self, result: &Result<Answer, HostError>, repeatable: bool) -> Verdict {
        match result {
            Ok(answer) => {
                let asked = retry_after(&answer.headers, self.clock.now());
                match answer.status {
                    StatusCode::TOO_MANY_REQUESTS => Verdict::Limited(asked),
                    StatusCode::REQUEST_TIMEOUT
                    | StatusCode::INTERNAL_SERVER_ERROR
                    | StatusCode::BAD_GATEWAY
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::GATEWAY_TIMEOUT
                        if repeatable =>
                    {
                        Verdict::Trouble(asked)
                    }
                    _ => Verdict::Final,
                }
            }
            Err(error) => {
                let arrived = Unanswered::of(error).is_none_or(Unanswered::may_have_arrived);
                match error.retry {
                    // Whoever found that out keeps the wait, or knows another token.
                    Again::After(_)
                        if matches!(Unanswered::of(error), Some(Unanswered::Limited { .. })) =>
                    {
                        Verdict::Limited(None)
                    }
                    Again::After(asked) if error.kind == HostErrorKind::RateLimited => {
                        Verdict::Limited(asked)
                    }
                    Again::After(asked) if repeatable || !arrived => Verdict::Trouble(asked),
                    Again::After(_) | Again::Never | Again::Exhausted(_) => Verdict::Final,
                }
            }
        }
    }

    /// Waits and tells so; `false` when the wait is longer than our patience.
    async fn wait(&self, how_long: Duration, reason: String) -> bool {
        if how_long > self.policy.patience {
            return false;
        }
        if how_long >= Duration::from_secs(1) {
            let until = later(self.clock.now(), how_long).to_string();
            crate::news::tell(&*self.listener, &Event::Waiting { reason, until });
        }
        self.clock.sleep(how_long).await;
        true
    }
}

#[async_trait]
impl<T: Transport> Transport for Retry<T> {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        let (mut request, mut tries, mut refusals) = (request, 0u32, 0u32);
        loop {
            let (repeatable, spare) = (request.repeatable, request.again());
            let result = self.inner.send(request).await;
            let (asked, is_over) = match self.judge(&result, repeatable) {
                Verdict::Final => return result,
                Verdict::Trouble(asked) => {
                    tries += 1;
                    (asked, tries >= self.policy.tries)
                }
                Verdict::Limited(asked) => {
                    refusals += 1;
                    (asked, refusals >= self.policy.refusals)
                }
            };
            let Some(next) = spare.filter(|_| !is_over) else {
                return exhausted(result, tries + refusals);
            };
            let own = self.policy.wait(tries + refusals, self.clock.chance());
            // All who were told the same moment would otherwise come back in it.
            let how_long = asked.map_or(own, |it| it.saturating_add(own.min(self.policy.first)));
            let host = next.url.host_str().unwrap_or_default();
            let reason = format!("{host} could not {} just now", next.operation);
            if !self.wait(how_long, reason).await {
                return exhausted(result, tries + refusals);
            }
            request = next;
        }
    }
}

/// Says how much was tried already.
fn exhausted(result: Result<Answer, HostError>, tries: u32) -> Result<Answer, HostError> {
    result.map_err(|mut error| {
        if tries > 1 {
            error.retry = Again::Exhausted(tries);
        }
        error
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Manual, transport::Body};
    use bytes::Bytes;
    use http::{HeaderMap, Method};
    use jiff::Timestamp;
    use std::{collections::VecDeque, sync::Mutex};
    use url::Url;

    /// What the host does, try by try; afterwards it answers 200.
    enum Does {
        Answers(u16),
        AnswersAfter(u16, &'static str),
        Refuses,
        Breaks,
    }

    #[derive(Default)]
    struct Script(Mutex<VecDeque<Does>>);

    #[async_trait]
    impl Transport for Script {
        async fn send(&self, request: Request) -> Result<Answer, HostError> {
            let answer = |status: u16, headers| {
                let status = StatusCode::from_u16(status).unwrap();
                Ok(Answer::whole(status, headers, request.url.clone(), Bytes::new(), "write"))
            };
            match self.0.lock().unwrap().pop_front() {
                None => answer(200, HeaderMap::new()),
                Some(Does::Answers(status)) => answer(status, HeaderMap::new()),
                Some(Does::AnswersAfter(status, after)) => {
                    let name = http::header::RETRY_AFTER;
                    answer(status, HeaderMap::from_iter([(name, after.parse().unwrap())]))
                }
                Some(Does::Refuses) => {
                    Err(Unanswered::Connect("refused".into()).into_error("write", &request.url))
                }
                Some(Does::Breaks) => {
                    Err(Unanswered::Connection("reset".into()).into_error("write", &request.url))
                }
            }
        }
    }

    #[derive(Default)]
    struct Heard(Mutex<Vec<Event>>);

    impl Listener for Heard {
        fn on(&self, event: &Event) {
            self.0.lock().unwrap().push(event.clone());
        }
    }

    struct Outcome {
        result: Result<u16, HostError>,
        slept: Vec<u64>,
        heard: Vec<Event>,
    }

    async fn run(method: Method, script: impl IntoIterator<Item = Does>) -> Outcome {
        let request = Request::new(method, Url::parse("https://h.example/i").unwrap(), "write");
        run_request(request, script).await
    }

    async fn run_request(request: Request, script: impl IntoIterator<Item = Does>) -> Outcome {
        let clock = Arc::new(Manual::new(Timestamp::UNIX_EPOCH, 1.0));
        let heard = Arc::new(Heard::default());
        let script = Script(Mutex::new(script.into_iter().collect()));
        let policy = Policy::default();
        let retry = Retry::new(script, policy, Arc::clone(&clock) as _, Arc::clone(&heard) as _);

        let result = retry.send(request).await.map(|it| it.status.as_u16());
        let slept = clock.slept().iter().map(|it| it.as_millis() as u64).collect();
        let heard = heard.0.lock().unwrap().clone();
        Outcome { result, slept, heard }
    }

    #[tokio::test]
    async fn waits_double_up_to_the_longest_with_the_chance_as_a_factor() {
        let policy = Policy::default();

        let waits: Vec<_> = [1, 2, 3, 7, 8, 9, 99].map(|it| policy.wait(it, 1.0)).into();

        assert_eq!(
            waits,
            [500, 1000, 2000, 32_000, 60_000, 60_000, 60_000].map(Duration::from_millis)
        );
        assert_eq!(policy.wait(3, 0.25), Duration::from_millis(500));
        assert_eq!(policy.wait(3, 0.0), Duration::ZERO);
    }

    #[tokio::test]
    async fn reading_goes_on_after_trouble() {
        let outcome = run(Method::GET, [Does::Answers(502), Does::Breaks, Does::Refuses]).await;

        assert_eq!(outcome.result.unwrap(), 200);
        assert_eq!(outcome.slept, [500, 1000, 2000]);
    }

    #[tokio::test]
    async fn writing_is_repeated_only_when_it_was_never_sent() {
        assert_eq!(run(Method::POST, [Does::Refuses]).await.result.unwrap(), 200);
        assert!(run(Method::POST, [Does::Breaks]).await.result.is_err());
        assert_eq!(run(Method::POST, [Does::Answers(502)]).await.result.unwrap(), 502);
        assert_eq!(run(Method::PUT, [Does::Answers(502)]).await.result.unwrap(), 200);
        assert_eq!(run(Method::POST, [Does::Answers(429)]).await.result.unwrap(), 200);
    }

    #[tokio::test]
    async fn a_post_that_only_asks_is_repeated() {
        let url = Url::parse("https://h.example/graphql").unwrap();
        let request = Request { repeatable: true, ..Request::new(Method::POST, url, "read") };

        assert_eq!(run_request(request, [Does::Breaks]).await.result.unwrap(), 200);
    }

    #[tokio::test]
    async fn a_stream_is_not_sent_again() {
        let url = Url::parse("https://h.example/i").unwrap();
        let bytes: packhorse_core::port::ByteStream = Box::pin(futures::stream::empty());
        let body = Body::Stream { bytes, length: None };
        let request = Request { body, ..Request::new(Method::PUT, url, "write") };

        let outcome = run_request(request, [Does::Answers(503)]).await;

        assert_eq!(outcome.result.unwrap(), 503);
        assert!(outcome.slept.is_empty());
    }

    #[tokio::test]
    async fn the_hosts_wish_is_kept_and_told_with_its_end() {
        let outcome = run(Method::GET, [Does::AnswersAfter(503, "120")]).await;

        assert_eq!(outcome.slept, [120_500]);
        let [Event::Waiting { reason, until }] = &outcome.heard[..] else { panic!() };
        assert_eq!(reason, "h.example could not write just now");
        assert_eq!(until, "1970-01-01T00:02:00.5Z");
    }

    #[tokio::test]
    async fn a_host_that_asks_for_a_day_is_given_up() {
        let outcome = run(Method::GET, [Does::AnswersAfter(503, "86400")]).await;

        assert_eq!(outcome.result.unwrap(), 503);
        assert!(outcome.slept.is_empty());
    }

    #[tokio::test]
    async fn tries_are_counted_and_end() {
        let outcome = run(Method::GET, (0..99).map(|_| Does::Breaks)).await;

        assert_eq!(outcome.result.unwrap_err().retry, Again::Exhausted(6));
        assert_eq!(outcome.slept.len(), 5);
    }

    #[tokio::test]
    async fn what_was_refused_for_good_is_not_tried_again() {
        for status in [400, 401, 403, 404, 409, 422, 501] {
            let outcome = run(Method::GET, [Does::Answers(status)]).await;

            assert_eq!(outcome.result.unwrap(), status);
        }
    }
}
