//! Which tree a request means.

use guest::query;

use crate::serve::reply::Refused;

/// Reads the absolute path that a request names.
pub(super) fn path_of(query_text: Option<&str>) -> Result<String, Refused> {
    query::value(query_text.unwrap_or_default(), "path")
        .filter(|path| path.starts_with('/') && !path.contains('\0'))
        .ok_or_else(|| Refused::bad("a tree wants path=P, an absolute path"))
}
