//! `rehearse`: plan, migration, verification and report between two stand-ins on this machine.
//!
//! It needs no account and no network: the stand-ins listen on loopback, and
//! what they hold is thrown away at the end, the journal of the run as well.

mod data;
mod stage;

use super::{ends::Route, migrate};
use crate::{
    cli::{Globals, Rehearse},
    config,
    error::{AppError, Status},
    terminal,
};
use stage::Stage;

/// Shows a migration as it will look in earnest.
pub(super) async fn run(globals: &Globals, arguments: &Rehearse) -> Result<Status, AppError> {
    let scratch = config::scratch(globals)?;
    let from = Stage::set(&arguments.from, scratch.path()).await?;
    let to = Stage::set(&arguments.to, scratch.path()).await?;
    let Some(source) = from.fake() else {
        return Err(AppError::usage(format!("there is no stand-in for `{}`", arguments.from))
            .hint(format!("known are {}", stage::known())));
    };
    match &arguments.data {
        Some(location) => data::carry(globals, location, source, scratch.path()).await?,
        None => packhorse_fakes::sample::fill(source)
            .await
            .map_err(|error| AppError::failed("could not lay out the example").because(error))?,
    }
    if let Some(target) = to.fake() {
        packhorse_fakes::sample::invite(source, target);
    }
    from.brew(arguments.faults, 1);
    to.brew(arguments.faults, 2);
    let route = Route::between(globals, from.location(), to.location())?;
    let journal = scratch.path().join("journal");
    let globals = Globals { journal, journal_url: None, ..globals.clone() };
    let in_earnest = Route::between(&globals, from.in_earnest()?, to.in_earnest()?)?;
    let status = play(&globals, (&route, &in_earnest), arguments, scratch.path()).await?;
    farewell(&from, &to, &in_earnest);
    Ok(status)
}

/// The plan, then the run with its verification and its report.
///
/// How long it takes is reckoned as in earnest, for the stand-ins hold nobody up.
async fn play(
    globals: &Globals,
    (route, in_earnest): (&Route, &Route),
    arguments: &Rehearse,
    scratch: &std::path::Path,
) -> Result<Status, AppError> {
    let ends = route.open_to_plan(scratch)?;
    let mut plan = packhorse_engine::plan(&ends, &route.options, None).await?;
    plan.forecast = in_earnest.forecast(&plan);
    if super::plan::print(globals, &plan)? == Status::Failed {
        return Ok(Status::Failed);
    }
    let journal = config::journal(globals, true)?;
    let ends = route.open(scratch, false)?;
    let job = migrate::submit(&*journal, route, &ends, false).await?;
    let outcome = migrate::carry(globals, &journal, job, &ends, route, &arguments.tuning).await?;
    migrate::tell(globals, &journal, job, &outcome).await
}

/// What it cost, and how it is done in earnest.
fn farewell(from: &Stage, to: &Stage, in_earnest: &Route) {
    let asked: Vec<String> = [from, to].iter().filter_map(|it| it.asked()).collect();
    terminal::talk(&format!("\n{}", asked.join("; ")));
    terminal::talk(&format!(
        "\nhint: in earnest, with credentials in the environment (see `packhorse migrate --help`):\n  \
         packhorse plan {0} {1}\n  packhorse migrate {0} {1}",
        in_earnest.from, in_earnest.to
    ));
}
