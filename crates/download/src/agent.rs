//! Asks a server, with the limits that hold before the first byte.

use std::{sync::Arc, time::Instant};

use release::Url;
use ureq::{
    Agent, Body,
    config::{Config, RedirectAuthHeaders},
    http::Response,
    tls::{RootCerts, TlsConfig},
};

use crate::{Cause, Pace};

/// How often a server may send on.
const HOPS_MAX: u32 = 5;

fn agent(url: &Url, pace: Pace) -> Agent {
    // The host's own certificates: what its administrator trusts, a company's proxy among it, and they are renewed
    // without a release of ours. No trust in a release rests on them.
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let config = Config::builder()
        .user_agent(concat!("banger/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .redirect_auth_headers(RedirectAuthHeaders::Never)
        .max_idle_connections(0)
        .timeout_global(Some(pace.total))
        .timeout_resolve(Some(pace.connect))
        .timeout_connect(Some(pace.connect))
        .timeout_per_read(Some(pace.silence))
        .timeout_per_write(Some(pace.silence))
        .timeout_recv_response(Some(pace.silence))
        .tls_config(tls);
    // A proxy that the environment names is used, except on the way to this machine itself.
    let config = if url.is_https() { config } else { config.proxy(None) };
    config.build().new_agent()
}

/// Asks for what is at `url`, and where it was sent on to.
pub(crate) fn get(url: &Url, pace: Pace) -> Result<Response<Body>, Cause> {
    let (mut url, start) = (url.clone(), Instant::now());
    for _ in 0..=HOPS_MAX {
        let left = Pace { total: pace.total.saturating_sub(start.elapsed()), ..pace };
        let response = agent(&url, left).get(url.to_string()).call().map_err(cause)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Err(Cause::Status { status });
        }
        let location = response.headers().get("location").and_then(|value| value.to_str().ok());
        let location = location.ok_or(Cause::NoLocation)?;
        url = url.redirected(location).map_err(|source| Cause::Location { source })?;
    }
    Err(Cause::Redirects { hops: HOPS_MAX })
}

/// Says what the library's error means.
pub(crate) fn cause(error: ureq::Error) -> Cause {
    match error {
        ureq::Error::Timeout(limit) => Cause::Timeout { limit: limit.to_string() },
        error => Cause::Server { source: Box::new(error) },
    }
}
