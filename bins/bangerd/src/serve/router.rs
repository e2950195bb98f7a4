//! Which request goes where.

use std::sync::Arc;

use api::{Code, VERSION_HEADER};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::HeaderValue,
    middleware,
    response::Response,
    routing::{delete, get, post, put},
};

use super::{hold, idempotency, images, kernels, operations, reply::Refused, system, vms};
use crate::{app::App, failure::failure};

/// Every request of contract ①.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/v1/info", get(system::info))
        .route("/v1/usage", get(system::usage))
        .route("/v1/doctor", get(system::doctor))
        .route("/v1/doctor/fix", post(system::doctor_fix))
        .route("/v1/shutdown", post(system::shutdown))
        .route("/v1/hold", put(hold::hold).delete(hold::release))
        .route("/v1/census", get(hold::census))
        .route("/v1/restart", post(system::restart))
        .route("/v1/operations", get(operations::list))
        .route("/v1/operations/{op}/events", get(operations::events))
        .route("/v1/operations/{op}", delete(operations::cancel))
        .route("/v1/vms", get(vms::list).post(vms::create))
        .route("/v1/vms/{vm}", get(vms::show).patch(vms::change).delete(vms::delete))
        .route("/v1/vms/{vm}/start", post(vms::start))
        .route("/v1/vms/{vm}/stop", post(vms::stop))
        .route("/v1/vms/{vm}/restart", post(vms::restart))
        .route("/v1/vms/{vm}/kill", post(vms::kill))
        .route("/v1/vms/{vm}/stats", get(vms::stats))
        .route("/v1/vms/{vm}/health", get(vms::health))
        .route("/v1/vms/{vm}/logs", get(vms::logs))
        .route("/v1/vms/{vm}/workspace", put(vms::workspace).delete(vms::no_workspace))
        .route("/v1/images", get(images::list))
        .route("/v1/images/{name}", get(images::show).delete(images::delete))
        .route("/v1/images/build", post(images::build))
        .route("/v1/images/import", post(images::import))
        .route("/v1/images/promote", post(images::promote))
        .route("/v1/images/prune", post(images::prune))
        .route("/v1/kernels", get(kernels::list))
        .route("/v1/kernels/{name}", get(kernels::show).delete(kernels::delete))
        .route("/v1/kernels/pull", post(kernels::pull))
        .route("/v1/kernels/import", post(kernels::import))
        .method_not_allowed_fallback(not_so)
        .fallback(unknown)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), idempotency::once))
        // Each handler has a limit of its own.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::map_response(named))
        .with_state(app)
}

/// Every reply says which release it is of, so that a client of another one can tell.
async fn named(mut reply: Response) -> Response {
    reply.headers_mut().insert(VERSION_HEADER, HeaderValue::from_static(model::RELEASE));
    reply
}

async fn unknown(request: Request) -> Refused {
    let asked = format!("{} {}", request.method(), request.uri().path());
    failure(Code::NotFound, format!("answer {asked}: there is no such request")).into()
}

async fn not_so(request: Request) -> Refused {
    let asked = format!("{} {}", request.method(), request.uri().path());
    failure(Code::BadRequest, format!("answer {asked}: it cannot be asked in this way")).into()
}
