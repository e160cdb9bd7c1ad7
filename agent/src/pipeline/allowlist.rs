//! The kernel's copy of who is never dropped.

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv6Addr},
};

use tidegate_common::{address::Address, verdict::MAX_ALLOWLIST};

use super::Pipeline;
use crate::{
    config::Cidr,
    dataplane::{DataplaneError, Tables},
    engine::{Allowed, Refused},
    policy::{Protected, Protection},
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

impl Pipeline {
    /// Adds a network at run time: in the kernel first, then nothing stands on it any more.
    pub(super) fn allow(&mut self, network: Cidr, now_ns: u64) -> Result<Allowed, Refused> {
        if self.detector.policy().protected().networks().count() >= MAX_ALLOWLIST as usize {
            return Err(Refused::AllowlistFull(MAX_ALLOWLIST));
        }
        let new = self.detector.policy_mut().protected_mut().add(network);
        if let Err(error) = self.write_allowlist() {
            if new {
                self.detector.policy_mut().protected_mut().remove(network);
            }
            return Err(error);
        }
        let tables = &mut self.dataplane.tables;
        let lifted = self
            .enforcer
            .release_protected(tables, self.detector.policy().protected());
        self.forgive(now_ns);
        self.set_scopes();
        self.publish(now_ns);
        Ok(Allowed {
            added: self.detector.policy().protected().added(),
            lifted,
        })
    }

    /// Takes back what was added at run time.
    pub(super) fn disallow(&mut self, network: Cidr, now_ns: u64) -> Result<Allowed, Refused> {
        if !self.detector.policy_mut().protected_mut().remove(network) {
            let found = self.detector.policy().protected().entries();
            let mut found = found.filter(|(entry, _)| *entry == network);
            let why = match found.next() {
                Some((_, Protection::Configured(_))) => "the configuration lists it",
                Some((_, Protection::Own)) => "it is an address of this machine",
                Some((_, Protection::Gateway)) => "it is the default gateway",
                Some((_, Protection::Added(_))) | None => "it is not on the allowlist",
            };
            return Err(Refused::NotAdded(network, why));
        }
        let written = self.write_allowlist();
        if written.is_err() {
            self.detector.policy_mut().protected_mut().add(network);
        }
        written?;
        self.publish(now_ns);
        Ok(Allowed {
            added: self.detector.policy().protected().added(),
            lifted: Vec::new(),
        })
    }

    fn write_allowlist(&mut self) -> Result<(), Refused> {
        let tables = &mut self.dataplane.tables;
        let kernel = |error: DataplaneError| Refused::Kernel(error.to_string());
        self.control.allowlist_len =
            synchronise(tables, self.detector.policy().protected()).map_err(kernel)?;
        tables.set_control(self.control).map_err(kernel)
    }
}

/// An IPv4 prefix counts from the 96th bit of the mapped form.
fn entry(network: Cidr) -> (Address, u32) {
    let offset = if network.network().is_ipv4() { 96 } else { 0 };
    (
        Address::from(network.network()),
        offset + u32::from(network.prefix()),
    )
}
