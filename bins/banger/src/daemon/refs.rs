//! Which machines are meant: by name, by id, or by an unambiguous beginning of either.

use std::collections::BTreeSet;

use api::Vm;
use model::Class;

use crate::fault::Fault;

/// How many of several candidates a message names.
const NAMED_MAX: usize = 5;

/// Finds the one machine that `given` means.
pub(crate) fn find<'a>(vms: &'a [Vm], given: &str, doing: &str) -> Result<&'a Vm, Fault> {
    let exact = vms.iter().find(|vm| vm.name.as_str() == given || vm.id.as_str() == given);
    if let Some(vm) = exact {
        return Ok(vm);
    }
    let begins = |vm: &&Vm| vm.name.as_str().starts_with(given) || vm.id.as_str().starts_with(given);
    let candidates: Vec<&Vm> = vms.iter().filter(begins).filter(|_| !given.is_empty()).collect();
    match candidates[..] {
        [vm] => Ok(vm),
        [] => Err(unknown(vms, given, doing)),
        _ => Err(ambiguous(&candidates, given, doing)),
    }
}

/// Finds the machines that are meant, each once, in the order in which they were first given.
pub(crate) fn find_all<'a>(
    vms: &'a [Vm],
    given: &[String],
    doing: &str,
) -> Vec<(String, Result<&'a Vm, Fault>)> {
    let mut seen_texts = BTreeSet::new();
    let mut seen_vms = BTreeSet::new();
    let mut found = Vec::new();
    for text in given {
        if !seen_texts.insert(text) {
            continue;
        }
        let vm = find(vms, text, doing);
        if vm.as_ref().is_ok_and(|vm| !seen_vms.insert(&vm.id)) {
            continue;
        }
        found.push((text.clone(), vm));
    }
    found
}

fn unknown(vms: &[Vm], given: &str, doing: &str) -> Fault {
    let fault = Fault::new(Class::Failed, format!("{doing}: no machine is called {given:?}"));
    let names = vms.iter().map(|vm| vm.name.as_str());
    match nearest(names, given) {
        Some(name) => fault.hint(format!("Did you mean `{name}`? `banger vm list` shows all.")),
        None => fault.hint("`banger vm list` shows all machines."),
    }
}

fn ambiguous(candidates: &[&Vm], given: &str, doing: &str) -> Fault {
    let mut names: Vec<&str> = candidates.iter().take(NAMED_MAX).map(|vm| vm.name.as_str()).collect();
    if candidates.len() > NAMED_MAX {
        names.push("…");
    }
    let why = format!("{given:?} may be {} machines: {}", candidates.len(), names.join(", "));
    Fault::new(Class::Failed, format!("{doing}: {why}")).hint("Give more of the name.")
}

/// The name that is most like `given`, where one is: a slip of a finger or two away.
fn nearest<'a>(names: impl Iterator<Item = &'a str>, given: &str) -> Option<&'a str> {
    let slips_max = (given.chars().count() / 3).max(1);
    let slips = |name: &&str| strsim::damerau_levenshtein(name, given);
    names.filter(|name| slips(name) <= slips_max).min_by_key(slips)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vm(name: &str, id: &str) -> Vm {
        serde_json::from_value(serde_json::json!({
            "id": id, "name": name, "state": "running", "error": null, "image": "i", "kernel": "k",
            "spec": {"vcpus": 1, "memory": 1, "disk_size": 1, "system_overlay_size": 1, "nat": true, "publish": []},
            "created_at": "2026-01-01T00:00:00Z", "started_at": null, "boot_id": null, "monitor_pid": null,
            "monitor": "qemu", "accel": null, "address": null, "published": [], "dir": "/", "link_dir": "/", "ssh_key": "/",
            "workspace": null,
        }))
        .unwrap()
    }

    fn vms() -> Vec<Vm> {
        vec![
            vm("box", "aaaaaaaaaaaa"),
            vm("box-2", "aabbbbbbbbbb"),
            vm("web", "0123456789ab"),
            vm("a0", "ffffffffffff"),
        ]
    }

    #[test]
    fn a_machine_is_meant_by_name_id_or_an_unambiguous_beginning() {
        let table: &[(&str, Result<&str, &str>)] = &[
            ("box", Ok("box")),
            ("box-", Ok("box-2")),
            ("b", Err("stop: \"b\" may be 2 machines: box, box-2")),
            ("w", Ok("web")),
            ("012", Ok("web")),
            ("0123456789ab", Ok("web")),
            ("aab", Ok("box-2")),
            ("aa", Err("stop: \"aa\" may be 2 machines: box, box-2")),
            ("a", Err("stop: \"a\" may be 3 machines: box, box-2, a0")),
            ("", Err("stop: no machine is called \"\"")),
            ("nope", Err("stop: no machine is called \"nope\"")),
        ];
        let vms = vms();
        for (given, want) in table {
            let found = find(&vms, given, "stop").map(|vm| vm.name.as_str());
            assert_eq!(found.as_ref().map_err(|fault| fault.message.as_str()), want.as_ref().map_err(|m| *m));
        }
    }

    #[test]
    fn each_is_meant_once_in_the_order_given() {
        let vms = vms();
        let given = ["web", "nope", "box", "012", "nope", "aaaaaaaaaaaa"].map(str::to_owned);
        let found: Vec<String> = find_all(&vms, &given, "stop")
            .into_iter()
            .map(|(text, vm)| vm.map_or(format!("no {text}"), |vm| vm.name.to_string()))
            .collect();
        assert_eq!(found, ["web", "no nope", "box"]);
    }

    #[test]
    fn a_slip_of_the_finger_is_guessed() {
        let fault = find(&vms(), "wbe", "stop").unwrap_err();
        assert!(fault.hint.unwrap().starts_with("Did you mean `web`?"));
    }
}
