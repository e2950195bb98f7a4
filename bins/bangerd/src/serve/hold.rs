//! `/v1/hold`, `/v1/census`. That the asker is root or the owner was seen when the connection was accepted.

use std::{sync::Arc, time::Duration};

use api::{Census, Code, HOLD_SECS_MAX, HOLDER_BYTES_MAX, Held, Hold};
use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;

use super::{
    body::{Asked, Body},
    reply::Reply,
};
use crate::{app::App, failure::failure, machine};

/// `PUT /v1/hold`.
pub(super) async fn hold(State(app): State<Arc<App>>, Body(asked): Body<Hold>) -> Reply<Json<Held>> {
    let Hold { holder, seconds } = asked;
    if holder.is_empty()
        || holder.len() > HOLDER_BYTES_MAX
        || !holder.bytes().all(|byte| byte.is_ascii_graphic())
    {
        let why =
            format!("hold changes: the holder's name is not 1 to {HOLDER_BYTES_MAX} visible characters");
        return Err(failure(Code::BadRequest, why).into());
    }
    if !(1..=HOLD_SECS_MAX).contains(&seconds) {
        let why = format!("hold changes: {seconds} seconds are not 1 to {HOLD_SECS_MAX}");
        return Err(failure(Code::BadRequest, why).into());
    }
    let left = app.holds.hold(&holder, Duration::from_secs(seconds))?;
    Ok(Json(Held {
        holder,
        left_millis: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
        // Counted first: a change that is done meanwhile has begun its operation before it was.
        changes: app.holds.changes(),
        in_flight: app.operations.list().into_iter().filter(|operation| !operation.done).collect(),
    }))
}

/// Whose hold is to end.
#[derive(Debug, Deserialize)]
pub(super) struct Holder {
    holder: String,
}

/// `DELETE /v1/hold`.
pub(super) async fn release(
    State(app): State<Arc<App>>,
    Asked(Holder { holder }): Asked<Holder>,
) -> Reply<StatusCode> {
    app.holds.release(&holder)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /v1/census`.
pub(super) async fn census(State(app): State<Arc<App>>) -> Reply<Json<Census>> {
    Ok(Json(machine::census(&app).await?))
}
