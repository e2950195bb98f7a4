//! What is sent in.

use api::Code;
use axum::{
    body::to_bytes,
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use super::reply::Refused;
use crate::failure::failure;

/// The longest body of a request that is not an import, in bytes.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// A request's body in JSON. An empty one is `{}`.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refused> {
        let bad = |why: String| failure(Code::BadRequest, format!("read the request: {why}"));
        let bytes = to_bytes(request.into_body(), BODY_BYTES_MAX)
            .await
            .map_err(|_| bad(format!("its body is cut short, or longer than {BODY_BYTES_MAX} bytes")))?;
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        Ok(Self(serde_json::from_slice(text).map_err(|error| bad(error.to_string()))?))
    }
}

/// What stands behind the `?` of a request.
#[derive(Debug)]
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(error) => {
                Err(failure(Code::BadRequest, format!("read the request: {}", error.body_text())).into())
            }
        }
    }
}
