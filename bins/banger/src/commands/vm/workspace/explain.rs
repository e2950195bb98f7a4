//! What the workspace crate fails with, told to a person.

use workspace::WorkspaceError;

use crate::{
    copy::PackError,
    fault::{Explain, Fault, chain},
};

impl Explain for WorkspaceError {
    fn explain(self, doing: &str) -> Fault {
        let fault = Fault::new(self.class(), format!("{doing}: {}", chain(&self)));
        Fault { hint: self.hint().map(str::to_owned), ..fault }
    }
}

impl PackError for WorkspaceError {
    fn is_hang_up(&self) -> bool {
        matches!(self, Self::Send { .. })
    }
}
