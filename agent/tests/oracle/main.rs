//! Connections as Bro defines them: those that Zeek reports for captures of others, and conversations made here with
//! what they come to by definition.

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod compare;
mod conversations;
mod datagrams;
mod definitions;
mod engine;
mod zeek;

use std::{env, fs, path::PathBuf};

use self::compare::Report;

/// What differs for a reason that is Zeek's alone: capture, port of the originator. Decision 0018 has the reasons.
const ZEEKS_OWN: [(&str, u16); 1] = [
    // Zeek recognises a GridFTP data channel and stops looking at it before it ends.
    ("globus-url-copy.pcap", 35_391),
];

/// In percent of the connections of which Zeek knows the thing.
const STATES: f64 = 99.0;
const COUNTS: f64 = 98.0;
const DURATIONS: f64 = 98.0;

#[test]
fn captures_give_the_connections_that_zeek_reports() {
    let Some(folder) = env::var_os("TIDEGATE_ORACLE") else {
        println!(
            "skipped: TIDEGATE_ORACLE does not name a folder with captures and Zeek's connections"
        );
        return;
    };
    let folder = PathBuf::from(folder).join("conn");
    let mut logs: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(zeek::SUFFIX))
        .collect();
    logs.sort();
    assert!(
        !logs.is_empty(),
        "no {} in {}",
        zeek::SUFFIX,
        folder.display()
    );
    let mut report = Report::default();
    for log in logs {
        let capture = log.strip_suffix(zeek::SUFFIX).unwrap();
        let expected = zeek::connections(&fs::read_to_string(folder.join(&log)).unwrap());
        let found = engine::replay_file(&folder.join(capture));
        let own = ZEEKS_OWN.iter().filter(|own| own.0 == capture);
        let own: Vec<_> = own.map(|own| own.1).collect();
        report.add(capture, &expected, &found, &own);
    }
    println!("{report}");
    for (measure, least) in [
        (&report.states, STATES),
        (&report.bytes, COUNTS),
        (&report.packets, COUNTS),
        (&report.durations, DURATIONS),
    ] {
        assert!(
            measure.compared > 0 && measure.percent() >= least,
            "{report}"
        );
    }
}
