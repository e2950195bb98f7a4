//! `/v1/operations`.

use std::{io, sync::Arc};

use api::{Code, OperationSummary};
use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use model::OpId;
use serde::Deserialize;

use super::{
    body::Asked,
    reply::{Refused, Reply},
};
use crate::{app::App, failure::failure, operations::Operation};

/// `GET /v1/operations`.
pub(super) async fn list(State(app): State<Arc<App>>) -> Json<Vec<OperationSummary>> {
    Json(app.operations.list())
}

/// From where events are wanted.
#[derive(Debug, Deserialize)]
pub(super) struct After {
    #[serde(default)]
    after: u64,
}

/// `GET /v1/operations/{op}/events`.
pub(super) async fn events(
    State(app): State<Arc<App>>,
    Path(op): Path<String>,
    Asked(After { after }): Asked<After>,
) -> Reply<Response> {
    let operation = find(&app, &op)?;
    let lines = stream::unfold((operation, after), |(operation, after)| async move {
        let events = operation.events_after(after).await;
        let after = events.last()?.seq;
        let mut lines = vec![];
        for event in &events {
            if let Err(error) = serde_json::to_writer(&mut lines, event) {
                return Some((Err(io::Error::from(error)), (operation, after)));
            }
            lines.push(b'\n');
        }
        Some((Ok(Bytes::from(lines)), (operation, after)))
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

/// `DELETE /v1/operations/{op}`.
pub(super) async fn cancel(State(app): State<Arc<App>>, Path(op): Path<String>) -> Reply<StatusCode> {
    let operation = find(&app, &op)?;
    tracing::info!(op = %operation.id(), "it is to be cancelled");
    operation.cancel();
    Ok(StatusCode::ACCEPTED)
}

fn find(app: &App, op: &str) -> Result<Arc<Operation>, Refused> {
    let id: OpId = op.parse().map_err(|error: model::ParseError| {
        failure(Code::BadRequest, format!("look up an operation: {error}"))
    })?;
    Ok(app.operations.get(&id)?)
}
