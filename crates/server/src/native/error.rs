//! Refusals, as RFC 9457 has them.

use crate::{auth::Denied, service::ServiceError, store::StoreError};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use packhorse_core::{HostError, HostErrorKind, error::chain, port::JournalError};
use packhorse_engine::{EngineError, report::ReportError};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// A refusal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The status in words.
    title: String,
    /// The status.
    status: u16,
    /// What is the matter, for people.
    detail: String,
    /// Seconds after which it may be tried again.
    #[serde(skip)]
    retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or_default().to_owned();
        Self { title, status: status.as_u16(), detail: detail.into(), retry_after: None }
    }

    /// What is the matter.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The status.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// There is no such job, or none that the caller may see.
    pub(crate) fn no_job() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is no such job")
    }

    /// What was sent cannot be as it is.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// The job is not in a state for that.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// It was asked for too often.
    pub(crate) fn too_many(wait: Duration) -> Self {
        let seconds = wait.as_secs().max(1);
        let detail = format!("that was asked for too often; try again in {seconds} seconds");
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// A place cannot be used.
    pub(crate) fn place(which: &str, error: &HostError) -> Self {
        let status = match error.kind {
            HostErrorKind::RateLimited | HostErrorKind::Unavailable => StatusCode::BAD_GATEWAY,
            HostErrorKind::Unauthorized
            | HostErrorKind::Forbidden
            | HostErrorKind::NotFound
            | HostErrorKind::Conflict
            | HostErrorKind::Rejected
            | HostErrorKind::Protocol
            | HostErrorKind::Unsupported => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, format!("the {which} cannot be used: {}", chain(error)))
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Missing => Self::new(StatusCode::UNAUTHORIZED, "a token is needed"),
            Denied::Unknown => {
                Self::new(StatusCode::UNAUTHORIZED, "the token is not good, or not any more")
            }
            Denied::Scope => {
                Self::new(StatusCode::FORBIDDEN, "the token's scope does not cover that")
            }
            Denied::Store(error) => error.into(),
        }
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Source(error) => Self::place("source", &error),
            ServiceError::Destination(error) => Self::place("destination", &error),
            error @ (ServiceError::Store(_)
            | ServiceError::Key(_)
            | ServiceError::Journal(_)
            | ServiceError::Host(_)
            | ServiceError::Storage(_)
            | ServiceError::System { .. }) => {
                tracing::error!(error = chain(&error), "a request failed");
                let why = "the service cannot answer now; its log says why";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, why)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        ServiceError::from(error).into()
    }
}

impl From<JournalError> for Problem {
    fn from(error: JournalError) -> Self {
        ServiceError::from(error).into()
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        tracing::error!(error = chain(&error), "a request failed");
        let why = "the service cannot answer now; its log says why";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, why)
    }
}

impl From<ReportError> for Problem {
    fn from(error: ReportError) -> Self {
        tracing::error!(error = chain(&error), "a report could not be made");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the report cannot be made now")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry_after) = (self.status(), self.retry_after);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
