//! `/v1/vms`.

use std::sync::Arc;

use api::{Code, Failure, Vm, VmChange, VmCreate, VmHealth, VmKill, VmStats, Workspace};
use axum::{
    Json,
    body::Body as Bytes,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use store::VmRecord;

use super::{
    body::{Asked, Body},
    reply::{Begun, Reply, begun},
};
use crate::{
    app::App,
    failure::failure,
    machine::{self, Follow, view},
};

fn find(app: &App, vm: &str) -> Result<Arc<VmRecord>, Failure> {
    app.owner.snapshot().find(vm).cloned()
}

/// `GET /v1/vms`.
pub(super) async fn list(State(app): State<Arc<App>>) -> Reply<Response> {
    let list = app.owner.snapshot().rendered(|vms| {
        let vms: Vec<Vm> = vms.iter().map(|vm| view(&app, vm)).collect();
        // Nothing in a machine cannot be written as JSON; where it could not, an empty body is no list.
        serde_json::to_vec(&vms).unwrap_or_default().into()
    });
    if list.is_empty() {
        return Err(failure(Code::Internal, "list the machines: they cannot be written").into());
    }
    Ok(([(header::CONTENT_TYPE, "application/json")], list).into_response())
}

/// `GET /v1/vms/{vm}`.
pub(super) async fn show(State(app): State<Arc<App>>, Path(vm): Path<String>) -> Reply<Json<Vm>> {
    let vm = find(&app, &vm)?;
    Ok(Json(view(&app, &vm)))
}

/// `POST /v1/vms`.
pub(super) async fn create(State(app): State<Arc<App>>, Body(create): Body<VmCreate>) -> Begun {
    let _change = app.change().await?;
    let operation = machine::create(&app, create)?;
    Ok(begun(&operation))
}

/// `PATCH /v1/vms/{vm}`.
pub(super) async fn change(
    State(app): State<Arc<App>>,
    Path(vm): Path<String>,
    Body(change): Body<VmChange>,
) -> Reply<Json<Vm>> {
    let _change = app.change().await?;
    let vm = machine::change(&app, &*find(&app, &vm)?, &change).await?;
    Ok(Json(view(&app, &vm)))
}

/// `DELETE /v1/vms/{vm}`.
pub(super) async fn delete(State(app): State<Arc<App>>, Path(vm): Path<String>) -> Begun {
    let _change = app.change().await?;
    let operation = machine::delete(&app, &*find(&app, &vm)?)?;
    Ok(begun(&operation))
}

/// `POST /v1/vms/{vm}/start`.
pub(super) async fn start(State(app): State<Arc<App>>, Path(vm): Path<String>) -> Begun {
    let _change = app.change().await?;
    let operation = machine::start(&app, &*find(&app, &vm)?)?;
    Ok(begun(&operation))
}

/// `POST /v1/vms/{vm}/stop`.
pub(super) async fn stop(State(app): State<Arc<App>>, Path(vm): Path<String>) -> Begun {
    let _change = app.change().await?;
    let operation = machine::stop(&app, &*find(&app, &vm)?)?;
    Ok(begun(&operation))
}

/// `POST /v1/vms/{vm}/restart`.
pub(super) async fn restart(State(app): State<Arc<App>>, Path(vm): Path<String>) -> Begun {
    let _change = app.change().await?;
    let operation = machine::restart(&app, &*find(&app, &vm)?)?;
    Ok(begun(&operation))
}

/// What a kill asks for; nothing is `SIGKILL`.
#[derive(Debug, Deserialize)]
pub(super) struct Kill {
    #[serde(default = "sigkill")]
    signal: i32,
}

fn sigkill() -> i32 {
    9
}

/// `POST /v1/vms/{vm}/kill`.
pub(super) async fn kill(
    State(app): State<Arc<App>>,
    Path(vm): Path<String>,
    Body(Kill { signal }): Body<Kill>,
) -> Begun {
    let _change = app.change().await?;
    let operation = machine::kill(&app, &*find(&app, &vm)?, VmKill { signal })?;
    Ok(begun(&operation))
}

/// `GET /v1/vms/{vm}/stats`.
pub(super) async fn stats(State(app): State<Arc<App>>, Path(vm): Path<String>) -> Reply<Json<VmStats>> {
    Ok(Json(machine::stats(&app, &*find(&app, &vm)?).await?))
}

/// `GET /v1/vms/{vm}/health`.
pub(super) async fn health(State(app): State<Arc<App>>, Path(vm): Path<String>) -> Reply<Json<VmHealth>> {
    Ok(Json(machine::health(&app, &*find(&app, &vm)?).await))
}

/// `PUT /v1/vms/{vm}/workspace`.
pub(super) async fn workspace(
    State(app): State<Arc<App>>,
    Path(vm): Path<String>,
    Body(workspace): Body<Workspace>,
) -> Reply<Json<Vm>> {
    let _change = app.change().await?;
    let vm = machine::record_workspace(&app, &*find(&app, &vm)?, Some(workspace)).await?;
    Ok(Json(view(&app, &vm)))
}

/// `DELETE /v1/vms/{vm}/workspace`.
pub(super) async fn no_workspace(State(app): State<Arc<App>>, Path(vm): Path<String>) -> Reply<Json<Vm>> {
    let _change = app.change().await?;
    let vm = machine::record_workspace(&app, &*find(&app, &vm)?, None).await?;
    Ok(Json(view(&app, &vm)))
}

/// Whether to go on at the end.
#[derive(Debug, Deserialize)]
pub(super) struct Logs {
    #[serde(default)]
    follow: bool,
}

/// `GET /v1/vms/{vm}/logs`.
pub(super) async fn logs(
    State(app): State<Arc<App>>,
    Path(vm): Path<String>,
    Asked(Logs { follow }): Asked<Logs>,
) -> Reply<Response> {
    let vm = find(&app, &vm)?;
    let follow = if follow { Follow::Yes } else { Follow::No };
    let console = Bytes::from_stream(machine::console(&app, &vm.id, follow));
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], console).into_response())
}
