//! Which request is whose.

use hyper::{Method, Request, Response, body::Incoming};

use super::{
    exec, forward,
    health::{self, Guest},
    identity, ports, poweroff,
    reply::{Answer, Body, Refused},
    ssh, stats, tree,
};

pub(super) async fn answer(request: Request<Incoming>, guest: &Guest) -> Response<Body> {
    route(request, guest).await.unwrap_or_else(Refused::into_response)
}

async fn route(request: Request<Incoming>, guest: &Guest) -> Answer {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    match (&method, path.as_str()) {
        (&Method::GET, "/v1/health") => health::answer(guest),
        (&Method::PUT, "/v1/identity") => identity::answer(request, guest).await,
        (&Method::POST, "/v1/exec") => exec::answer(request, guest.sessions.begin()).await,
        (&Method::POST, "/v1/forward") => forward::answer(request, guest.sessions.begin()).await,
        (&Method::POST, "/v1/ssh") => ssh::answer(request, guest.sessions.begin()),
        (&Method::GET, "/v1/tree") => tree::get(&request, guest.sessions.begin()).await,
        (&Method::PUT, "/v1/tree") => tree::put(request, guest.sessions.begin()).await,
        (&Method::GET, "/v1/ports") => ports::answer().await,
        (&Method::GET, "/v1/stats") => stats::answer(guest),
        (&Method::POST, "/v1/poweroff") => poweroff::answer(guest),
        _ => Err(Refused::missing(format!("this agent knows no {method} {path}"))),
    }
}
