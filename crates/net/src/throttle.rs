//! Asks no more often than the host allows, with one token or with several.

use crate::{
    budget::{Admission, Budget, First, Forecast, Pace, Wish, Work, of_quotas},
    clock::{Clock, until},
    transport::{Answer, Reading, Request, Transport},
    unanswered::Unanswered,
    urgency,
    wait::retry_after,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use http::{Method, StatusCode};
use jiff::Timestamp;
use packhorse_core::{Event, HostError, Listener};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::OwnedSemaphorePermit;

/// What of a refusal is read, in bytes.
const MAX_REFUSAL: u64 = 64 << 10;
/// Waits shorter than this are not worth telling.
const WORTH_TELLING: Duration = Duration::from_secs(1);
/// Who waits for the same moment comes back within this long of it, at 50 a second.
const SPREAD: Duration = Duration::from_millis(250);

/// One token: its budget, and the transport that sends with it.
pub struct Member<T> {
    /// What it may still ask.
    pub budget: Arc<Budget>,
    /// What sends with it.
    pub transport: T,
}

/// Asks no more often than the host allows.
///
/// Several tokens are a pool: each request goes with the one that has most
/// left of what the request needs, so that all are used evenly.
pub struct Throttle<T> {
    members: Vec<Member<T>>,
    clock: Arc<dyn Clock>,
    listener: Arc<dyn Listener>,
    told: Mutex<Timestamp>,
}

/// A request under way; ends its share when it is let go of, however that comes.
struct UnderWay {
    budget: Arc<Budget>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.budget.ended(self.permit.take());
    }
}

impl<T> Throttle<T> {
    /// Around one transport for each token; the listener hears of waits.
    pub fn new(
        members: Vec<Member<T>>,
        clock: Arc<dyn Clock>,
        listener: Arc<dyn Listener>,
    ) -> Self {
        Self { members, clock, listener, told: Mutex::new(Timestamp::MIN) }
    }

    /// How long `work` takes with what these tokens have left just now.
    pub fn forecast(&self, work: &Work, pace: Pace) -> Option<Forecast> {
        let now = self.clock.now();
        let quotas: Vec<_> = self.members.iter().map(|it| it.budget.quotas(now)).collect();
        let rates = self.members.first()?.budget.rates();
        Some(of_quotas(rates, work, &quotas, pace))
    }

    /// The token to send with, once it may be sent.
    async fn choose(
        &self,
        wish: Wish<'_>,
        host: &str,
    ) -> Result<(&Member<T>, UnderWay), &'static str> {
        let mut kept: Vec<First> = Vec::new();
        loop {
            let now = self.clock.now();
            let looks = self.members.iter().map(|it| (it, it.budget.look(wish, now)));
            let (mut best, mut earliest) = (None, None);
            for (member, admission) in looks {
                match admission {
                    Admission::Now { left, asked } => {
                        let is_better =
                            best.as_ref().is_none_or(|(_, most, least): &(_, f64, u64)| {
                                left > *most || (left == *most && asked < *least)
                            });
                        if is_better {
                            best = Some((member, left, asked));
                        }
                    }
                    Admission::NotBefore { until, bucket } => {
                        if wish.is_first && !kept.iter().any(|it| it.keeps(&member.budget, bucket))
                        {
                            kept.push(member.budget.before_others(bucket));
                        }
                        if earliest.is_none_or(|(it, _)| until < it) {
                            earliest = Some((until, bucket));
                        }
                    }
                }
            }
            if let Some((member, _, _)) = best {
                if let Some(under_way) = self.enter(member, wish).await? {
                    return Ok((member, under_way));
                }
            } else {
                let (moment, bucket) = earliest.ok_or("there is no token to ask with")?;
                // Who goes first is there when the moment comes, and before all others.
                let spread = if wish.is_first { Duration::ZERO } else { SPREAD };
                self.wait((now, moment), spread, bucket, host).await;
            }
        }
    }

    /// Takes the request's share; `None` when others were quicker.
    async fn enter(
        &self,
        member: &Member<T>,
        wish: Wish<'_>,
    ) -> Result<Option<UnderWay>, &'static str> {
        let budget = &member.budget;
        let permit = budget.at_once().acquire_owned().await;
        let permit = permit.map_err(|_| "the budget is closed")?;
        let is_admitted = budget.admit(wish, self.clock.now()).await;
        Ok(is_admitted.then(|| UnderWay { budget: Arc::clone(budget), permit: Some(permit) }))
    }

    async fn wait(
        &self,
        (now, moment): (Timestamp, Timestamp),
        spread: Duration,
        bucket: &'static str,
        host: &str,
    ) {
        let how_long = until(now, moment);
        let is_news = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            let is_news = how_long >= WORTH_TELLING && moment > *told;
            *told = (*told).max(moment);
            is_news
        };
        if is_news {
            let reason = format!("{host} limits {bucket}");
            crate::news::tell(
                &*self.listener,
                &Event::Waiting { reason, until: moment.to_string() },
            );
        }
        self.clock.sleep(how_long.saturating_add(spread.mul_f64(self.clock.chance()))).await;
    }

    /// Takes up what an answer says of limits.
    async fn heed(
        &self,
        answer: Answer,
        member: &Member<T>,
        method: &Method,
        path: &str,
    ) -> Result<Answer, HostError> {
        let now = self.clock.now();
        let budget = &member.budget;
        if answer.status == StatusCode::NOT_MODIFIED && budget.rates().not_modified_is_free {
            budget.give_back(method, path, now).await;
        }
        budget.learn(method, path, &answer.headers, now).await;
        let Answer { status, headers, url, body, operation } = answer;
        let (is_refusal, body) = match budget.is_refusal(status, &headers) {
            Some(is_refusal) => (is_refusal, body),
            None => {
                let whole =
                    Answer { status, headers: headers.clone(), url: url.clone(), body, operation };
                let words = whole.bytes(MAX_REFUSAL).await.unwrap_or_else(|_| Bytes::new());
                let is_refusal = budget.speaks_of_limit(&words);
                (
                    is_refusal,
                    Answer::whole(status, headers.clone(), url.clone(), words, operation).body,
                )
            }
        };
        if is_refusal {
            let wait = budget.refused(method, path, retry_after(&headers, now), now).await;
            return Err(Unanswered::Limited { wait }.into_error(operation, &url));
        }
        budget.answered(status.is_success(), now).await;
        Ok(Answer { status, headers, url, body, operation })
    }
}

#[async_trait]
impl<T: Transport> Transport for Throttle<T> {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        let (method, path) = (request.method.clone(), request.url.path().to_owned());
        let (operation, url, reading) = (request.operation, request.url.clone(), request.reading);
        let host = url.host_str().unwrap_or_default();
        let wish = Wish { method: &method, path: &path, is_first: urgency::is_first() };
        let (member, under_way) = self
            .choose(wish, host)
            .await
            .map_err(|why| Unanswered::Address(why).into_error(operation, &url))?;
        let answer = member.transport.send(request).await?;
        let mut answer = self.heed(answer, member, &method, &path).await?;
        if reading == Reading::Streamed {
            // It is under way until its body is.
            let body = answer.body;
            answer.body = Box::pin(body.inspect(move |_| {
                let _held = &under_way;
            }));
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests;
