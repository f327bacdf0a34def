//! Refusals in GitLab's words.

use crate::{auth::Denied, service::ServiceError, store::StoreError};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use packhorse_core::{HostError, error::chain};
use serde_json::{Value, json};

/// A refusal.
#[derive(Debug)]
pub(super) struct GitlabError {
    status: StatusCode,
    body: Value,
    /// Seconds after which it may be tried again.
    retry_after: Option<u64>,
}

impl GitlabError {
    fn message(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, body: json!({"message": message.into()}), retry_after: None }
    }

    /// Parameters are missing or of the wrong form.
    pub(super) fn parameters(error: impl Into<String>) -> Self {
        let body = json!({"error": error.into()});
        Self { status: StatusCode::BAD_REQUEST, body, retry_after: None }
    }

    /// Status and text, for tests.
    #[cfg(test)]
    pub(super) fn told(&self) -> (u16, &str) {
        let text = self.body.get("error").or(self.body.get("message"));
        (self.status.as_u16(), text.and_then(Value::as_str).unwrap_or_default())
    }

    /// What was asked for cannot be.
    pub(super) fn unprocessable(message: impl Into<String>) -> Self {
        Self::message(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    /// Nothing is there, or nothing that the caller may see.
    pub(super) fn not_found() -> Self {
        Self::message(StatusCode::NOT_FOUND, "404 Not Found")
    }

    /// It was asked for too often.
    pub(super) fn too_many(retry_after: u64) -> Self {
        let error = "This endpoint has been requested too many times. Try again later.";
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            body: json!({"message": {"error": error}}),
            retry_after: Some(retry_after),
        }
    }
}

impl From<Denied> for GitlabError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Missing | Denied::Unknown => {
                Self::message(StatusCode::UNAUTHORIZED, "401 Unauthorized")
            }
            Denied::Scope => Self {
                status: StatusCode::FORBIDDEN,
                body: json!({
                    "error": "insufficient_scope",
                    "error_description":
                        "The request requires higher privileges than provided by the access token.",
                    "scope": "api",
                }),
                retry_after: None,
            },
            Denied::Store(error) => error.into(),
        }
    }
}

impl From<ServiceError> for GitlabError {
    fn from(error: ServiceError) -> Self {
        tracing::error!(error = chain(&error), "a request failed");
        Self::message(StatusCode::SERVICE_UNAVAILABLE, "503 Service Unavailable")
    }
}

impl From<StoreError> for GitlabError {
    fn from(error: StoreError) -> Self {
        ServiceError::from(error).into()
    }
}

impl From<HostError> for GitlabError {
    fn from(error: HostError) -> Self {
        ServiceError::from(error).into()
    }
}

impl IntoResponse for GitlabError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
