//! The two ends of a route, opened.

use crate::{
    cli::{self, Globals},
    config::{self, ArchivesKey, End, Hosts},
    error::AppError,
    projects, registry,
};
use packhorse_core::{
    Access, Location,
    job::{Events, Gaps, JobOptions, JobSpec},
    plan::{Forecast, Plan},
    port::{GroupHandOver, HandOver, Source},
};
use packhorse_engine::Ends;
use packhorse_hosts::handover::{self, Ways};
use packhorse_storage::Storage;
use std::{collections::BTreeSet, path::Path, sync::Arc};

/// What a person said of a route, read.
pub(super) struct Route {
    /// Location to read from.
    pub(super) from: Location,
    /// Location to write to.
    pub(super) to: Location,
    /// How.
    pub(super) options: JobOptions,
    hosts: Hosts,
}

impl Route {
    /// Reads the arguments of a route.
    pub(super) fn read(globals: &Globals, route: &cli::Route) -> Result<Self, AppError> {
        let hosts = Hosts::read(globals)?;
        let (from, to) = (hosts.locate(&route.from)?, hosts.locate(&route.to)?);
        let users = route.users.as_deref().map(config::users).transpose()?;
        let options = JobOptions {
            only: route.only.iter().copied().collect::<BTreeSet<_>>(),
            skip: route.skip.iter().copied().collect::<BTreeSet<_>>(),
            project: from.project.clone(),
            selection: config::selection(&route.projects)?,
            events: match route.events {
                cli::Events::Native => Events::Native,
                cli::Events::Comment => Events::Comment,
                cli::Events::None => Events::None,
            },
            gaps: match route.gaps {
                cli::Gaps::Fill => Gaps::Fill,
                cli::Gaps::Leave => Gaps::Leave,
            },
            resolutions: config::resolutions(route.conflicts.as_deref())?,
            target: to.project.clone(),
            users,
            verify: true,
            ..JobOptions::default()
        };
        Ok(Self { from, to, options, hosts })
    }

    /// The route of everything between two places.
    pub(super) fn between(
        globals: &Globals,
        from: Location,
        to: Location,
    ) -> Result<Self, AppError> {
        let options = JobOptions { verify: true, ..JobOptions::default() };
        Ok(Self { from, to, options, hosts: Hosts::read(globals)? })
    }

    /// Reads the route of a job.
    pub(super) fn of(globals: &Globals, spec: &JobSpec) -> Result<Self, AppError> {
        if spec.from.starts_with(projects::IDENTITY) {
            return Err(of_projects());
        }
        let hosts = Hosts::read(globals)?;
        let (from, to) = (hosts.locate(&spec.from)?, hosts.locate(&spec.to)?);
        Ok(Self { from, to, options: spec.options.clone(), hosts })
    }

    /// The same from the same place to another one.
    pub(super) fn towards(
        &self,
        globals: &Globals,
        to: Location,
        options: JobOptions,
    ) -> Result<Self, AppError> {
        Ok(Self { from: self.from.clone(), to, options, hosts: Hosts::read(globals)? })
    }

    /// The destination as one that takes archives; `None` where it is none.
    pub(super) fn taking(&self, ways: &Ways) -> Result<Option<Arc<dyn HandOver>>, AppError> {
        let to = config::with_credentials(&self.hosts, &self.to, End::Target)?;
        Ok(handover::open(&to.whole(), ways)?)
    }

    /// The store from which the destination fetches archives, where the configuration names one.
    pub(super) fn archives(&self) -> Result<Option<Storage>, AppError> {
        self.hosts.archives(&self.to)
    }

    /// The key by which the destination fetches them, where the configuration names one.
    pub(super) fn archives_key(&self) -> Result<Option<ArchivesKey>, AppError> {
        self.hosts.archives_key(&self.to)
    }

    /// The destination as one that makes groups of archives; `None` where it is none.
    pub(super) fn taking_groups(&self) -> Result<Option<Arc<dyn GroupHandOver>>, AppError> {
        let to = config::with_credentials(&self.hosts, &self.to, End::Target)?;
        Ok(handover::groups(&to.whole())?)
    }

    /// The destination, opened for reading.
    pub(super) fn destination(&self, scratch: &Path) -> Result<Arc<dyn Source>, AppError> {
        let to = config::with_credentials(&self.hosts, &self.to, End::Target)?;
        registry::source(&to.whole(), scratch)
    }

    /// How long a plan of this route takes, with the tokens that there are.
    pub(super) fn forecast(&self, plan: &Plan) -> Option<Forecast> {
        let from = (&self.from, config::tokens(&self.hosts, &self.from, End::Source));
        let to = (&self.to, config::tokens(&self.hosts, &self.to, End::Target));
        super::forecast::of(plan, &self.options, (from, to))
    }

    /// Opens both ends to look at what a job has left, or to take it away.
    pub(super) fn open_to_read(&self, scratch: &Path) -> Result<Ends, AppError> {
        self.open_for(scratch, (Access::Write, true))
    }

    /// Opens both ends to plan: nothing is made at the destination.
    pub(super) fn open_to_plan(&self, scratch: &Path) -> Result<Ends, AppError> {
        self.open_for(scratch, (Access::Plan, false))
    }

    /// Opens both ends to carry; `resume` goes on with what an interrupted run left.
    pub(super) fn open(&self, scratch: &Path, resume: bool) -> Result<Ends, AppError> {
        self.open_for(scratch, (Access::Write, resume))
    }

    fn open_for(&self, scratch: &Path, access: (Access, bool)) -> Result<Ends, AppError> {
        let from = config::with_credentials(&self.hosts, &self.from, End::Source)?;
        // What stands behind `#` is a new name there, not one to look for.
        let to = config::with_credentials(&self.hosts, &self.to, End::Target)?.whole();
        let reader = {
            let (to, scratch) = (to.clone(), scratch.join("read-back"));
            Arc::new(move || reopen(&to, &scratch))
        };
        Ok(Ends {
            from: self.from.to_string(),
            to: self.to.to_string(),
            source: registry::source(&from, scratch)?,
            sink: registry::sink(&to, scratch, access)?,
            reader,
            source_host: registry::named(&self.from)?.id,
            sink_host: registry::named(&self.to)?.id,
            scratch: scratch.to_owned(),
        })
    }
}

/// What is said of jobs that read what no location leads to.
fn of_projects() -> AppError {
    AppError::usage("the job is one of `migrate-projects`: what it carries is in a database")
        .hint("`packhorse resume`, `verify`, `rollback` and `report` know what to do with it")
}

/// Opens the destination for reading; it was opened for writing, so its host is known.
fn reopen(
    to: &Location,
    scratch: &Path,
) -> Result<Arc<dyn packhorse_core::port::Source>, packhorse_core::HostError> {
    use packhorse_core::{HostError, HostErrorKind, OpenContext};
    let unsupported = || {
        HostError::new(HostErrorKind::Unsupported, "read the destination back").with("place", to)
    };
    let spec = registry::all().find(|it| it.is_named(&to.host)).ok_or_else(unsupported)?;
    let context = OpenContext { scratch: scratch.to_owned(), access: Access::Read, resume: false };
    (spec.open)(to, &context)?.source.ok_or_else(unsupported)
}
