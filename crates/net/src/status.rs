//! What a status means, for an adapter that wanted success.

use crate::transport::Answer;
use http::StatusCode;
use packhorse_core::{HostError, HostErrorKind, Retry};
use serde_json::Value;

/// What of a refusal is read, in bytes.
const MAX_REFUSAL: u64 = 64 << 10;
/// What of its words is told, in characters.
const MAX_WORDS: usize = 300;

impl Answer {
    /// This answer, if its status is a success.
    ///
    /// # Errors
    ///
    /// What the status stands for, with the host's own words where it has some.
    pub async fn success(self) -> Result<Self, HostError> {
        if self.status.is_success() {
            return Ok(self);
        }
        let mut error = HostError::new(kind(self.status), self.operation)
            .with("url", crate::redact::shown(&self.url))
            .with("status", self.status);
        if self.status.is_server_error() && self.status != StatusCode::NOT_IMPLEMENTED {
            error.retry = Retry::After(None);
        }
        // A refusal whose words cannot be read is still that refusal.
        let body = self.bytes(MAX_REFUSAL).await.unwrap_or_default();
        Err(match words(&body) {
            Some(words) => error.with("answer", words),
            None => error,
        })
    }
}

/// What a status that is not a success means.
pub fn kind(status: StatusCode) -> HostErrorKind {
    match status.as_u16() {
        401 => HostErrorKind::Unauthorized,
        402 | 403 | 407 | 451 => HostErrorKind::Forbidden,
        404 | 410 => HostErrorKind::NotFound,
        405 | 501 => HostErrorKind::Unsupported,
        409 | 412 | 423 => HostErrorKind::Conflict,
        408 => HostErrorKind::Unavailable,
        429 => HostErrorKind::RateLimited,
        400..500 => HostErrorKind::Rejected,
        500.. => HostErrorKind::Unavailable,
        _ => HostErrorKind::Protocol,
    }
}

/// The host's own words in a refusal; `None` when it has none, or answers a page for browsers.
fn words(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let mut list = Vec::new();
    gather(&value, 4, &mut list);
    let text = list.join("; ");
    let plain = text.chars().map(|it| if it.is_control() { ' ' } else { it });
    let told: String = plain.take(MAX_WORDS).collect();
    (!told.trim().is_empty()).then_some(told)
}

/// Looks where hosts put them: `message`, `error`, `errors[]`, also as maps from field to words.
fn gather(value: &Value, depth: u8, list: &mut Vec<String>) {
    if depth == 0 || list.len() >= 8 {
        return;
    }
    match value {
        Value::String(text) => list.push(text.clone()),
        Value::Array(items) => items.iter().take(8).for_each(|it| gather(it, depth - 1, list)),
        Value::Object(fields) => {
            let places = ["message", "error_description", "error", "errors", "detail", "reason"];
            let found: Vec<&Value> = places.iter().filter_map(|it| fields.get(*it)).collect();
            if found.is_empty() && depth < 4 {
                // A map from field to what is wrong with it, or GitHub's `{field, code}`.
                for (field, value) in fields.iter().take(8) {
                    if let Value::String(text) = value {
                        list.push(format!("{field}: {text}"));
                    } else {
                        gather(value, depth - 1, list);
                    }
                }
            }
            found.into_iter().for_each(|it| gather(it, depth - 1, list));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(body: &str, expected: Option<&str>) {
        assert_eq!(words(body.as_bytes()).as_deref(), expected);
    }

    #[test]
    fn the_words_are_found_wherever_hosts_put_them() {
        check(r#"{"message":"Not Found","documentation_url":"x"}"#, Some("Not Found"));
        check(r#"{"error":"insufficient_scope"}"#, Some("insufficient_scope"));
        check(r#"{"message":{"title":["is too long"]}}"#, Some("is too long"));
        check(r#"{"errors":[{"context":null,"message":"Taken"}]}"#, Some("Taken"));
        check(r#"{"type":"error","error":{"message":"Bad"}}"#, Some("Bad"));
        check(
            r#"{"message":"Validation Failed","errors":[{"resource":"Label","code":"already_exists"}]}"#,
            Some("Validation Failed; code: already_exists; resource: Label"),
        );
        check("<html>502</html>", None);
        check("{}", None);
    }

    #[tokio::test]
    async fn a_refusal_tells_its_status_and_words_and_no_secret() {
        let url = "https://h.example/i?private_token=s3cret".parse().unwrap();
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let body = r#"{"message":"title is missing"}"#.into();
        let answer = Answer::whole(status, http::HeaderMap::new(), url, body, "write an issue");

        let error = answer.success().await.unwrap_err();

        assert_eq!(error.kind, HostErrorKind::Rejected);
        let text = error.to_string();
        assert!(text.contains("422") && text.contains("title is missing"), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }

    proptest! {
        #[test]
        fn words_are_bounded_and_plain(body in "\\PC{0,2000}") {
            let json = serde_json::json!({ "message": body }).to_string();
            let told = words(json.as_bytes()).unwrap_or_default();

            prop_assert!(told.chars().count() <= MAX_WORDS);
            prop_assert!(!told.chars().any(char::is_control));
            words(body.as_bytes());
        }
    }
}
