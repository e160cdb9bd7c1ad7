//! The windows again, slow and plain: every column recomputed from the list of all connections. The property tests
//! compare the fast ones with it.

use std::{collections::HashSet, hash::Hash};

use proptest::prelude::*;
use tidegate_common::address::Address;
use tidegate_models::{Flag, KddRecord, Protocol, Service, percent};

use super::{Entry, HashKeys, MAX_RECENT, Place, ServiceId, Weights, Windows};

#[derive(Clone, Copy)]
struct Single {
    /// Which `enter` it came from.
    id: usize,
    at_ns: u64,
    entry: Entry,
}

/// An entry of weight w stands w times in a list.
#[derive(Default)]
struct Reference {
    now_ns: u64,
    ids: usize,
    recent: Vec<Single>,
    short: Vec<Single>,
    last: Vec<Single>,
}

impl Reference {
    fn enter(&mut self, entry: &Entry, at_ns: u64, weights: Weights) -> usize {
        self.ids += 1;
        self.now_ns = at_ns;
        let single = Single {
            id: self.ids,
            at_ns,
            entry: *entry,
        };
        for (list, weight) in [
            (&mut self.recent, weights.recent),
            (&mut self.short, weights.short),
            (&mut self.last, weights.last),
        ] {
            list.extend(std::iter::repeat_n(single, weight as usize));
        }
        self.ids
    }

    fn change(&mut self, id: usize, flag: Flag) {
        for list in [&mut self.recent, &mut self.short, &mut self.last] {
            for single in list.iter_mut().filter(|single| single.id == id) {
                single.entry.flag = flag;
            }
        }
    }

    fn judge(&self, subject: &Entry, id: usize) -> KddRecord {
        let since = |list: &[Single], horizon_ns: u64| -> Vec<Single> {
            let young = |s: &&Single| self.now_ns - s.at_ns < horizon_ns;
            list.iter().filter(young).copied().collect()
        };
        let with_subject = |list: Vec<Single>| -> Vec<Entry> {
            let inside = list.iter().any(|single| single.id == id);
            let mut entries: Vec<_> = list.into_iter().map(|single| single.entry).collect();
            if !inside {
                entries.push(*subject);
            }
            entries
        };
        let recent = with_subject(since(&self.recent, 2_000_000_000));
        let short = with_subject(since(&self.short, 100_000_000));
        let last = self.last.len().saturating_sub(255);
        let last = with_subject(self.last[last..].to_vec());
        let to_host = |e: &&Entry| e.host == subject.host;
        let to_service = |e: &&Entry| e.service == subject.service;
        let same_port = |e: &&Entry| e.source_port == subject.source_port;
        let mut record = KddRecord::default();

        let host: Vec<_> = recent.iter().filter(to_host).collect();
        let service: Vec<_> = recent.iter().filter(to_service).collect();
        record.count = number(&host).min(511);
        record.srv_count = number(&service).min(511);
        record.serror_rate = share(&host, |e| e.flag.is_serror());
        record.srv_serror_rate = share(&service, |e| e.flag.is_serror());
        record.rerror_rate = share(&host, |e| e.flag.is_rerror());
        record.srv_rerror_rate = share(&service, |e| e.flag.is_rerror());
        record.same_srv_rate = share(&host, |e| e.service == subject.service);
        record.diff_srv_rate = distinct(&host, |e| e.service);
        record.srv_diff_host_rate = distinct(&service, |e| e.host);
        record.count_100ms = number(&short.iter().filter(to_host).collect::<Vec<_>>());
        let by_source = |e: &&Entry| e.source == subject.source;
        record.src_count = number(&recent.iter().filter(by_source).collect::<Vec<_>>()).min(65_535);

        let host: Vec<_> = last.iter().filter(to_host).collect();
        let service: Vec<_> = last.iter().filter(to_service).collect();
        record.dst_host_count = number(&host).min(255);
        record.dst_host_srv_count = number(&service).min(255);
        record.dst_host_same_srv_rate = share(&host, |e| e.service == subject.service);
        record.dst_host_diff_srv_rate = distinct(&host, |e| e.service);
        record.dst_host_same_src_port_rate = share(&host, |e| same_port(&e));
        record.dst_host_srv_diff_host_rate = distinct(&service, |e| e.host);
        record.dst_host_serror_rate = share(&host, |e| e.flag.is_serror());
        record.dst_host_srv_serror_rate = share(&service, |e| e.flag.is_serror());
        record.dst_host_rerror_rate = share(&host, |e| e.flag.is_rerror());
        record.dst_host_srv_rerror_rate = share(&service, |e| e.flag.is_rerror());
        record
    }
}

fn number(entries: &[&Entry]) -> u32 {
    entries.len() as u32
}

fn share(entries: &[&Entry], counts: impl Fn(&Entry) -> bool) -> u32 {
    let counted = entries.iter().filter(|entry| counts(entry)).count();
    percent(counted as u32, number(entries))
}

fn distinct<K: Eq + Hash>(entries: &[&Entry], key: impl Fn(&Entry) -> K) -> u32 {
    let keys: HashSet<K> = entries.iter().map(|entry| key(entry)).collect();
    match keys.len() {
        1 => 0,
        distinct => percent(distinct as u32, number(entries)),
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// Connections one after another at the same instant, the source port counting up.
    Enter(Entry, Weights, u16),
    /// The state of an earlier connection.
    Change(usize, Flag),
    /// Another look at an earlier connection.
    Look(usize),
}

fn entry() -> impl Strategy<Value = Entry> {
    let flag = (0..Flag::ALL.len()).prop_map(|i| Flag::ALL[i]);
    (0..4u8, 0..4u16, 0..3u8, 0..3u16, flag).prop_map(|(host, port, source, source_port, flag)| {
        Entry {
            host: Address::from_v4([10, 0, 0, host]),
            service: ServiceId::new(Protocol::Tcp, port, Service::OTHER),
            source: Address::from_v4([10, 1, 0, source]),
            source_port,
            flag,
        }
    })
}

fn weights(most: u32) -> impl Strategy<Value = Weights> {
    let one = Just(Weights::ONE);
    let many = (1..=most, 1..=most, 1..=most.min(255)).prop_map(|(a, b, last)| Weights {
        recent: a.max(b),
        short: a.min(b),
        last,
    });
    prop_oneof![3 => one, 1 => many]
}

/// Steps, each with the time since the one before: ties are frequent, and the ends of both horizons are hit.
fn steps(most: u32, burst: u16, len: usize) -> impl Strategy<Value = Vec<(u64, Step)>> {
    let gap_ms = prop_oneof![
        4 => Just(0u64),
        3 => 1..20u64,
        2 => prop_oneof![Just(50u64), Just(100), Just(99)],
        1 => prop_oneof![Just(500u64), Just(1000), Just(1999), Just(2000)],
    ];
    let flag = (0..Flag::ALL.len()).prop_map(|i| Flag::ALL[i]);
    let step = prop_oneof![
        4 => (entry(), weights(most), 1..=burst).prop_map(|(e, w, n)| Step::Enter(e, w, n)),
        2 => (any::<usize>(), flag).prop_map(|(i, f)| Step::Change(i, f)),
        1 => any::<usize>().prop_map(Step::Look),
    ];
    proptest::collection::vec((gap_ms.prop_map(|ms| ms * 1_000_000), step), 1..len)
}

fn compare(steps: Vec<(u64, Step)>) -> Result<(), TestCaseError> {
    let mut fast = Windows::new(MAX_RECENT, HashKeys::random());
    let mut slow = Reference::default();
    let mut known: Vec<(Entry, Place, usize)> = Vec::new();
    let mut now_ns = 1_000_000_000;
    for (gap_ns, step) in steps {
        now_ns += gap_ns;
        fast.advance(now_ns);
        slow.now_ns = now_ns;
        let judged = match step {
            Step::Enter(mut entry, weights, burst) => {
                for _ in 0..burst {
                    let place = fast.enter(&entry, now_ns, weights);
                    known.push((entry, place, slow.enter(&entry, now_ns, weights)));
                    entry.source_port += 1;
                }
                known.len() - 1
            }
            _ if known.is_empty() => continue,
            Step::Change(which, flag) => {
                let which = which % known.len();
                let (entry, place, id) = &mut known[which];
                entry.flag = flag;
                fast.change(*place, flag);
                slow.change(*id, flag);
                which
            }
            Step::Look(which) => which % known.len(),
        };
        let (subject, place, id) = known[judged];
        let mut record = KddRecord::default();
        fast.judge(&subject, place, &mut record);
        prop_assert_eq!(record, slow.judge(&subject, id));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_agree_with_the_reference(steps in steps(5, 1, 40)) {
        compare(steps)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_agree_with_the_reference_beyond_their_caps(steps in steps(600, 300, 25)) {
        compare(steps)?;
    }
}
