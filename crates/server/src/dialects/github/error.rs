//! Refusals in GitHub's words.

use crate::{auth::Denied, service::ServiceError, store::StoreError};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use packhorse_core::{HostError, error::chain};
use serde_json::{Value, json};

/// Where the API is described.
const DOCUMENTATION: &str = "https://docs.github.com/rest/migrations";

/// A refusal.
#[derive(Debug)]
pub(super) struct GithubError {
    status: StatusCode,
    message: String,
    errors: Vec<Value>,
}

impl GithubError {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), errors: Vec::new() }
    }

    /// Nothing is there, or nothing that the caller may see.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    /// The body is no JSON object.
    pub(super) fn not_json() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Problems parsing JSON")
    }

    /// The body has the wrong shape.
    pub(super) fn shape(why: &str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, format!("Invalid request.\n\n{why}"))
    }

    /// A field of a migration cannot be as it is.
    pub(super) fn invalid(field: &str, message: String) -> Self {
        let error =
            json!({"resource": "Migration", "field": field, "code": "invalid", "message": message});
        Self {
            errors: vec![error],
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Validation Failed")
        }
    }
}

impl From<Denied> for GithubError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Missing => Self::new(StatusCode::UNAUTHORIZED, "Requires authentication"),
            Denied::Unknown => Self::new(StatusCode::UNAUTHORIZED, "Bad credentials"),
            Denied::Scope => {
                let message = "Resource not accessible by personal access token";
                Self::new(StatusCode::FORBIDDEN, message)
            }
            Denied::Store(error) => error.into(),
        }
    }
}

impl From<ServiceError> for GithubError {
    fn from(error: ServiceError) -> Self {
        tracing::error!(error = chain(&error), "a request failed");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable")
    }
}

impl From<StoreError> for GithubError {
    fn from(error: StoreError) -> Self {
        ServiceError::from(error).into()
    }
}

impl From<HostError> for GithubError {
    fn from(error: HostError) -> Self {
        ServiceError::from(error).into()
    }
}

impl IntoResponse for GithubError {
    fn into_response(self) -> Response {
        let mut body = json!({
            "message": self.message,
            "documentation_url": DOCUMENTATION,
            "status": self.status.as_u16().to_string(),
        });
        if !self.errors.is_empty() {
            body["errors"] = self.errors.into();
        }
        (self.status, Json(body)).into_response()
    }
}
