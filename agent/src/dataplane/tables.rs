//! The maps, typed.

use aya::{
    Ebpf,
    maps::{
        Array, HashMap, LpmTrie, Map, MapData, MapError, PerCpuArray, PerCpuValues, lpm_trie::Key,
    },
    util::nr_cpus,
};
use nix::libc;
use tidegate_common::{
    address::Address,
    control::{Control, OverflowKey},
    stats::Stats,
    verdict::{Verdict, VerdictCounters, VerdictKey},
};

use super::{DataplaneError, refused};

/// Every map but the event buffer.
pub struct Tables {
    control: Array<MapData, Control>,
    verdicts: HashMap<MapData, VerdictKey, Verdict>,
    counters: PerCpuArray<MapData, VerdictCounters>,
    allowlist: LpmTrie<MapData, [u8; 16], u8>,
    overflow: HashMap<MapData, OverflowKey, u64>,
    stats: PerCpuArray<MapData, Stats>,
}

/// Takes a map out of the loaded object.
pub(super) fn take<T>(
    ebpf: &mut Ebpf,
    name: &str,
    convert: impl FnOnce(Map) -> Result<T, MapError>,
) -> Result<T, DataplaneError> {
    let map = ebpf.take_map(name).ok_or_else(|| DataplaneError::Kernel {
        action: format!("find the map {name}"),
        reason: "the embedded object lacks it".to_owned(),
    })?;
    convert(map).map_err(|error| refused(&format!("use the map {name}"), error))
}

impl Tables {
    pub(super) fn take(ebpf: &mut Ebpf) -> Result<Self, DataplaneError> {
        Ok(Self {
            control: take(ebpf, "CONTROL", Array::try_from)?,
            verdicts: take(ebpf, "VERDICTS", HashMap::try_from)?,
            counters: take(ebpf, "VERDICT_COUNTERS", PerCpuArray::try_from)?,
            allowlist: take(ebpf, "ALLOWLIST", LpmTrie::try_from)?,
            overflow: take(ebpf, "OVERFLOW", HashMap::try_from)?,
            stats: take(ebpf, "STATS", PerCpuArray::try_from)?,
        })
    }

    /// The orders in force.
    ///
    /// # Errors
    ///
    /// When the kernel refuses, here and below.
    pub fn control(&self) -> Result<Control, DataplaneError> {
        self.control
            .get(&0, 0)
            .map_err(|error| refused("read the control map", error))
    }

    /// Gives orders.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn set_control(&mut self, control: Control) -> Result<(), DataplaneError> {
        self.control
            .set(0, control, 0)
            .map_err(|error| refused("write the control map", error))
    }

    /// Puts a verdict in force, or replaces it.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn set_verdict(
        &mut self,
        key: &VerdictKey,
        verdict: &Verdict,
    ) -> Result<(), DataplaneError> {
        self.verdicts
            .insert(key, verdict, 0)
            .map_err(|error| refused("write a verdict", error))
    }

    /// Takes a verdict back; one that is not there is no error.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn remove_verdict(&mut self, key: &VerdictKey) -> Result<(), DataplaneError> {
        match self.verdicts.remove(key) {
            Err(error) if !is_absent(&error) => Err(refused("remove a verdict", error)),
            _ => Ok(()),
        }
    }

    /// All verdicts in the map, expired ones included.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn verdicts(&self) -> Result<Vec<(VerdictKey, Verdict)>, DataplaneError> {
        self.verdicts
            .iter()
            .collect::<Result<_, _>>()
            .map_err(|error| refused("read the verdicts", error))
    }

    /// What a verdict has hit, summed over the CPUs.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn counters(&self, slot: u32) -> Result<VerdictCounters, DataplaneError> {
        let values = self
            .counters
            .get(&slot, 0)
            .map_err(|error| refused("read a verdict's counters", error))?;
        let mut sum = VerdictCounters::default();
        for cpu in values.iter() {
            sum.packets += cpu.packets;
            sum.bytes += cpu.bytes;
            sum.last_ns = sum.last_ns.max(cpu.last_ns);
            if cpu.first_ns != 0 && (sum.first_ns == 0 || cpu.first_ns < sum.first_ns) {
                sum.first_ns = cpu.first_ns;
            }
        }
        Ok(sum)
    }

    /// Makes a slot ready for another verdict.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn clear_counters(&mut self, slot: u32) -> Result<(), DataplaneError> {
        let zeros = nr_cpus()
            .map_err(|(_, error)| error)
            .and_then(|cpus| PerCpuValues::try_from(vec![VerdictCounters::default(); cpus]))
            .map_err(|error| refused("count the CPUs", error))?;
        self.counters
            .set(slot, zeros, 0)
            .map_err(|error| refused("clear a verdict's counters", error))
    }

    /// Adds a network whose sources are never dropped. `prefix` counts the bits of the IPv6 (or IPv4-mapped) form.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn allow(&mut self, network: Address, prefix: u32) -> Result<(), DataplaneError> {
        self.allowlist
            .insert(&Key::new(prefix, network.to_bytes()), 1, 0)
            .map_err(|error| refused("write the allowlist", error))
    }

    /// Removes a network from the allowlist.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn disallow(&mut self, network: Address, prefix: u32) -> Result<(), DataplaneError> {
        match self.allowlist.remove(&Key::new(prefix, network.to_bytes())) {
            Err(error) if !is_absent(&error) => Err(refused("write the allowlist", error)),
            _ => Ok(()),
        }
    }

    /// Networks on the allowlist, as (address bytes, prefix).
    ///
    /// # Errors
    ///
    /// As above.
    pub fn allowlist(&self) -> Result<Vec<([u8; 16], u32)>, DataplaneError> {
        self.allowlist
            .keys()
            .map(|key| key.map(|key| (key.data(), key.prefix_len())))
            .collect::<Result<_, _>>()
            .map_err(|error| refused("read the allowlist", error))
    }

    /// Where every packet went, summed over the CPUs.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn stats(&self) -> Result<Stats, DataplaneError> {
        let values = self
            .stats
            .get(&0, 0)
            .map_err(|error| refused("read the statistics", error))?;
        let mut sum = Stats::default();
        for cpu in values.iter() {
            sum.merge(cpu);
        }
        Ok(sum)
    }

    /// Packets of flows beyond the budget, by where they wanted to go.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn overflow(&self) -> Result<Vec<(OverflowKey, u64)>, DataplaneError> {
        self.overflow
            .iter()
            .collect::<Result<_, _>>()
            .map_err(|error| refused("read the overflow map", error))
    }
}

/// Whether an error only says that a key was not there; deleting says so by the kernel's number.
fn is_absent(error: &MapError) -> bool {
    match error {
        MapError::KeyNotFound => true,
        MapError::SyscallError(syscall) => syscall.io_error.raw_os_error() == Some(libc::ENOENT),
        _ => false,
    }
}
