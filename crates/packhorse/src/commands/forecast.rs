//! How long a run takes, reckoned from a plan's counts and what hosts publish.

use packhorse_core::{
    Location, ObjectKind,
    job::JobOptions,
    plan::{EndForecast, Fate, Forecast, Plan, PlannedKind},
};
use packhorse_hosts::{Counts, Passes, forecast};

/// A place, and with how many tokens it is asked.
pub(super) type Asked<'a> = (&'a Location, usize);

/// Reckons a plan; `None` where no end is asked over HTTP.
///
/// Reading back afterwards reads both ends once more.
pub(super) fn of(
    plan: &Plan,
    options: &JobOptions,
    (from, to): (Asked<'_>, Asked<'_>),
) -> Option<Forecast> {
    let is_carried = |it: &&PlannedKind| matches!(it.fate, Fate::Whole | Fate::Degraded);
    let carried = || plan.kinds.iter().filter(is_carried);
    let blocked = plan.blocked();
    let projects = plan.projects.iter().filter(|it| !blocked.contains_key(it.source.as_str()));
    let counts = Counts {
        projects: projects.count() as u64,
        kinds: carried().filter_map(|it| Some((it.kind, it.records?))).collect(),
    };
    let again = u64::from(options.verify);
    let source = forecast(from, &counts, Passes { reads: 1 + again, writes: 0 });
    let destination = forecast(to, &counts, Passes { reads: again, writes: 1 });
    let ends = || source.iter().chain(&destination);
    let seconds = ends().map(|it| it.seconds).max()?;
    let uncounted = carried().filter(|it| it.records.is_none()).map(|it| it.kind);
    let uncounted: Vec<ObjectKind> = uncounted.collect();
    Some(Forecast { seconds, source, destination, uncounted })
}

/// Its lines in the text of a plan.
pub(super) fn lines(forecast: &Forecast) -> Vec<String> {
    let mut lines = vec![format!(
        "{} at least, and the time that repositories and files take",
        duration(forecast.seconds)
    )];
    for (name, end) in [("source", &forecast.source), ("destination", &forecast.destination)] {
        if let Some(end) = end {
            lines.push(format!("{name}: {}", told(end)));
        }
    }
    if !forecast.uncounted.is_empty() {
        let names: Vec<_> = forecast.uncounted.iter().map(|it| it.name()).collect();
        lines.push(format!(
            "not in it, because the source does not count them: {}",
            names.join(", ")
        ));
    }
    lines
}

fn told(end: &EndForecast) -> String {
    let tokens = if end.tokens == 1 { "" } else { "s" };
    let mut text = format!(
        "{} requests, {} with {} token{tokens}",
        end.requests,
        duration(end.seconds),
        end.tokens
    );
    match &end.critical {
        Some(bucket) => {
            text += &format!("; what decides is its limit of {bucket}");
            text += &match end.seconds_with_another_token {
                less if less < end.seconds => {
                    format!(", another token makes it {}", duration(less))
                }
                _ => ", and another token would not help".to_owned(),
            };
        }
        None => text += "; no limit holds it up",
    }
    text
}

/// A duration as people say it.
fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => "under a minute".to_owned(),
        60..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(issues: Option<u64>) -> Plan {
        let row = |kind, records| PlannedKind {
            kind,
            records,
            bytes: None,
            fate: Fate::Whole,
            why: None,
            gaps: Vec::new(),
        };
        Plan {
            kinds: vec![row(ObjectKind::Issue, issues), row(ObjectKind::Label, Some(3))],
            ..Plan::default()
        }
    }

    fn told_of(plan: &Plan, tokens: usize) -> Vec<String> {
        let from: Location = "local:./store".parse().unwrap();
        let to: Location = "github:https://github.com/acme".parse().unwrap();
        lines(&of(plan, &JobOptions::default(), ((&from, 1), (&to, tokens))).unwrap())
    }

    #[test]
    fn a_forecast_says_what_decides_and_what_another_token_buys() {
        let one = told_of(&plan(Some(10_000)), 1);
        assert!(one[0].starts_with("19 hours at least"), "{one:?}");
        assert!(one[1].contains("its limit of new content an hour"), "{one:?}");
        assert!(one[1].ends_with("another token makes it 9 hours"), "{one:?}");
        assert!(told_of(&plan(Some(10_000)), 2)[0].starts_with("9 hours"));
    }

    #[test]
    fn what_is_not_counted_is_said_and_two_places_on_disk_have_no_forecast() {
        let told = told_of(&plan(None), 1);
        assert_eq!(told.last().unwrap().rsplit_once(": ").unwrap().1, "issue");
        let place: Location = "local:./store".parse().unwrap();
        assert_eq!(of(&plan(None), &JobOptions::default(), ((&place, 1), (&place, 1))), None);
    }
}
