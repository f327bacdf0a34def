//! Connections: accepted within bounds, and ended without cutting anybody off.

use super::router;
use crate::{
    Service, hook,
    service::{ServiceError, system},
    sweep, work,
};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use packhorse_core::error::chain;
use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
};

/// Connections at a time; more wait to be accepted.
const MOST_CONNECTIONS: usize = 4_096;

/// How long a client may take for the head of a request.
const HEAD_PATIENCE: Duration = Duration::from_secs(15);

/// How long requests under way may take after the service was asked to stop.
const FAREWELL: Duration = Duration::from_secs(10);

/// Longest head of a request, in bytes.
const LONGEST_HEAD: usize = 64 << 10;

/// A service that has an address already, and does not answer yet.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    service: Arc<Service>,
}

impl Listening {
    /// Takes the address.
    ///
    /// # Errors
    ///
    /// When it cannot be had.
    pub async fn at(address: SocketAddr, service: Arc<Service>) -> Result<Self, ServiceError> {
        let listener = TcpListener::bind(address).await.map_err(system("listen"))?;
        Ok(Self { listener, service })
    }

    /// The address that it has.
    ///
    /// # Errors
    ///
    /// When the system does not tell.
    pub fn address(&self) -> Result<SocketAddr, ServiceError> {
        self.listener.local_addr().map_err(system("look at the address"))
    }
}

/// Answers requests and runs jobs until `stop` is ready; then stops jobs at their next safe place,
/// lets requests under way end, and comes back.
pub async fn serve(listening: Listening, stop: impl Future<Output = ()>) {
    let Listening { listener, service } = listening;
    let heard = service.stopping.subscribe();
    if let Err(error) = service.take_up().await {
        tracing::error!(error = chain(&error), "what was left could not be taken up");
    }
    let crew = tokio::spawn(work::crew(Arc::clone(&service), heard.clone()));
    let hooks = tokio::spawn(hook::deliver(Arc::clone(&service), heard.clone()));
    let house = tokio::spawn(sweep::keep_house(Arc::clone(&service), heard));
    let connections = GracefulShutdown::new();
    tokio::select! {
        () = accept(&listener, &service, &connections) => {}
        () = stop => {}
    }
    drop(listener);
    service.stopping.send_replace(true);
    let farewell = tokio::time::timeout(FAREWELL, connections.shutdown()).await;
    if farewell.is_err() {
        tracing::warn!("some clients were cut off");
    }
    for task in [crew, hooks, house] {
        if let Err(error) = task.await {
            tracing::error!(%error, "a task ended badly");
        }
    }
}

async fn accept(listener: &TcpListener, service: &Arc<Service>, connections: &GracefulShutdown) {
    let router = router(Arc::clone(service));
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, or a client that went away: it may be better soon.
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        drop(stream.set_nodelay(true));
        let (router, watcher) = (router.clone(), connections.watcher());
        let tls = service.config.tls.clone();
        tokio::spawn(async move {
            // A client that goes away is no fault of the service.
            match tls {
                None => drop(watcher.watch(connection(stream, router)).await),
                Some(tls) => {
                    let shaken = tls.acceptor().accept(stream);
                    if let Ok(Ok(stream)) = tokio::time::timeout(HEAD_PATIENCE, shaken).await {
                        drop(watcher.watch(connection(stream, router)).await);
                    }
                }
            }
            drop(place);
        });
    }
}

fn connection<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    router: Router,
) -> http1::Connection<TokioIo<S>, TowerToHyperService<Router>> {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
}
