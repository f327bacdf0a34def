//! Refusals in Bitbucket's words.

use crate::{auth::Denied, service::ServiceError, store::StoreError};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use packhorse_core::{HostError, error::chain};
use serde_json::json;

/// A refusal.
#[derive(Debug)]
pub(super) struct BitbucketError {
    status: StatusCode,
    context: Option<&'static str>,
    message: String,
    exception: &'static str,
}

impl BitbucketError {
    fn new(status: StatusCode, message: impl Into<String>, exception: &'static str) -> Self {
        Self { status, context: None, message: message.into(), exception }
    }

    /// Something that was sent cannot be as it is.
    pub(super) fn invalid(context: &'static str, message: impl Into<String>) -> Self {
        let exception = "com.atlassian.bitbucket.validation.ArgumentValidationException";
        Self { context: Some(context), ..Self::new(StatusCode::BAD_REQUEST, message, exception) }
    }

    /// There is no such job, or none that the caller may see.
    pub(super) fn no_job() -> Self {
        let exception = "com.atlassian.bitbucket.NoSuchEntityException";
        Self::new(StatusCode::NOT_FOUND, "The specified job does not exist.", exception)
    }

    /// Nothing is there.
    pub(super) fn not_found() -> Self {
        let exception = "com.atlassian.bitbucket.NoSuchEntityException";
        Self::new(StatusCode::NOT_FOUND, "There is no such resource.", exception)
    }

    /// The job has ended.
    pub(super) fn has_ended() -> Self {
        let message = "The job was in a state that does not allow cancellation, e.g. it has already finished.";
        let exception = "com.atlassian.bitbucket.IllegalEntityStateException";
        Self::new(StatusCode::CONFLICT, message, exception)
    }

    /// As many jobs run as may.
    pub(super) fn busy(what: &str) -> Self {
        let message = format!(
            "The {what} could not be started because the limit of concurrent migration jobs has been reached."
        );
        let exception = "com.atlassian.bitbucket.throttle.ResourceBusyException";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message, exception)
    }
}

impl From<Denied> for BitbucketError {
    fn from(denied: Denied) -> Self {
        let message = match denied {
            Denied::Store(error) => return error.into(),
            Denied::Missing => {
                "Authentication failed. Please check your credentials and try again."
            }
            Denied::Unknown => {
                "Authentication failed. Please check your credentials and try again."
            }
            Denied::Scope => "You are not permitted to access this resource",
        };
        let exception = "com.atlassian.bitbucket.AuthorisationException";
        Self::new(StatusCode::UNAUTHORIZED, message, exception)
    }
}

impl From<ServiceError> for BitbucketError {
    fn from(error: ServiceError) -> Self {
        tracing::error!(error = chain(&error), "a request failed");
        let exception = "com.atlassian.bitbucket.ServerException";
        if packhorse_database::is_away(&error) {
            let message = "The server is temporarily unavailable. Please try again later.";
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, message, exception);
        }
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "An error occurred while processing the request.",
            exception,
        )
    }
}

impl From<StoreError> for BitbucketError {
    fn from(error: StoreError) -> Self {
        ServiceError::from(error).into()
    }
}

impl From<HostError> for BitbucketError {
    fn from(error: HostError) -> Self {
        ServiceError::from(error).into()
    }
}

impl IntoResponse for BitbucketError {
    fn into_response(self) -> Response {
        let mut error = json!({"message": self.message, "exceptionName": self.exception});
        error["context"] = self.context.into();
        (self.status, Json(json!({"errors": [error]}))).into_response()
    }
}
