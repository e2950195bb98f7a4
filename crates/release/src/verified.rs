//! A proof as a type.

/// Something that was checked. Only this crate's checks make one, and what may not be done with unchecked bytes asks
/// for one.
///
/// ```compile_fail
/// let sums = release::Sums::parse(b"").unwrap();
/// let forged = release::Verified(sums); // the field is private
/// ```
///
/// ```compile_fail
/// // Nothing that comes off the wire can be read as one either.
/// let forged: release::Verified<release::Sums> = serde_json::from_str("{}").unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// Says that `checked` was.
    pub(crate) fn new(checked: T) -> Self {
        Self(checked)
    }

    /// What was checked.
    #[must_use]
    pub fn get(&self) -> &T {
        &self.0
    }
}
