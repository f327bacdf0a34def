//! Tells somebody elsewhere that a job has ended: kept until it was told, signed, tried again.

use crate::{
    Service,
    key::sign_with,
    native::{job, wire::State},
    service::ServiceError,
    store::{Delivery, now_ms},
};
use data_encoding::HEXLOWER;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use packhorse_core::{Secret, error::chain};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use url::Url;

/// Where ends of jobs are told.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Address that is posted to.
    pub url: Url,
    /// What bodies are signed with.
    pub secret: Secret,
}

/// How often it is looked for something to tell.
const EVERY: Duration = Duration::from_secs(2);

/// Deliveries at a time.
const AT_ONCE: usize = 16;

/// Tries before a delivery is given up: more than a day, with the waits between them.
const MOST_TRIES: u32 = 30;

/// Wait after the first try, doubled after each, in milliseconds.
const FIRST_WAIT_MS: i64 = 5_000;

/// Longest wait between two tries, in milliseconds.
const LONGEST_WAIT_MS: i64 = 3_600_000;

/// Longest a receiver may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Delivers until `stopping` turns true.
pub(crate) async fn deliver(service: Arc<Service>, mut stopping: watch::Receiver<bool>) {
    let Some(hook) = service.config.webhook.clone() else { return };
    while !*stopping.borrow() {
        if let Err(error) = round(&service, &hook).await {
            tracing::error!(error = chain(&error), "deliveries met an error");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stopping.changed() => {}
        }
    }
}

async fn round(service: &Service, hook: &Webhook) -> Result<(), ServiceError> {
    for _ in 0..AT_ONCE {
        // One at a time, so that each has been made before anybody takes it for forgotten.
        let due = service.store.due(now_ms(), 1).await?;
        let Some(delivery) = due.into_iter().next() else { return Ok(()) };
        let told = match body(service, &delivery).await? {
            Some(body) => post(service, hook, &delivery, body).await,
            // Nobody knows the job any more.
            None => Ok(()),
        };
        let again = match told {
            Ok(()) => None,
            Err(why) if delivery.tries + 1 >= MOST_TRIES => {
                tracing::error!(job = delivery.job.0, why, "gave up telling of a job's end");
                None
            }
            Err(why) => {
                tracing::warn!(job = delivery.job.0, why, "could not tell of a job's end yet");
                Some(now_ms().saturating_add(wait_ms(delivery.tries)))
            }
        };
        service.store.delivered(delivery.id, again).await?;
    }
    Ok(())
}

fn wait_ms(tries: u32) -> i64 {
    FIRST_WAIT_MS.saturating_mul(1 << tries.min(20)).min(LONGEST_WAIT_MS)
}

async fn body(service: &Service, delivery: &Delivery) -> Result<Option<Vec<u8>>, ServiceError> {
    let Some((request, part)) = service.store.job(delivery.job).await? else { return Ok(None) };
    let Some(view) = service.job(part.job).await? else { return Ok(None) };
    let found = job::Found { request, part, view };
    let told = json!({
        "event": "job.ended",
        "delivery": delivery.id,
        "state": State::from(found.view.state),
        "job": job::shown(service, &found).await?,
    });
    Ok(Some(told.to_string().into_bytes()))
}

async fn post(
    service: &Service,
    hook: &Webhook,
    delivery: &Delivery,
    body: Vec<u8>,
) -> Result<(), String> {
    let mut headers = HeaderMap::new();
    let signature = format!("sha256={}", HEXLOWER.encode(&sign_with(&hook.secret, &body)));
    for (name, value) in [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (HeaderName::from_static("x-packhorse-event"), "job.ended".to_owned()),
        (HeaderName::from_static("x-packhorse-delivery"), delivery.id.to_string()),
        (HeaderName::from_static("x-packhorse-signature-256"), signature),
    ] {
        let value = HeaderValue::from_str(&value).map_err(|error| error.to_string())?;
        headers.insert(name, value);
    }
    let posted = service.places.post(&hook.url, headers, body);
    match tokio::time::timeout(PATIENCE, posted).await {
        Ok(Ok(status)) if status.is_success() => Ok(()),
        Ok(Ok(status)) => Err(format!("the receiver answered {status}")),
        Ok(Err(error)) => Err(chain(&error)),
        Err(_) => Err("the receiver did not answer in time".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_receivers_reckon() {
        // Source: RFC 4231, test case 2.
        let secret = Secret::new("Jefe");
        let signed = HEXLOWER.encode(&sign_with(&secret, b"what do ya want for nothing?"));
        assert_eq!(signed, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn waits_grow_and_end_within_two_days() {
        assert_eq!((wait_ms(0), wait_ms(1), wait_ms(40)), (5_000, 10_000, LONGEST_WAIT_MS));
        let all: i64 = (0..MOST_TRIES - 1).map(wait_ms).sum();
        assert!((12..48).contains(&(all / 3_600_000)), "{all}");
    }
}
