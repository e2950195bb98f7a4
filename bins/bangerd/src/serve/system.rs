//! `/v1/info`, `/v1/usage`, `/v1/doctor`, `/v1/doctor/fix`, `/v1/shutdown`, `/v1/restart`.

use std::sync::Arc;

use api::{Code, DoctorDefaults, DoctorReport, Info, Usage};
use axum::{Json, extract::State, http::StatusCode};

use super::{body::Asked, reply::Reply};
use crate::{
    app::App,
    facts,
    failure::{Explained, failure},
    program,
};

/// `GET /v1/info`.
pub(super) async fn info(State(app): State<Arc<App>>) -> Reply<Json<Info>> {
    Ok(Json(facts::info(&app).await?))
}

/// `GET /v1/doctor`.
pub(super) async fn doctor(
    State(app): State<Arc<App>>,
    Asked(defaults): Asked<DoctorDefaults>,
) -> Reply<Json<DoctorReport>> {
    Ok(Json(facts::doctor(&app, &defaults).await?))
}

/// `POST /v1/doctor/fix`.
pub(super) async fn doctor_fix(
    State(app): State<Arc<App>>,
    Asked(defaults): Asked<DoctorDefaults>,
) -> Reply<Json<DoctorReport>> {
    let _change = app.change().await?;
    Ok(Json(facts::fix(&app, &defaults).await?))
}

/// `GET /v1/usage`.
pub(super) async fn usage(State(app): State<Arc<App>>) -> Reply<Json<Usage>> {
    Ok(Json(facts::usage(&app).await?))
}

/// `POST /v1/shutdown`.
pub(super) async fn shutdown(State(app): State<Arc<App>>) -> StatusCode {
    tracing::info!("asked to end");
    app.stop.cancel();
    StatusCode::ACCEPTED
}

/// `POST /v1/restart`.
pub(super) async fn restart(State(app): State<Arc<App>>) -> Reply<StatusCode> {
    if app.dirs.is_system() {
        let why = "restart the daemon: systemd does that for a system install";
        return Err(failure(Code::WrongState, why).hinted("sudo banger system restart").into());
    }
    let program =
        program::next().map_err(|why| failure(Code::Failed, format!("restart the daemon: {why}")))?;
    tracing::info!(program = %program.display(), "asked to restart");
    // Asked twice while it ends, it restarts once.
    let _ = app.restart.set(program);
    app.stop.cancel();
    Ok(StatusCode::ACCEPTED)
}
