//! One thing that does not fit, in words.

use jsonschema::{ValidationError, error::ValidationErrorKind};
use serde_json::Value;
use std::fmt;

/// Most that is shown of one exchange.
const AT_MOST: usize = 20;

/// Most characters of a message; a value that does not fit may be long.
const LONGEST: usize = 300;

/// One thing in a request or an answer that its description does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Where: the operation, then the part of it, such as `answer 200 /0/user/login`.
    pub place: String,
    /// What is wrong there.
    pub why: String,
}

impl Misfit {
    pub(super) fn new(place: impl Into<String>, why: impl Into<String>) -> Self {
        Self { place: place.into(), why: why.into() }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.why)
    }
}

/// What of a value a validator does not like.
pub(super) fn of(validator: &jsonschema::Validator, value: &Value, place: &str) -> Vec<Misfit> {
    let mut misfits = Vec::new();
    for error in validator.iter_errors(value) {
        explain(&error, place, &mut misfits);
        if misfits.len() >= AT_MOST {
            break;
        }
    }
    misfits
}

/// Says why; of variants, why the nearest one does not fit.
fn explain(error: &ValidationError<'_>, place: &str, misfits: &mut Vec<Misfit>) {
    if let ValidationErrorKind::AnyOf { context } = error.kind()
        && let Some(nearest) = context.iter().filter(|it| !wants_null(it)).min_by_key(distance)
    {
        nearest.iter().for_each(|it| explain(it, place, misfits));
        return;
    }
    let why: String = error.to_string().chars().take(LONGEST).collect();
    let place = format!("{place} {}", error.instance_path());
    misfits.push(Misfit::new(place.trim_end(), why));
}

/// Whether a variant failed because it is the one for `null`.
fn wants_null(errors: &[ValidationError<'_>]) -> bool {
    matches!(errors, [only] if only.to_string().ends_with("is not of type \"null\""))
}

/// How far a variant is from fitting: one that is wrong deep inside is nearer than one that has
/// the wrong shape outside.
fn distance(errors: &&Vec<ValidationError<'_>>) -> (usize, usize) {
    let depth = errors.iter().map(|it| it.instance_path().as_str().matches('/').count()).min();
    (usize::MAX - depth.unwrap_or(0), errors.len())
}
