//! `Idempotency-Key`: asking twice with one key is asking once.

use std::sync::Arc;

use api::Code;
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::reply::Refused;
use crate::{
    app::{App, Place, Stored},
    failure::{Explained, failure},
};

const HEADER: &str = "idempotency-key";

/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 128;

/// The longest reply to a change, in bytes.
const REPLY_BYTES_MAX: usize = 1024 * 1024;

/// Answers a change whose key is known with the reply that was given, and waits where it is still being
/// worked on. The work goes on where the client goes away, and its reply outlives the daemon. A refusal is not
/// remembered: it changed nothing.
pub(super) async fn once(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    // Holding is asked every second, and twice is once whatever the key.
    let is_change = request.method() != Method::GET && request.uri().path() != "/v1/hold";
    let Some(key) = request.headers().get(HEADER).filter(|_| is_change) else {
        return next.run(request).await;
    };
    let bad = |why| Refused(failure(Code::BadRequest, format!("read the request: {why}"))).into_response();
    let key = match key.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= KEY_BYTES_MAX => key.to_owned(),
        _ => return bad("its Idempotency-Key is not 1 to 128 visible characters"),
    };
    let asked = format!("{} {}", request.method(), request.uri());
    let place = match app.replies.place(&key, &asked) {
        Place::Reply(place) => place,
        Place::Others => return bad("its Idempotency-Key was used for another request"),
        Place::CutOff => return cut_off(&asked).into_response(),
    };
    let work = tokio::spawn(async move {
        let answer = || async {
            app.replies.begin(&key, &asked).await;
            let (parts, body) = next.run(request).await.into_parts();
            let body = to_bytes(body, REPLY_BYTES_MAX).await.unwrap_or_default();
            let stored = Stored { status: parts.status, headers: parts.headers, body };
            // What is not remembered is handed on all the same.
            if !stored.status.is_success() {
                return Err(stored);
            }
            app.replies.keep(&key, &stored).await;
            Ok(stored)
        };
        match place.get_or_try_init(answer).await {
            Ok(stored) => stored.clone(),
            Err(stored) => {
                app.replies.forget(&key).await;
                stored
            }
        }
    });
    match work.await {
        Ok(stored) => {
            let mut response = Response::new(Body::from(stored.body));
            *response.status_mut() = stored.status;
            *response.headers_mut() = stored.headers;
            response
        }
        Err(error) => {
            Refused(failure(Code::Internal, format!("answer the request: {error}"))).into_response()
        }
    }
}

/// What is told of a request in whose middle a daemon was ended, by a crash of the host or of its own.
fn cut_off(asked: &str) -> Refused {
    let why =
        format!("answer {asked} again: the daemon was ended in the middle of it, and may have done a part");
    failure(Code::Failed, why).hinted("`banger vm list` shows what is there now.").into()
}
