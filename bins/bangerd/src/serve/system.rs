//! `/v1/info`, `/v1/doctor`, `/v1/doctor/fix`, `/v1/shutdown`.

use std::sync::Arc;

use api::{DoctorReport, Info};
use axum::{Json, extract::State, http::StatusCode};

use super::reply::Reply;
use crate::{app::App, facts};

/// `GET /v1/info`.
pub(super) async fn info(State(app): State<Arc<App>>) -> Reply<Json<Info>> {
    Ok(Json(facts::info(&app).await?))
}

/// `GET /v1/doctor`.
pub(super) async fn doctor(State(app): State<Arc<App>>) -> Reply<Json<DoctorReport>> {
    Ok(Json(facts::doctor(&app).await?))
}

/// `POST /v1/doctor/fix`.
pub(super) async fn doctor_fix(State(app): State<Arc<App>>) -> Reply<Json<DoctorReport>> {
    let _change = app.change().await?;
    Ok(Json(facts::fix(&app).await?))
}

/// `POST /v1/shutdown`.
pub(super) async fn shutdown(State(app): State<Arc<App>>) -> StatusCode {
    tracing::info!("asked to end");
    app.stop.cancel();
    StatusCode::ACCEPTED
}
