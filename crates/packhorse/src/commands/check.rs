//! `hosts check`: whether a place can be used, and what to do where it cannot.

use crate::{
    cli::Globals,
    config::{self, End, Hosts},
    document,
    error::{AppError, Status},
    registry, terminal,
};
use packhorse_core::{
    Access, Capabilities, HostError, HostErrorKind, Location, ObjectKind, Scope, Support,
    error::chain,
};
use serde::Serialize;

/// What was found of a place.
#[derive(Serialize)]
struct Checked {
    place: String,
    rows: Vec<Row>,
}

/// One question, and its answer.
#[derive(Serialize)]
struct Row {
    what: &'static str,
    is_good: bool,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'static str>,
}

impl Row {
    fn good(what: &'static str, detail: impl Into<String>) -> Self {
        Self { what, is_good: true, detail: detail.into(), remedy: None }
    }

    fn bad(what: &'static str, error: &HostError) -> Self {
        Self { what, is_good: false, detail: chain(error), remedy: Some(remedy(error.kind)) }
    }
}

/// Asks a place what it is and what it lets us do; nothing is written.
pub(super) async fn run(globals: &Globals, name: &str) -> Result<Status, AppError> {
    let hosts = Hosts::read(globals)?;
    let location = hosts.locate(name).map_err(|error| {
        let names: Vec<_> = hosts.names().collect();
        error.hint(format!("hosts of the configuration: {}", names.join(", ")))
    })?;
    let scratch = config::scratch(globals)?;
    let place = config::with_credentials(&hosts, &location, End::Target)?;
    let spec = registry::named(&place)?;
    let mut rows = Vec::new();
    if place.rest.contains("://") {
        let rights = match (place.address().1, place.more_credentials.len()) {
            (Some(_), 0) => "there are some".to_owned(),
            (Some(_), more) => format!("a pool of {}", more + 1),
            (None, _) => "none: only what everybody sees".to_owned(),
        };
        rows.push(Row::good("credentials", rights));
    }
    match registry::source(&place, scratch.path()) {
        Err(error) => rows.push(Row {
            what: "to read",
            is_good: false,
            detail: error.to_string(),
            remedy: None,
        }),
        Ok(source) => match source.probe().await {
            Err(error) => rows.push(Row::bad("to read", &error)),
            Ok(found) => {
                rows.push(Row::good("to read", told(&found, spec.reads)));
                rows.push(match source.inventory(&Scope::Shared).await {
                    Ok(it) => Row::good("projects", seen(it.records(ObjectKind::Project))),
                    Err(error) => Row::bad("projects", &error),
                });
            }
        },
    }
    for (n, token) in (2..).zip(&place.more_credentials) {
        let mut alone = Location { more_credentials: Vec::new(), ..place.clone() };
        alone.credentials = Some(token.clone());
        let probed = registry::source(&alone, scratch.path())?.probe().await;
        rows.push(match probed {
            Ok(_) => Row::good("of the pool", format!("token {n} is good")),
            Err(error) => Row::bad("of the pool", &error),
        });
    }
    match registry::sink(&place, scratch.path(), (Access::Plan, false)) {
        Err(error) => rows.push(Row {
            what: "to write",
            is_good: false,
            detail: error.to_string(),
            remedy: None,
        }),
        Ok(sink) => rows.push(match sink.probe().await {
            Ok(found) => Row::good("to write", told(&found, spec.writes)),
            Err(error) => Row::bad("to write", &error),
        }),
    }
    let is_good = rows.iter().all(|it| it.is_good);
    tell(globals, &Checked { place: place.to_string(), rows })?;
    Ok(if is_good { Status::Done } else { Status::Failed })
}

/// What a place can do, and which kinds of those that hosts of its sort can do it cannot.
fn told(found: &Capabilities, promised: fn(ObjectKind) -> Support) -> String {
    let of = |wanted: bool| {
        ObjectKind::ALL
            .iter()
            .filter(move |&&kind| promised(kind).is_some() && found.of(kind).is_some() == wanted)
    };
    let mut text = format!("{} kinds", of(true).count());
    for kind in of(false) {
        if let Support::None(why) = found.of(*kind) {
            text += &format!("; no {kind}: {why}");
        }
    }
    text
}

fn seen(projects: Option<u64>) -> String {
    projects.map_or("some; the host does not count them".into(), |n| format!("{n} to be seen"))
}

/// What to do about an error.
fn remedy(kind: HostErrorKind) -> &'static str {
    match kind {
        HostErrorKind::Unauthorized => {
            "the token or password is wrong or has expired: make a new one and put it in place"
        }
        HostErrorKind::Forbidden => {
            "the token may not do that: give it the rights that the guide of this host lists"
        }
        HostErrorKind::NotFound => {
            "look at the address: is the organization or project called so, and may the token see it?"
        }
        HostErrorKind::RateLimited => "wait until the time that it says, or add another token",
        HostErrorKind::Unavailable => {
            "is the address right, and can this machine reach it? A proxy is read from \
             HTTPS_PROXY, and certificates of your own from SSL_CERT_FILE"
        }
        HostErrorKind::Protocol => "what answers there is not such a host: look at its type",
        HostErrorKind::Conflict | HostErrorKind::Rejected | HostErrorKind::Unsupported => {
            "look at the type and the address of this host"
        }
    }
}

fn tell(globals: &Globals, checked: &Checked) -> Result<(), AppError> {
    if globals.json {
        terminal::data(&document::json(checked)?);
        return Ok(());
    }
    let mut text = format!("{}\n", checked.place);
    for row in &checked.rows {
        let sign = if row.is_good { "ok " } else { "NO " };
        text += &format!("  {sign} {:<12} {}\n", row.what, row.detail);
        if let Some(remedy) = row.remedy {
            text += &format!("      {:<12} {remedy}\n", "");
        }
    }
    terminal::data(&text);
    Ok(())
}
