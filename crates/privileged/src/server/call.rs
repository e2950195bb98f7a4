//! Reading one call, and writing its answer.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Method, Response, StatusCode, body::Incoming, header};
use model::OpId;

use crate::{
    Code, OPERATION_HEADER, RELEASE, Refusal, Reply, Request, VERSION, VERSION_HEADER, limits::BODY_BYTES_MAX,
};

/// A call that was read whole and means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The operation of the caller's on whose behalf it is made.
    pub op: OpId,
    /// What is asked.
    pub request: Request,
    /// Who asks.
    pub uid: u32,
}

/// Reads a call. Everything about it is looked at before anything is done.
pub(super) async fn read(request: hyper::Request<Incoming>, uid: u32) -> Result<Call, Refusal> {
    let bad = |why: String| Refusal::new(Code::BadRequest, format!("read the call: {why}"));
    let (head, body) = request.into_parts();
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let operation = head.uri.path().strip_prefix('/').and_then(|path| path.strip_prefix(VERSION));
    let Some(operation) = operation.and_then(|path| path.strip_prefix('/')) else {
        return Err(bad(format!("{} is no operation of /{VERSION}", shown(head.uri.path()))));
    };
    if head.method != Method::POST {
        return Err(bad(format!(
            "{} is not how an operation is asked for; POST is",
            shown(head.method.as_str())
        )));
    }
    match header(VERSION_HEADER) {
        Some(RELEASE) => {}
        other => {
            let other = other.map_or("no release".to_owned(), shown);
            let message = format!("read the call: the helper is {RELEASE}, and the caller says {other}");
            return Err(Refusal::new(Code::OtherRelease, message)
                .hinted("Both have to be of one release: `sudo banger system restart`."));
        }
    }
    let op = header(OPERATION_HEADER).and_then(|text| text.parse().ok());
    let op = op.ok_or_else(|| bad(format!("its header {OPERATION_HEADER} names no operation")))?;
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
    let body =
        body.map_err(|_| bad(format!("its body is cut short, or longer than {BODY_BYTES_MAX} bytes")))?;
    Ok(Call { op, request: Request::parse(operation, &body.to_bytes())?, uid })
}

/// The beginning of a text that anybody may have written, on one line.
fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_default).collect()
}

/// Writes an answer. The connection ends with it.
pub(super) fn answer(answer: &Result<Reply, Refusal>) -> Response<Full<Bytes>> {
    let (status, body) = match answer {
        Ok(reply) => (200, serde_json::to_vec(reply)),
        Err(refusal) => (refusal.code.status(), serde_json::to_vec(refusal)),
    };
    let (status, body) = match body {
        Ok(body) => (StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, vec![]),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    headers.insert(VERSION_HEADER, header::HeaderValue::from_static(RELEASE));
    response
}
