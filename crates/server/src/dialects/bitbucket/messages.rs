//! What a job has to say: what was renamed, what failed, what was lost.

use super::{error::BitbucketError, progress::Found};
use crate::{Service, service::ServiceError, work::RENAMED};
use futures::TryStreamExt;
use packhorse_core::{Scope, job::JobState, port::History};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use url::form_urlencoded;

/// Messages of a page, unless something else is said, and at most.
const PER_PAGE: (u64, u64) = (25, 1_000);

/// Which messages a client wants.
pub(super) struct Wanted {
    severities: BTreeSet<String>,
    subject: Option<String>,
    start: u64,
    limit: u64,
}

impl Wanted {
    /// Reads a query.
    pub(super) fn of(query: Option<&str>) -> Result<Self, BitbucketError> {
        let mut wanted =
            Self { severities: BTreeSet::new(), subject: None, start: 0, limit: PER_PAGE.0 };
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                "severity" => {
                    let severity = value.to_uppercase();
                    if !["INFO", "WARN", "ERROR"].contains(&severity.as_str()) {
                        let message = "The severity must be one of INFO, WARN and ERROR.";
                        return Err(BitbucketError::invalid("severity", message));
                    }
                    wanted.severities.insert(severity);
                }
                "subject" => wanted.subject = Some(value.into_owned()),
                "start" => wanted.start = number("start", &value)?,
                "limit" => wanted.limit = number("limit", &value)?.clamp(1, PER_PAGE.1),
                _ => {}
            }
        }
        Ok(wanted)
    }
}

fn number(name: &'static str, text: &str) -> Result<u64, BitbucketError> {
    // The description has them as numbers, which some clients write with a point.
    let whole = text.split('.').next().unwrap_or(text);
    whole.parse().map_err(|_| BitbucketError::invalid(name, "A number of zero or more is needed."))
}

/// Takes messages one after the other, and keeps those of one page.
struct Pager<'a> {
    wanted: &'a Wanted,
    /// All messages so far; gives each its id.
    seen: u64,
    /// Those that are wanted.
    matching: u64,
    page: Vec<Value>,
    date: String,
}

impl Pager<'_> {
    /// Whether messages of a severity are wanted at all.
    fn wants(&self, severity: &str) -> bool {
        self.wanted.severities.is_empty() || self.wanted.severities.contains(severity)
    }

    /// Whether the page and the first of the next are there.
    fn is_full(&self) -> bool {
        self.page.len() as u64 > self.wanted.limit
    }

    fn take(&mut self, severity: &str, subject: &str, text: &str) {
        self.seen += 1;
        let is_about = self.wanted.subject.as_deref().is_none_or(|it| it == subject);
        if !self.wants(severity) || !is_about {
            return;
        }
        self.matching += 1;
        if self.matching > self.wanted.start && !self.is_full() {
            self.page.push(json!({
                "id": self.seen.to_string(),
                "createdDate": self.date,
                "severity": severity,
                "subject": subject,
                "text": text,
            }));
        }
    }
}

/// A page of what a job has to say.
pub(super) async fn page(
    service: &Service,
    found: &Found,
    wanted: &Wanted,
) -> Result<Value, ServiceError> {
    let job = &found.job;
    let date = job.ended_at.or(job.started_at).unwrap_or(job.created_at).to_string();
    let mut pager = Pager { wanted, seen: 0, matching: 0, page: Vec::new(), date };
    if let Some(renamed) = found.part.body[RENAMED].as_array() {
        for row in renamed {
            let (from, to) = (row["from"].as_str(), row["to"].as_str());
            let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
            let text = format!("{from} exists already; it was imported as {to}");
            pager.take("WARN", from, &text);
        }
    }
    let history = service.journal.history(job.id).await?;
    failures(&mut pager, &*history).await?;
    losses(&mut pager, &*history).await?;
    if job.state == JobState::Failed {
        pager.take("ERROR", "job", job.reason.as_deref().unwrap_or("The job failed"));
    } else if job.state == JobState::Finished {
        pager.take("INFO", "job", "The job has completed");
    }
    let limit = usize::try_from(wanted.limit).unwrap_or(usize::MAX);
    let is_last = pager.page.len() <= limit;
    pager.page.truncate(limit);
    let next = (!is_last).then_some(wanted.start + wanted.limit);
    let mut value = json!({
        "size": pager.page.len(),
        "limit": wanted.limit,
        "isLastPage": is_last,
        "start": wanted.start,
        "values": pager.page,
    });
    if let Some(next) = next {
        value["nextPageStart"] = next.into();
    }
    Ok(value)
}

fn subject(scope: &Scope) -> String {
    scope.project().unwrap_or("job").to_owned()
}

async fn failures(pager: &mut Pager<'_>, history: &dyn History) -> Result<(), ServiceError> {
    let mut rows = history.all_failures();
    while !pager.is_full()
        && let Some(row) = rows.try_next().await?
    {
        let what = row.id.as_deref().map_or_else(String::new, |id| format!(" {id}"));
        let text = format!("{}{what}: {}", row.kind, row.reason);
        pager.take("ERROR", &subject(&row.scope), &text);
    }
    Ok(())
}

async fn losses(pager: &mut Pager<'_>, history: &dyn History) -> Result<(), ServiceError> {
    let mut rows = history.all_losses();
    while pager.wants("WARN")
        && !pager.is_full()
        && let Some(row) = rows.try_next().await?
    {
        let text = format!("{} {}, {}: {}", row.kind, row.id, row.loss.field, row.loss.detail);
        pager.take("WARN", &subject(&row.scope), &text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expected: &[&str]) {
        let wanted = Wanted::of(Some(query)).unwrap();
        let date = String::new();
        let mut pager = Pager { wanted: &wanted, seen: 0, matching: 0, page: Vec::new(), date };
        pager.take("ERROR", "A/x", "one");
        pager.take("WARN", "A/x", "two");
        pager.take("WARN", "B/y", "three");
        pager.take("INFO", "job", "four");

        let texts: Vec<_> = pager.page.iter().map(|it| it["text"].as_str().unwrap()).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn messages_are_filtered_and_one_more_than_a_page_is_kept() {
        check("", &["one", "two", "three", "four"]);
        check("severity=WARN", &["two", "three"]);
        check("severity=WARN&severity=info", &["two", "three", "four"]);
        check("subject=A/x", &["one", "two"]);
        check("start=1&limit=1", &["two", "three"]);
        check("start=1.0&limit=1&severity=WARN", &["three"]);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Wanted::of(Some("severity=LOUD")).is_err());
        assert!(Wanted::of(Some("start=-1")).is_err());
    }
}
