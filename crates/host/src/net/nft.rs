//! Our tables in nftables, through the nft program.

use std::collections::BTreeSet;

use network::{Chains, Ruleset, TABLE, TAP_PREFIX};

use super::{error::NetError, tool::Tool};

/// Puts the rules in place of those that are in our tables, in one transaction.
pub(super) async fn replace(rules: &Ruleset) -> Result<(), NetError> {
    run(&rules.render()).await
}

/// Takes our tables away.
pub(super) async fn remove() -> Result<(), NetError> {
    run(Ruleset::removal()).await
}

async fn run(script: &str) -> Result<(), NetError> {
    let said = Tool::find("nft")?.run(&["-f", "-"], script).await;
    said.map(|_| ()).map_err(|source| NetError::Rules { source })
}

/// Lists every chain of the host.
pub(super) async fn chains() -> Result<Chains, NetError> {
    let listing = Tool::find("nft")?.run(&["-j", "list", "chains"], "").await;
    Ok(Chains::from_nft_json(&listing.map_err(|source| NetError::List { source })?)?)
}

/// The taps that our rules let through. Our tables have to be there.
pub(super) async fn taps() -> Result<BTreeSet<String>, NetError> {
    let listing = Tool::find("nft")?.run(&["list", "table", "bridge", TABLE], "").await;
    let listing = listing.map_err(|source| NetError::List { source })?;
    // The rule for all of ours ends with a star, and is no tap's.
    let is_tap = |word: &&str| word.starts_with(TAP_PREFIX) && !word.ends_with('*');
    Ok(listing.split('"').filter(is_tap).map(str::to_owned).collect())
}
