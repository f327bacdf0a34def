//! Says what is asked and how it went, without a secret.

use crate::{
    redact::shown,
    transport::{Answer, Request, Transport},
};
use async_trait::async_trait;
use packhorse_core::HostError;
use std::time::Instant;
use tracing::{Instrument, debug, debug_span};

/// Says what is asked and how it went, without a secret.
///
/// A request is a span `http`, with its end as an event. Of the URL, user,
/// password, fragment and the values of unknown parameters are left out; of
/// headers and bodies nothing is told.
pub struct Trace<T> {
    inner: T,
}

impl<T> Trace<T> {
    /// Around `inner`.
    pub fn new(inner: T) -> Self {
        Self { inner }
    }
}

#[async_trait]
impl<T: Transport> Transport for Trace<T> {
    async fn send(&self, request: Request) -> Result<Answer, HostError> {
        let span = debug_span!(
            "http",
            operation = request.operation,
            method = %request.method,
            url = %shown(&request.url),
        );
        let begun = Instant::now();
        async {
            let result = self.inner.send(request).await;
            let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            match &result {
                Ok(answer) => debug!(status = answer.status.as_u16(), took_ms, "answered"),
                // SECURITY: errors of a transport name shown URLs alone.
                Err(error) => debug!(%error, took_ms, "not answered"),
            }
            result
        }
        .instrument(span)
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
    use std::{
        fmt::{Debug, Write},
        sync::{Arc, Mutex},
    };
    use tracing::{
        Event, Metadata, Subscriber,
        field::{Field, Visit},
        span,
    };

    /// Writes down everything that anybody says.
    #[derive(Clone, Default)]
    struct Said(Arc<Mutex<String>>);

    impl Visit for Said {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            write!(self.0.lock().unwrap(), "{field}={value:?} ").unwrap();
        }
    }

    impl Subscriber for Said {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
            span.record(&mut self.clone());
            span::Id::from_u64(1)
        }
        fn record(&self, _: &span::Id, values: &span::Record<'_>) {
            values.record(&mut self.clone());
        }
        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
        fn event(&self, event: &Event<'_>) {
            event.record(&mut self.clone());
        }
        fn enter(&self, _: &span::Id) {}
        fn exit(&self, _: &span::Id) {}
    }

    struct Teapot;

    #[async_trait]
    impl Transport for Teapot {
        async fn send(&self, request: Request) -> Result<Answer, HostError> {
            let headers = HeaderMap::from_iter([(
                HeaderName::from_static("set-cookie"),
                HeaderValue::from_static("session=canary"),
            )]);
            let body = Bytes::from_static(b"canary");
            Ok(Answer::whole(StatusCode::IM_A_TEAPOT, headers, request.url, body, "read"))
        }
    }

    #[test]
    fn what_is_asked_is_said_and_no_secret_is() {
        let said = Said::default();
        let url = "https://me:canary@h.example/i?page=2&private_token=canary#canary";
        let canary = HeaderValue::from_static("canary");
        let request = Request::new(Method::GET, url.parse().unwrap(), "read issues")
            .header(http::header::AUTHORIZATION, canary)
            .json(&"canary")
            .unwrap();

        tracing::subscriber::with_default(said.clone(), || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(Trace::new(Teapot).send(request)).unwrap();
        });

        let said = said.0.lock().unwrap().clone();
        for part in ["read issues", "GET", "h.example/i?page=2", "status=418"] {
            assert!(said.contains(part), "{part} in {said}");
        }
        assert!(!said.contains("canary"), "{said}");
    }
}
