//! `/v1/kernels`.

use std::sync::Arc;

use api::{Code, Kernel, KernelPull, OperationKind, Outcome};
use axum::{
    Json,
    body::Body as Bytes,
    extract::{Path, State},
    http::StatusCode,
};
use model::KernelName;
use serde::Deserialize;

use super::{
    body::{Asked, Body},
    import::stage,
    reply::{Begun, Refused, Reply, begun},
};
use crate::{
    app::App,
    failure::failure,
    library::{self, kernel_view},
    machine,
};

fn named(name: &str) -> Result<KernelName, Refused> {
    name.parse().map_err(|error: model::ParseError| {
        failure(Code::BadRequest, format!("look up a kernel: {error}")).into()
    })
}

/// `GET /v1/kernels`.
pub(super) async fn list(State(app): State<Arc<App>>) -> Reply<Json<Vec<Kernel>>> {
    let kernels = Arc::clone(&app.library.kernels);
    let kernels = library::quick("list the kernels", move || kernels.list()).await?;
    Ok(Json(kernels.into_iter().map(kernel_view).collect()))
}

/// `GET /v1/kernels/{name}`.
pub(super) async fn show(State(app): State<Arc<App>>, Path(name): Path<String>) -> Reply<Json<Kernel>> {
    let name = named(&name)?;
    let kernels = Arc::clone(&app.library.kernels);
    let kernel = library::quick(format!("show kernel {name}"), move || kernels.get(&name)).await?;
    Ok(Json(kernel_view(kernel)))
}

/// `DELETE /v1/kernels/{name}`.
pub(super) async fn delete(State(app): State<Arc<App>>, Path(name): Path<String>) -> Reply<StatusCode> {
    let name = named(&name)?;
    let doing = format!("delete kernel {name}");
    let _change = app.change().await?;
    let _taking = app.library.taking.write().await;
    machine::check_unused(&app, &doing, |vm| vm.kernel == name)?;
    let kernels = Arc::clone(&app.library.kernels);
    library::quick(doing, move || kernels.delete(&name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/kernels/pull`.
pub(super) async fn pull(State(app): State<Arc<App>>, Body(pull): Body<KernelPull>) -> Begun {
    let _change = app.change().await?;
    let task_app = Arc::clone(&app);
    let target = pull.name.as_ref().map_or_else(|| "kernel".to_owned(), ToString::to_string);
    let operation = app.operations.begin(OperationKind::KernelPull, &target, |operation| async move {
        let _turn = operation.unless_cancelled(async { Ok(task_app.library.making.lock().await) }).await?;
        let kernel = machine::pull_kernel(&task_app, &operation, pull.suite, pull.name).await?;
        Ok(Outcome::Kernel(kernel_view(kernel)))
    })?;
    Ok(begun(&operation))
}

/// The name of what is imported.
#[derive(Debug, Deserialize)]
pub(super) struct Import {
    name: Option<KernelName>,
}

/// `POST /v1/kernels/import`.
pub(super) async fn import(
    State(app): State<Arc<App>>,
    Asked(Import { name }): Asked<Import>,
    body: Bytes,
) -> Begun {
    // Refused before all of it is sent, and not let in while it is: a sender may be slow.
    drop(app.change().await?);
    let file = stage(app.dirs.cache(), body).await?;
    let _change = app.change().await?;
    let kernels = Arc::clone(&app.library.kernels);
    let target = name.as_ref().map_or_else(|| "kernel".to_owned(), ToString::to_string);
    let operation = app.operations.begin(OperationKind::KernelImport, &target, |operation| async move {
        let import = library::job(&operation, "import a kernel", move |job| {
            kernels.import(name.as_ref(), file, "import", job)
        });
        Ok(Outcome::Kernel(kernel_view(import.await?)))
    })?;
    Ok(begun(&operation))
}
