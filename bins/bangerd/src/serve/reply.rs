//! What is sent back.

use api::{Accepted, Code, Failure};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use model::OpId;

use crate::operations::Operation;

/// A failure on its way to the client. Gets an id, under which the log has it, where it has none.
#[derive(Debug)]
pub(super) struct Refused(pub(super) Failure);

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(mut failure) = self;
        if failure.op.is_none() {
            let mut bytes = [0; 6];
            // An id of zeros where there is no chance to be had is still an answer.
            let _ = getrandom::fill(&mut bytes);
            failure.op = Some(OpId::from_random(bytes));
        }
        if let Some(op) = &failure.op {
            tracing::warn!(op = %op, code = ?failure.code, "refused: {failure}");
        }
        let status = StatusCode::from_u16(failure.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // Who was held has waited here already.
        let retry_after = if failure.code == Code::Held { "0" } else { "1" };
        let mut response = (status, Json(failure)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(retry_after));
        }
        response
    }
}

/// Any reply, or a failure.
pub(super) type Reply<T> = Result<T, Refused>;

/// The reply that an operation was begun.
pub(super) type Begun = Reply<(StatusCode, Json<Accepted>)>;

/// Makes the reply that `operation` was begun.
pub(super) fn begun(operation: &Operation) -> (StatusCode, Json<Accepted>) {
    (StatusCode::ACCEPTED, Json(Accepted { op: operation.id().clone() }))
}
