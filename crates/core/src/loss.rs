//! Something that did not arrive as it was: a value, never a log line.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One thing that did not survive the journey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Field that changed or went away, as named in the model; `*` for the whole object.
    pub field: Cow<'static, str>,
    /// Who could not hold it.
    pub cause: LossCause,
    /// One sentence for the person who reads the report.
    pub detail: String,
}

impl Loss {
    /// The source does not give `field` out.
    pub fn source(field: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), cause: LossCause::Source, detail: detail.into() }
    }

    /// We chose not to carry `field`.
    pub fn policy(field: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), cause: LossCause::Policy, detail: detail.into() }
    }

    /// The destination has no place for `field`.
    pub fn sink(field: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), cause: LossCause::Sink, detail: detail.into() }
    }

    /// Field name that stands for the whole object.
    pub const WHOLE: &'static str = "*";

    /// Field name that stands for what sort of thing it is: it arrived as another one, such as a
    /// comment on a line that became one below its change request, and reads back as that.
    pub const KIND: &'static str = "kind";
}

/// Who caused a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossCause {
    /// The source does not give it out, or gives out what we cannot read.
    Source,
    /// We chose not to carry it: a filter, a mapping, a limit.
    Policy,
    /// The destination has no place for it.
    Sink,
}

impl LossCause {
    /// Stable name, used in the journal and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Policy => "policy",
            Self::Sink => "sink",
        }
    }
}
