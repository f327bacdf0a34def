//! The service's own API, and its description.

pub(crate) mod act;
pub(crate) mod compare;
pub(crate) mod error;
pub(crate) mod events;
pub(crate) mod job;
pub(crate) mod losses;
pub(crate) mod report;
pub(crate) mod routes;
pub(crate) mod start;
pub(crate) mod wire;

use crate::Service;
use axum::{Json, Router, routing::get};
use error::Problem;
use http::StatusCode;
use std::sync::Arc;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Content, Ref, RefOr, ResponseBuilder,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Where the API is.
pub(crate) const ROOT: &str = "/api/v1";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Packhorse",
        description = "Migrations between Git hosts: started, watched, looked into, undone."
    ),
    components(schemas(Problem)),
    security(("token" = [])),
    modifiers(&Token)
)]
struct Description;

/// How a token is sent.
struct Token;

impl Modify for Token {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        api.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

/// What anything may be answered with that cannot be done.
struct Problems;

impl Modify for Problems {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let told = Content::new(Some(Ref::from_schema_name("Problem")));
        let problem = |description: &str| {
            let answer = ResponseBuilder::new().description(description);
            RefOr::T(answer.content("application/problem+json", told.clone()).build())
        };
        for path in api.paths.paths.values_mut() {
            for operation in [&mut path.get, &mut path.post].into_iter().flatten() {
                let answers = &mut operation.responses.responses;
                answers.insert("4XX".to_owned(), problem("It cannot be done so"));
                answers.insert("5XX".to_owned(), problem("It cannot be done now"));
            }
        }
    }
}

/// The routes, and their description.
pub(crate) fn router() -> Router<Arc<Service>> {
    let below = OpenApiRouter::new()
        .routes(routes!(routes::list, routes::begin))
        .routes(routes!(routes::draw_up))
        .routes(routes!(routes::show))
        .routes(routes!(routes::plan))
        .routes(routes!(routes::watch))
        .routes(routes!(routes::lost))
        .routes(routes!(routes::loss_groups))
        .routes(routes!(routes::failed))
        .routes(routes!(routes::compare))
        .routes(routes!(routes::download))
        .routes(routes!(routes::cancel))
        .routes(routes!(routes::resume))
        .routes(routes!(routes::retry))
        .routes(routes!(routes::roll_back));
    let api = OpenApiRouter::with_openapi(Description::openapi()).nest(ROOT, below);
    let (router, mut description) = api.split_for_parts();
    Problems.modify(&mut description);
    let description = Arc::new(description);
    router
        .route(
            &format!("{ROOT}/openapi.json"),
            get(move || async move { Json(description.as_ref().clone()) }),
        )
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "that cannot be done with it")
        })
}

/// The answer where nothing is.
pub(crate) fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address")
}
