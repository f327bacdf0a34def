//! Lines, for logs and pipes: a line when something has ended or gone wrong.

use crate::terminal;
use packhorse_core::{Event, Listener, port::Stage};

/// Tells of stages and failures, a line each.
#[derive(Debug)]
pub(super) struct Lines;

impl Listener for Lines {
    fn on(&self, event: &Event) {
        if let Some(line) = line(event) {
            terminal::talk(&line);
        }
    }
}

/// What a person is told of an event, if anything.
pub(crate) fn line(event: &Event) -> Option<String> {
    match event {
        Event::Started { projects, records } => Some(match records {
            Some(records) => format!("carrying {projects} projects, {records} records"),
            None => format!("carrying {projects} projects"),
        }),
        Event::Project { path, target, stage, reason } => stage_line(path, target, *stage, reason),
        Event::Failed { scope, kind, id, reason } => {
            let id = id.as_deref().unwrap_or("*");
            Some(format!("{scope}: {kind} {id} did not arrive: {reason}"))
        }
        Event::Dropped { scope, kind, records, why } => {
            let records = records.map(|it| format!(" ({it})")).unwrap_or_default();
            Some(format!("{scope}: {kind}{records} not carried: {why}"))
        }
        Event::Waiting { reason, until } => Some(format!("waiting until {until}: {reason}")),
        Event::Progress { .. }
        | Event::Transfer { .. }
        | Event::Verifying { .. }
        | Event::Ended { .. } => None,
    }
}

fn stage_line(path: &str, target: &str, stage: Stage, reason: &Option<String>) -> Option<String> {
    let renamed = if path == target { String::new() } else { format!(" as {target}") };
    let because = reason.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
    match stage {
        Stage::Waiting | Stage::Carrying => None,
        Stage::Carried => Some(format!("{path}: carried{renamed}")),
        Stage::Verified => Some(format!("{path}: verified")),
        Stage::Differs => Some(format!("{path}: differs{because}")),
        Stage::Failed => Some(format!("{path}: failed{because}")),
        Stage::Blocked => Some(format!("{path}: not begun{because}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renamed_project_says_its_new_name() {
        let event = Event::Project {
            path: "acme/app".into(),
            target: "new/app".into(),
            stage: Stage::Carried,
            reason: None,
        };

        assert_eq!(line(&event).unwrap(), "acme/app: carried as new/app");
    }
}
