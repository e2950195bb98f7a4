//! Several things at once, each of which succeeds or fails alone.

use std::fmt::Display;

use serde_json::json;

use crate::{
    daemon::Context,
    exit,
    fault::Fault,
    screen::{fault_object, print_line, print_object},
};

/// What came of one: its data, and a line about it.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) what: &'static str,
    pub(super) object: serde_json::Value,
    pub(super) text: String,
}

/// Does one after the other; one alone fails as the whole does.
pub(super) async fn in_order<T: Display + PartialEq>(
    context: &Context,
    given: &[T],
    work: impl AsyncFn(&T) -> Result<Told, Fault>,
) -> Result<u8, Fault> {
    let mut code = exit::DONE;
    for (index, one) in given.iter().enumerate() {
        if given[..index].contains(one) {
            continue;
        }
        match work(one).await {
            Err(fault) if given.len() == 1 => return Err(fault),
            result => code = code.max(tell(context, &one.to_string(), result)),
        }
    }
    Ok(code)
}

/// Prints what came of one of several, and returns its exit code.
pub(super) fn tell(context: &Context, given: &str, result: Result<Told, Fault>) -> u8 {
    let screen = context.screen;
    match result {
        Ok(told) if screen.is_json() => {
            print_object("result", json!({ "ref": given, "ok": true, told.what: told.object }));
            exit::DONE
        }
        Ok(told) => {
            print_line(&told.text);
            exit::DONE
        }
        Err(fault) => {
            if screen.is_json() {
                print_object("result", json!({ "ref": given, "ok": false, "error": fault_object(&fault) }));
            } else {
                screen.fault(&fault);
            }
            exit::FAILED
        }
    }
}
