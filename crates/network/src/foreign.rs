//! Rules of others that drop what the host forwards, and what their own documentation names to let us pass.
//!
//! A packet must pass every chain of the forward hook: no rule of ours lets through what another table
//! drops. So the rule has to stand in that other table, and be taken out again.

use std::fmt;

use model::Class;
use serde::Deserialize;

use crate::{link::IfName, ruleset::TABLE};

/// One chain of the host's nftables.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Chain {
    /// `ip`, `inet`, …
    pub family: String,
    /// The table that it stands in.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Where packets come in from; `None` for one that others jump to.
    #[serde(default)]
    pub hook: Option<String>,
    /// What happens to a packet that no rule decides on.
    #[serde(default)]
    pub policy: Option<String>,
}

/// All chains of the host's nftables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chains(Vec<Chain>);

/// What nft said is not what nft says.
#[derive(Debug, thiserror::Error)]
#[error("the listing of nft cannot be read")]
pub struct ChainsError {
    source: serde_json::Error,
}

impl ChainsError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        Class::Failed
    }
}

#[derive(Deserialize)]
struct Listing {
    nftables: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    chain: Option<Chain>,
}

impl Chains {
    /// Reads what `nft -j list chains` says.
    ///
    /// # Errors
    ///
    /// [`ChainsError`] where it is something else.
    pub fn from_nft_json(text: &str) -> Result<Self, ChainsError> {
        let listing: Listing = serde_json::from_str(text).map_err(|source| ChainsError { source })?;
        Ok(Self(listing.nftables.into_iter().filter_map(|entry| entry.chain).collect()))
    }

    /// Whether there is such a chain.
    #[must_use]
    pub fn has(&self, family: &str, table: &str, name: &str) -> bool {
        self.0.iter().any(|chain| {
            (chain.family.as_str(), chain.table.as_str(), chain.name.as_str()) == (family, table, name)
        })
    }

    /// Whether our own tables are there.
    #[must_use]
    pub fn has_ours(&self) -> bool {
        ["inet", "bridge"]
            .iter()
            .all(|family| self.0.iter().any(|chain| chain.family == *family && chain.table == TABLE))
    }

    /// Those that drop what is forwarded over IPv4 and nobody decides on, without our own.
    fn dropping(&self) -> impl Iterator<Item = &Chain> {
        self.0.iter().filter(|chain| {
            chain.hook.as_deref() == Some("forward")
                && chain.policy.as_deref() == Some("drop")
                && matches!(chain.family.as_str(), "ip" | "inet")
                && chain.table != TABLE
        })
    }
}

/// What is known about who forwards what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForwardFacts {
    /// The chains of nftables, with those that iptables keeps there.
    pub chains: Chains,
    /// What `iptables -S` says of an iptables that is not kept in nftables; `None` where there is none.
    pub legacy: Option<String>,
}

/// Somebody who drops what machines send.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Foreign {
    /// Docker, which sets the policy of iptables' FORWARD to DROP.
    Docker,
    /// ufw, with a policy for what is routed that is not allow.
    Ufw,
    /// firewalld, which rejects what comes from an interface that is in no zone.
    Firewalld,
    /// A chain that somebody else made.
    Chain {
        /// Family, table and name.
        chain: String,
    },
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Docker => f.write_str("docker's policy for forwarded packets"),
            Self::Ufw => f.write_str("ufw's policy for routed packets"),
            Self::Firewalld => f.write_str("firewalld's default zone"),
            Self::Chain { chain } => write!(f, "the chain {chain}"),
        }
    }
}

/// One rule in somebody else's table: how to ask for it, add it, and take it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignRule {
    /// The program that keeps that table.
    pub program: &'static str,
    /// Its arguments that ask.
    pub ask: Vec<String>,
    /// What it answers if the rule is there: a line with this in it; `None` where it then exits with 0.
    pub answer: Option<String>,
    /// Its arguments that add the rule.
    pub add: Vec<String>,
    /// Its arguments that take it out.
    pub remove: Vec<String>,
}

fn words(text: &str) -> Vec<String> {
    text.split_ascii_whitespace().map(str::to_owned).collect()
}

impl ForwardFacts {
    /// Who drops what machines send. Several may, and each has to let it pass.
    #[must_use]
    pub fn foreign(&self) -> Vec<Foreign> {
        let (chains, legacy) = (&self.chains, self.legacy.as_deref().unwrap_or_default());
        let legacy_has = |line: &str| legacy.lines().any(|one| one.trim() == line);
        let has = |name: &str| chains.has("ip", "filter", name) || legacy_has(&format!("-N {name}"));
        let is_iptables = |chain: &Chain| (chain.family.as_str(), chain.table.as_str()) == ("ip", "filter");
        let mut found = vec![];
        if chains.dropping().any(is_iptables) || legacy_has("-P FORWARD DROP") {
            // All three stand in one chain, and docker's comes first: what it accepts, ufw does not see.
            found.push(if has("DOCKER-USER") {
                Foreign::Docker
            } else if has("ufw-user-forward") {
                Foreign::Ufw
            } else {
                Foreign::Chain { chain: "ip filter FORWARD".to_owned() }
            });
        }
        if chains.has("inet", "firewalld", "filter_FORWARD") {
            found.push(Foreign::Firewalld);
        }
        for chain in chains.dropping().filter(|chain| !is_iptables(chain) && chain.table != "firewalld") {
            found.push(Foreign::Chain { chain: format!("{} {} {}", chain.family, chain.table, chain.name) });
        }
        found
    }
}

impl Foreign {
    /// The rules that let machines behind `bridge` pass: those that its documentation names ("Docker on a
    /// router" in docker's manual; `ufw route` in ufw(8)). None where a person has to decide.
    #[must_use]
    pub fn rules(&self, bridge: &IfName) -> Vec<ForeignRule> {
        match self {
            Self::Docker => {
                let comment = "-m comment --comment banger -j ACCEPT";
                let replies = "-m conntrack --ctstate RELATED,ESTABLISHED";
                [format!("-i {bridge} {comment}"), format!("-o {bridge} {replies} {comment}")]
                    .iter()
                    .map(|what| ForeignRule {
                        program: "iptables",
                        ask: words(&format!("-w -C DOCKER-USER {what}")),
                        answer: None,
                        add: words(&format!("-w -I DOCKER-USER {what}")),
                        remove: words(&format!("-w -D DOCKER-USER {what}")),
                    })
                    .collect()
            }
            // Replies are let through by what ufw lets through before any rule of a person's.
            Self::Ufw => vec![ForeignRule {
                program: "ufw",
                ask: words("show added"),
                answer: Some(format!("route allow in on {bridge} comment 'banger'")),
                add: words(&format!("route allow in on {bridge} comment banger")),
                remove: words(&format!("route delete allow in on {bridge}")),
            }],
            Self::Firewalld | Self::Chain { .. } => vec![],
        }
    }

    /// One sentence for a person, where no rule is added by itself.
    #[must_use]
    pub fn hint(&self, bridge: &IfName) -> Option<String> {
        match self {
            Self::Docker | Self::Ufw => None,
            Self::Firewalld => Some(format!(
                "Put the bridge into a zone that forwards: `firewall-cmd --permanent --zone=trusted --add-interface={bridge}`."
            )),
            Self::Chain { chain } => Some(format!(
                "Let what comes from {bridge}, and replies to it, pass the chain {chain}; `nft list chain {chain}` shows it."
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(chains: &str, legacy: Option<&str>) -> ForwardFacts {
        let chain = |line: &str| {
            let mut words = line.split(' ').map(str::to_owned);
            let mut next = || words.next();
            Chain {
                family: next().unwrap(),
                table: next().unwrap(),
                name: next().unwrap(),
                hook: next(),
                policy: next(),
            }
        };
        let chains = chains.split(", ").filter(|line| !line.is_empty()).map(chain).collect();
        ForwardFacts { chains: Chains(chains), legacy: legacy.map(str::to_owned) }
    }

    #[test]
    fn who_drops_is_named_and_who_does_not_is_left_alone() {
        let drops = "ip filter FORWARD forward drop";
        let user = "ip filter DOCKER-USER";
        let ufw = "ip filter ufw-user-forward";
        let legacy = "-P INPUT ACCEPT\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n-N DOCKER-USER\n";
        let chain = |chain: &str| Foreign::Chain { chain: chain.to_owned() };
        let table = [
            (facts("", None), vec![]),
            (facts("ip filter FORWARD forward accept, ip filter DOCKER-USER", None), vec![]),
            (facts(&format!("{drops}, {user}"), None), vec![Foreign::Docker]),
            (facts(&format!("{drops}, {ufw}"), None), vec![Foreign::Ufw]),
            (facts(&format!("{drops}, {ufw}, {user}"), None), vec![Foreign::Docker]),
            (facts(drops, None), vec![chain("ip filter FORWARD")]),
            (facts("", Some(legacy)), vec![Foreign::Docker]),
            (facts("", Some("-P FORWARD ACCEPT")), vec![]),
            (facts("inet my wall forward drop", None), vec![chain("inet my wall")]),
            (facts("ip6 filter FORWARD forward drop, inet my in input drop", None), vec![]),
            (facts("inet banger forward forward drop", None), vec![]),
            (facts("inet firewalld filter_FORWARD forward accept", None), vec![Foreign::Firewalld]),
        ];
        for (facts, want) in table {
            assert_eq!(facts.foreign(), want, "{facts:?}");
        }
    }

    #[test]
    fn the_rules_are_those_that_their_own_manuals_name() {
        let bridge = "banger0".parse().unwrap();
        let lines: Vec<String> = [Foreign::Docker, Foreign::Ufw, Foreign::Firewalld]
            .iter()
            .flat_map(|foreign| foreign.rules(&bridge))
            .flat_map(|rule| {
                [rule.ask, rule.add, rule.remove].map(|args| format!("{} {}", rule.program, args.join(" ")))
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
        for foreign in [Foreign::Firewalld, Foreign::Chain { chain: "inet my wall".to_owned() }] {
            assert!(foreign.rules(&bridge).is_empty() && foreign.hint(&bridge).is_some());
        }
    }

    #[test]
    fn what_nft_lists_is_read() {
        let text = r#"{"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}},
            {"chain": {"family": "ip", "table": "filter", "name": "DOCKER-USER", "handle": 1}},
            {"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "handle": 2, "type": "filter",
             "hook": "forward", "prio": 0, "policy": "drop"}}]}"#;
        let chains = Chains::from_nft_json(text).unwrap();
        assert!(chains.has("ip", "filter", "FORWARD") && !chains.has_ours());
        assert_eq!(ForwardFacts { chains, legacy: None }.foreign(), [Foreign::Docker]);
        assert!(Chains::from_nft_json("nft: command not found").is_err());
    }
}
