//! `serve`: the APIs of other products, and the workers that do what is asked through them.

pub(super) mod kept;
mod lock;
mod page;
mod places;
mod reach;

use crate::{
    cli::{Globals, Log, Serve},
    config::{self, Hosts},
    error::{AppError, Status},
    terminal,
};
use kept::Kept;
use packhorse_server::{KeyError, Listening, Service, ServiceError, Tls};
use places::HostPlaces;
use std::{io, path::Path, sync::Arc, time::Duration};

/// Serves until somebody stops it.
pub(super) async fn run(globals: &Globals, arguments: &Serve) -> Result<Status, AppError> {
    let hosts = Hosts::read(globals)?;
    if let Some(pool) = config::database(globals)? {
        config::share_budgets(pool).await?;
    }
    let Kept { journal, state } = kept::open(globals, &hosts).await?;
    let mut settings = hosts.service(&absolute(&globals.journal)?)?;
    settings.workers = arguments.workers.map_or(settings.workers, usize::from);
    settings.lease = Duration::from_secs(arguments.lease);
    settings.tls = tls(arguments)?;
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    log_to_stderr(arguments.log);
    reach::limit(&hosts, &settings);
    let places = Arc::new(HostPlaces::new(hosts));
    let service = Service::open(settings, state, journal, places)?;
    packhorse_net::news::listen(service.listener());
    let stop = stopped()?;
    let listening = Listening::at(arguments.listen, service).await?;
    terminal::talk(&format!("listening on {scheme}://{}", listening.address()?));
    packhorse_server::serve(listening, stop).await;
    terminal::talk("stopped; what was running goes on when it is started again");
    Ok(Status::Done)
}

/// The service whose jobs a worker may run, where one is served from the same database: with what
/// this machine's configuration says of hosts.
pub(super) async fn to_work_for(
    globals: &Globals,
    lease: Duration,
) -> Result<Option<Arc<Service>>, AppError> {
    let Some(pool) = config::database(globals)? else { return Ok(None) };
    let hosts = Hosts::read(globals)?;
    let Some(Kept { journal, state }) = kept::of_service(globals, &hosts, &pool).await? else {
        return Ok(None);
    };
    let mut settings = hosts.service(&absolute(&globals.journal)?)?;
    settings.lease = lease;
    reach::limit(&hosts, &settings);
    let places = Arc::new(HostPlaces::new(hosts));
    Ok(Some(Service::open(settings, state, journal, places)?))
}

/// The certificate that was named, with its key.
fn tls(arguments: &Serve) -> Result<Option<Tls>, AppError> {
    let Some((certificate, key)) = arguments.tls_cert.as_ref().zip(arguments.tls_key.as_ref())
    else {
        return Ok(None);
    };
    let read = Tls::read(certificate, key);
    Ok(Some(read.map_err(|error| AppError::usage("TLS cannot be served").because(error))?))
}

/// Archives are named in jobs, so their paths must not depend on where the service was started.
fn absolute(directory: &Path) -> Result<std::path::PathBuf, AppError> {
    Ok(std::path::absolute(directory)?)
}

fn log_to_stderr(form: Log) {
    let log = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(tracing::Level::INFO)
        .with_ansi(false);
    // Somebody who has set up a log already keeps it.
    let set = match form {
        Log::Json => log.json().flatten_event(true).with_current_span(false).try_init(),
        Log::Text => log.try_init(),
    };
    drop(set);
}

/// Ready on the first Ctrl-C or SIGTERM; both are listened to from the call on, not from when it is
/// first waited for, so that nobody who sees the address can come too early.
fn stopped() -> Result<impl Future<Output = ()>, AppError> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
        terminal::talk("stopping at the next safe place");
    })
}

impl From<KeyError> for AppError {
    fn from(error: KeyError) -> Self {
        Self::failed("the service's key cannot be used").because(error)
    }
}

impl From<ServiceError> for AppError {
    fn from(error: ServiceError) -> Self {
        Self::failed("the service cannot go on").because(error)
    }
}
