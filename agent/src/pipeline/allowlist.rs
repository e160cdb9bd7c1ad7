//! The kernel's copy of who is never dropped.

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv6Addr},
};

use tidegate_common::{address::Address, verdict::MAX_ALLOWLIST};

use crate::{
    config::Cidr,
    dataplane::{DataplaneError, Tables},
    policy::Protected,
};

/// Makes the kernel's allowlist what the policy protects; returns the number of its entries.
pub(super) fn synchronise(
    tables: &mut Tables,
    protected: &Protected,
) -> Result<u32, DataplaneError> {
    let wanted: HashSet<(Address, u32)> = protected.networks().map(entry).collect();
    if wanted.len() > MAX_ALLOWLIST as usize {
        return Err(DataplaneError::Kernel {
            action: format!("hold {} allowlist entries", wanted.len()),
            reason: format!("there is room for {MAX_ALLOWLIST}"),
        });
    }
    let present: HashSet<(Address, u32)> = tables
        .allowlist()?
        .into_iter()
        .map(|(bytes, prefix)| (Address::from(IpAddr::V6(Ipv6Addr::from(bytes))), prefix))
        .collect();
    for &(network, prefix) in wanted.difference(&present) {
        tables.allow(network, prefix)?;
    }
    for &(network, prefix) in present.difference(&wanted) {
        tables.disallow(network, prefix)?;
    }
    Ok(wanted.len() as u32)
}

/// An IPv4 prefix counts from the 96th bit of the mapped form.
fn entry(network: Cidr) -> (Address, u32) {
    let offset = if network.network().is_ipv4() { 96 } else { 0 };
    (
        Address::from(network.network()),
        offset + u32::from(network.prefix()),
    )
}
