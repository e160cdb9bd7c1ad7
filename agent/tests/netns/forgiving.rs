//! Verdicts that end early, and a limit that spares.

use std::{fs, thread};

use serde_json::Value;

use crate::{
    agent::{Agent, Home, Settings},
    lab::{Host, Lab, eventually},
};

#[test]
fn good_conduct_lifts_a_verdict_long_before_its_time() {
    let lab = Lab::new();
    let [sinner, victim, other] = &lab.hosts;
    let home = Home::new();
    let settings = Settings {
        config: "[policy]\ndos_ttl = \"30m\"\nforgeable_ttl = \"30m\"\nlift_after = \"2s\"\nlift_events = 3",
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    sinner.flood(victim.ip(), 1_000, 1_000).finish();
    let decision = eventually("the flood is condemned", || {
        agent.decisions().into_iter().next()
    });
    let id = decision["id"].as_u64().unwrap();
    // A person's decision on the same source does not go with it.
    let manual = agent.add(&format!(
        "--source {} --protocol tcp --port 9 --duration 10m",
        sinner.ip()
    ));
    assert_eq!(sinner.ping(victim.ip(), 1), 0);
    // What the verdict does not cover shows that the source is harmless again.
    eventually("the verdict is lifted", || {
        assert_eq!(sinner.ping(other.ip(), 5), 5);
        (agent.decision(id)["phase"] == "lifted").then_some(())
    });
    let lifted = agent.decision(id);
    let why = lifted["ended"].as_str().unwrap();
    assert!(why.contains("events of normal traffic"), "{lifted}");
    assert!(agent.log().contains("verdict lifted"));
    assert_eq!(sinner.ping(victim.ip(), 3), 3);
    let active: Vec<_> = agent.decisions();
    assert_eq!(active.len(), 1);
    assert_eq!(active[0]["id"], manual);
}

#[test]
fn a_flood_from_forged_sources_is_limited_and_a_download_goes_on() {
    let lab = Lab::new();
    let [attacker, victim, client] = &lab.hosts;
    let home = Home::new();
    let settings = Settings {
        config: "[policy]\ncrowd_rate = 20",
        counts_victims: true,
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    fs::create_dir(home.path("www")).unwrap();
    fs::write(home.path("www/file"), vec![b'x'; 1_000_000]).unwrap();
    let _server = victim.serve(80, &home.path("www"));
    let url = format!("http://{}/file", victim.ip());
    let (code, size) = thread::scope(|scope| {
        let download = scope.spawn(|| {
            let format = "%{size_download}";
            client.curl(&[
                "--limit-rate",
                "250k",
                "-o",
                "/dev/null",
                "-w",
                format,
                &url,
            ])
        });
        eventually("the download has begun", || {
            let flows = agent.get("/v1/flows");
            let mut flows = flows.as_array().unwrap().iter();
            flows
                .any(|flow| flow["dst_port"] == 80 && flow["dst_bytes"].as_u64() > Some(10_000))
                .then_some(())
        });
        attacker
            .hping(&format!(
                "--rand-source -S -p 80 -i u1000 -c 2000 {}",
                victim.ip()
            ))
            .finish();
        download.join().unwrap()
    });
    assert_eq!((code, size.as_str()), (0, "1000000"));

    let decisions = agent.get("/v1/decisions?all=true");
    let decisions = decisions.as_array().unwrap();
    assert_eq!(decisions.len(), 1, "{decisions:?}");
    let limit = &decisions[0];
    for (field, value) in [
        ("scope", Value::from("destination")),
        ("type", "rate-limit".into()),
        ("source", Value::Null),
        ("destination", victim.ip().to_string().into()),
        ("port", 80.into()),
    ] {
        assert_eq!(limit[field], value, "{field}: {limit}");
    }
    let dropped = eventually("what exceeds the limit is counted", || {
        Some(agent.counter("rate_limited")).filter(|n| *n > 0)
    });
    assert!(dropped > 1_000, "{dropped} of 2000");
    let explained = agent.get(&format!("/v1/decisions/{}", limit["id"]));
    assert_eq!(explained["grounds"]["about"], "service");
    assert!(explained["grounds"]["sources"].as_u64() >= Some(32));
}

/// Whoever the scanner asks for is this one host.
fn be_everybody(scanner: &Host, host: &Host) {
    let mac = host.mac();
    for number in 0..250 {
        let neighbour = format!("neigh add 10.77.1.{number} lladdr {mac} dev eth0");
        scanner.place.ip(&neighbour);
    }
}

/// The verdict on the sweep as such: a host that it came to three times by chance may have one of its own before.
fn sweep_verdict(agent: &Agent) -> Value {
    eventually("the sweep is condemned", || {
        let mut decisions = agent.decisions().into_iter();
        decisions.find(|decision| decision["scope"] == "source-service")
    })
}

#[test]
fn a_sweep_of_many_hosts_is_kept_from_its_service() {
    let lab = Lab::new();
    let [scanner, host, _] = &lab.hosts;
    let home = Home::new();
    let agent = Agent::start(&lab.switch, &home, &Settings::default());
    be_everybody(scanner, host);
    let sweep = scanner.hping("-S -p 22 -i u5000 -c 400 --rand-dest 10.77.1.x -I eth0");
    let decision = sweep_verdict(&agent);
    sweep.finish();
    assert_eq!(decision["value"], format!("{} > *:22 tcp", scanner.ip()));
    // Forgeable, so narrow: anything else of the same host passes.
    assert_eq!(scanner.ping(host.ip(), 2), 2);
    let explained = agent.tell(&format!("explain {}", decision["id"]));
    assert!(explained.stdout.contains("may be forged"), "{explained:?}");
}

/// The first hundred connections are normal by this model, and no more than three pieces of evidence come after them,
/// six are needed: what is to be seen is seen when it is over.
#[test]
fn a_sweep_that_is_over_at_once_is_condemned_all_the_same() {
    let lab = Lab::new();
    let [scanner, host, _] = &lab.hosts;
    let home = Home::new();
    let agent = Agent::start(&lab.switch, &home, &Settings::default());
    be_everybody(scanner, host);
    let sweep = "-S -p 22 -i u1000 -c 150 --rand-dest 10.77.1.x -I eth0";
    scanner.hping(sweep).finish();
    let decision = sweep_verdict(&agent);
    assert_eq!(decision["value"], format!("{} > *:22 tcp", scanner.ip()));
    let explained = agent.get(&format!("/v1/decisions/{}", decision["id"]));
    assert_eq!(explained["grounds"]["about"], "source", "{explained}");
}

/// How many connections of ten minutes the columns of a source remember after four pings, a verdict on it that ends, and
/// one more ping. Each counts where it comes in and where it goes out.
fn remembered_after_a_verdict(mode: &str) -> u32 {
    let lab = Lab::new();
    let [sinner, host, _] = &lab.hosts;
    let home = Home::new();
    let file = home.path("rows.csv");
    let settings = Settings {
        config: &format!("mode = \"{mode}\""),
        flags: &["--record", file.to_str().unwrap()],
        ..Settings::default()
    };
    let mut agent = Agent::start(&lab.switch, &home, &settings);
    assert_eq!(sinner.ping(host.ip(), 4), 4);
    let id = agent.add(&format!("--source {} --duration 1s", sinner.ip()));
    eventually("the verdict ends", || {
        (agent.decision(id)["phase"] == "expired").then_some(())
    });
    assert_eq!(sinner.ping(host.ip(), 1), 1);
    agent.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(agent.ended(), Some(0));

    let text = fs::read_to_string(&file).unwrap();
    let mut rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = rows.next().unwrap();
    let column = |name: &str| header.iter().position(|title| *title == name).unwrap();
    let (source, conns) = (column("src"), column("src_conns_600s"));
    let ip = sinner.ip().to_string();
    let last = rows.rfind(|row| row[source] == ip);
    last.unwrap()[conns].parse().unwrap()
}

#[test]
fn what_a_source_has_atoned_for_is_in_no_column_of_it() {
    assert_eq!(remembered_after_a_verdict("enforce"), 2);
}

#[test]
fn who_was_only_watched_has_not_atoned() {
    assert_eq!(remembered_after_a_verdict("monitor"), 10);
}
