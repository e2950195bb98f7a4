//! Files out of the guest and into it, as tar streams.

mod get;
mod put;

pub(super) use get::get;
pub(super) use put::put;

use guest::query;

use super::reply::Refused;

/// Reads the absolute path that a request names.
fn path_of(query_text: Option<&str>) -> Result<String, Refused> {
    query::value(query_text.unwrap_or_default(), "path")
        .filter(|path| path.starts_with('/') && !path.contains('\0'))
        .ok_or_else(|| Refused::bad("a tree wants path=P, an absolute path"))
}
