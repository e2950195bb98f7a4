//! Our tables in nftables, through the nft program.

use network::{Chains, Ruleset};

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
