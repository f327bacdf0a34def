//! Pages for people: what the service's own API tells, drawn by the server.
//!
//! They are whole without scripts; a small one of our own keeps them up to date. Nothing is loaded
//! from elsewhere.

mod asset;
mod change;
mod chart;
mod compare;
mod look;
mod lost;
mod page;
mod plan;
mod session;
mod watch;
mod words;

use crate::Service;
use axum::{
    Router,
    response::Redirect,
    routing::{get, post},
};
use std::sync::Arc;

/// The routes.
pub(crate) fn router() -> Router<Arc<Service>> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/jobs") }))
        .route("/login", get(change::ask).post(change::log_in))
        .route("/logout", post(change::log_out))
        .route("/jobs", get(look::jobs).post(change::start))
        .route("/jobs/new", get(change::form))
        .route("/jobs/live", get(watch::jobs))
        .route("/jobs/{id}", get(look::job))
        .route("/jobs/{id}/live", get(watch::job))
        .route("/jobs/{id}/plan", get(plan::show))
        .route("/jobs/{id}/losses", get(lost::losses))
        .route("/jobs/{id}/failures", get(lost::failures))
        .route("/jobs/{id}/compare", get(compare::show))
        .route("/jobs/{id}/report", get(look::report))
        .route("/jobs/{id}/{action}", post(change::act))
        .route("/_assets/{name}", get(asset::send))
}
