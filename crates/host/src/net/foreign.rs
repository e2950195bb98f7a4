//! The rules of ours in the tables of others.

use network::{Foreign, ForeignRule, IfName};

use super::{error::NetError, tool::Tool};
use crate::program::ProgramError;

/// Adds the rules that let machines pass. Those that are there are left alone.
///
/// A policy that only a person can change is an error too: machines then do not reach outside.
pub(super) async fn allow(foreign: &Foreign, bridge: &IfName) -> Result<(), NetError> {
    let rules = foreign.rules(bridge);
    if rules.is_empty() {
        return Err(NetError::Dropped { foreign: foreign.clone(), bridge: bridge.clone() });
    }
    for rule in rules {
        let tool = Tool::find(rule.program)?;
        let cannot = |source| NetError::Foreign { foreign: foreign.clone(), source };
        if !is_there(&tool, &rule).await.map_err(cannot)? {
            tool.run(&rule.add, "").await.map_err(cannot)?;
        }
    }
    Ok(())
}

/// Says which policies of others still lack the rules that let machines pass.
pub(super) async fn lacks(foreign: &Foreign, bridge: &IfName) -> Result<bool, NetError> {
    for rule in foreign.rules(bridge) {
        let cannot = |source| NetError::Foreign { foreign: foreign.clone(), source };
        if !is_there(&Tool::find(rule.program)?, &rule).await.map_err(cannot)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes the rules out again, and no others, whether the policy still stands or not.
pub(super) async fn disallow(foreign: &Foreign, bridge: &IfName) -> Result<(), NetError> {
    for rule in foreign.rules(bridge) {
        // Without the program there is no table of its either.
        let Ok(tool) = Tool::find(rule.program) else { continue };
        let cannot = |source| NetError::Foreign { foreign: foreign.clone(), source };
        // Added twice by a hand, it stands twice.
        for _ in 0..TWICE_MAX {
            if !is_there(&tool, &rule).await.map_err(cannot)? {
                break;
            }
            tool.run(&rule.remove, "").await.map_err(cannot)?;
        }
    }
    Ok(())
}

const TWICE_MAX: usize = 16;

async fn is_there(tool: &Tool, rule: &ForeignRule) -> Result<bool, ProgramError> {
    match (tool.run(&rule.ask, "").await, &rule.answer) {
        (Ok(said), Some(answer)) => Ok(said.lines().any(|line| line.contains(answer))),
        (Ok(_), None) => Ok(true),
        // iptables says no, and says the same of a chain that is not there.
        (Err(ProgramError::Failed { .. }), None) => Ok(false),
        (Err(error), _) => Err(error),
    }
}
