//! `migrate --via archive`: into archives, which the destination then imports by itself.
//!
//! Ordinary runs make the archives, one for each project or one for all; the destination takes
//! them, is asked how far it is, and what it says is kept. Then ordinary runs bring what such
//! archives have no place for, and what is there is read back and held against the archive.

mod after;
mod choice;
mod course;
mod groups;
mod reduced;
mod state;
mod stored;

use super::ends::Route;
use crate::{
    cli::{self, Globals},
    error::{AppError, Status},
    registry, terminal,
};
use choice::Choice;
use packhorse_core::{
    HostSpec, Location, LossCause,
    job::{JobId, JobOptions, JobSpec},
    plan::{Fate, Plan, PlannedGap, PlannedWay},
    port::{HandOver, Packing, Part, Wanted},
    selection::{Pair, Selection},
};
pub(super) use state::Manner;
use state::{Cargo, Named, Piece, State};
use std::{path::Path, sync::Arc};

/// A route that goes by archives.
pub(super) struct HandingOver<'a> {
    globals: &'a Globals,
    tuning: &'a cli::Tuning,
    route: Route,
    taking: Arc<dyn HandOver>,
    wanted: Wanted,
    state: State,
    /// Why it goes this way.
    why: String,
}

/// Which way a route goes.
pub(super) enum Way<'a> {
    /// Over the API, all of it; why, where there was a choice.
    Api(Option<String>),
    /// By archives, as far as the destination takes them.
    Archive(Box<HandingOver<'a>>),
}

/// Whether a route goes by archives: as `--via` says, or because that keeps more.
pub(super) async fn choose<'a>(
    globals: &'a Globals,
    (via, manner): (cli::Via, Manner),
    tuning: &'a cli::Tuning,
    route: &Route,
) -> Result<Way<'a>, AppError> {
    let is_wanted = match via {
        cli::Via::Api => return Ok(Way::Api(None)),
        cli::Via::Archive => true,
        cli::Via::Auto => false,
    };
    let Some(taking) = route.taking(&manner.ways()?)? else {
        if is_wanted {
            let title = registry::named(&route.to)?.title;
            return Err(AppError::usage(format!("no archives are handed over to {title}"))
                .hint("without `--via archive` it goes over the API"));
        }
        let why = "no archives are handed over to that destination";
        terminal::talk(&format!("by API: {why}"));
        return Ok(Way::Api(Some(why.to_owned())));
    };
    let (mut state, is_known) = State::of(globals, route)?;
    state.manner = manner;
    let route = route.towards(globals, route.to.clone(), route.options.clone())?;
    let wanted = taking.wants();
    let why = "it was begun".to_owned();
    let mut handing = HandingOver { globals, tuning, route, taking, wanted, state, why };
    if is_known {
        terminal::talk("going on with what was handed over, or was to be");
        return Ok(Way::Archive(Box::new(handing)));
    }
    let plan = handing.plan().await?;
    handing.load(&plan).await?;
    if let Some((project, why)) = handing.state.over_api.first()
        && is_wanted
    {
        let project = &project.target;
        return Err(AppError::failed(format!("`{project}` cannot be handed over: {why}"))
            .hint("`--via api` brings it into what is there; `--via auto` chooses by itself"));
    }
    for (project, why) in &handing.state.over_api {
        terminal::talk(&format!("by API: `{}` cannot be handed over: {why}", project.target));
    }
    if handing.state.cargos.is_empty() && !is_wanted {
        return Ok(Way::Api(Some("none of the projects can be handed over".to_owned())));
    }
    let choice = handing.weigh(&plan).await?;
    if !is_wanted && !choice.is_for_archive() {
        terminal::talk(&format!("by API: {}", choice.against()));
        return Ok(Way::Api(Some(choice.against())));
    }
    handing.why = choice.words();
    terminal::talk(&format!("by archive: {}", handing.why));
    Ok(Way::Archive(Box::new(handing)))
}

/// How somebody wants archives to be handed over.
pub(super) fn manner(arguments: &cli::Migrate) -> Manner {
    Manner {
        directory: arguments.import_directory.clone(),
        address: arguments.import_address.clone(),
        verify: !arguments.no_verify,
        strict: arguments.strict,
        cancels: arguments.cancel_import,
    }
}

/// The hand-over of which a job makes an archive, or has made it.
pub(super) async fn of_job<'a>(
    globals: &'a Globals,
    (job, spec): (JobId, &JobSpec),
    tuning: &'a cli::Tuning,
) -> Result<Option<HandingOver<'a>>, AppError> {
    let Some(state) = State::of_job(globals, job)? else { return Ok(None) };
    let (from, to) = (state.from.clone(), state.to.clone());
    let options = state.options.clone();
    let route = Route::of(globals, &JobSpec { from, to, options, ..spec.clone() })?;
    let taking = route.taking(&state.manner.ways()?)?;
    Ok(taking.map(|taking| {
        let wanted = taking.wants();
        HandingOver { globals, tuning, route, taking, wanted, state, why: String::new() }
    }))
}

impl HandingOver<'_> {
    fn format(&self) -> Result<&'static HostSpec, AppError> {
        let format = self.wanted.format;
        let mut formats = packhorse_archive::FORMATS.iter().copied();
        formats.find(|it| it.id == format).ok_or_else(|| {
            AppError::failed(format!("`{format}` is not a format that is written here"))
        })
    }

    fn location(&self, archive: &Path) -> Result<Location, AppError> {
        Ok(format!("{}:{}", self.format()?.id, archive.display()).parse()?)
    }

    /// The route into archives: all of it, as it is planned.
    fn inward(&self) -> Result<Route, AppError> {
        // A plan makes nothing, and a directory takes any number of projects.
        let suffix = match self.wanted.packing {
            Packing::Together => self.wanted.suffix,
            Packing::Each => "",
        };
        let archive = self.location(&self.state.archive(0, Part::Whole, suffix))?;
        self.route.towards(self.globals, archive, self.route.options.clone())
    }

    /// What arrives in the archives, but for what the import does not keep of it.
    async fn plan(&self) -> Result<Plan, AppError> {
        let mut plan = super::plan::draw_up(self.globals, &self.inward()?).await?;
        for row in &mut plan.kinds {
            let gaps = (self.wanted.gaps)(row.kind);
            if gaps.is_empty() || matches!(row.fate, Fate::Dropped | Fate::Skipped) {
                continue;
            }
            row.fate = Fate::Degraded;
            row.gaps.extend(gaps.iter().map(|it| PlannedGap {
                field: it.field.to_owned(),
                cause: LossCause::Sink,
                why: it.why.to_owned(),
            }));
        }
        Ok(plan)
    }

    /// Puts projects into what the host takes at a time; those that it refuses go over the API.
    async fn load(&mut self, plan: &Plan) -> Result<(), AppError> {
        let mut taken = Vec::new();
        for project in &plan.projects {
            let named = Named { source: project.source.clone(), target: project.target.clone() };
            match self.taking.refuses(&project.target).await? {
                Some(why) => self.state.over_api.push((named, why)),
                None => taken.push(named),
            }
        }
        let piece =
            |part: &Part| Piece { part: *part, carried: None, delivered: None, stored: None };
        let is_of_one = self.wanted.packing == Packing::Each;
        let cargo = |projects| Cargo {
            projects,
            is_of_one,
            pieces: self.wanted.parts.iter().map(piece).collect(),
            ..Cargo::default()
        };
        self.state.cargos = match self.wanted.packing {
            Packing::Together if taken.is_empty() => Vec::new(),
            Packing::Together => vec![cargo(taken)],
            Packing::Each => taken.into_iter().map(|it| cargo(vec![it])).collect(),
        };
        Ok(())
    }

    /// What the archive keeps and what the API does, by what both plans say.
    async fn weigh(&self, plan: &Plan) -> Result<Choice, AppError> {
        let scratch = crate::config::scratch(self.globals)?;
        let inward = self.inward()?.open_to_plan(scratch.path())?;
        let outward = self.route.open_to_plan(scratch.path())?;
        let keeps = (inward.sink.probe().await?.keeps, outward.sink.probe().await?.keeps);
        let api = super::plan::draw_up(self.globals, &self.route).await?;
        let brought = after::left_out(self.format()?, registry::named(&self.route.to)?, &[]);
        Ok(Choice::of((plan, keeps.0), (&api, keeps.1), &brought))
    }

    /// How a run of its own carries some of the projects.
    fn narrowed(&self, projects: &[Named]) -> JobOptions {
        let pair = |it: &Named| Pair {
            source: it.source.clone(),
            target: Some(it.target.clone()),
            said: "the plan".to_owned(),
        };
        let pairs = projects.iter().map(pair).collect();
        let selection = Selection { pairs, ..Selection::default() };
        JobOptions { selection, target: None, ..self.route.options.clone() }
    }

    /// Prints what would arrive in the archives, and which way each project goes.
    pub(super) async fn show(&self) -> Result<Status, AppError> {
        let way = |project: &Named, by: &str, why: &str| PlannedWay {
            project: project.source.clone(),
            by: by.to_owned(),
            why: why.to_owned(),
        };
        let handed = self.state.cargos.iter().flat_map(|it| &it.projects);
        let handed = handed.map(|it| way(it, "archive", &self.why));
        let over_api = self.state.over_api.iter().map(|(it, why)| way(it, "api", why));
        let ways = handed.chain(over_api).collect();
        super::plan::print(self.globals, &Plan { ways, ..self.plan().await? })
    }
}
