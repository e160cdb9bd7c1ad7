//! Decisions in a real InfluxDB, and none of its troubles in the dataplane.

use nix::sys::signal::Signal;

use crate::{
    agent::{Agent, Home, Settings},
    influxd::{DATABASE, Influxd},
    lab::{Lab, Place, eventually},
};

/// A server with a database, inside a namespace.
pub(crate) fn database(inside: &Place) -> Influxd {
    inside.inside(|| {
        let influxd = Influxd::start(&[]);
        influxd.create_database();
        influxd
    })
}

#[test]
fn a_frozen_influxdb_stops_nothing_and_gets_everything_later() {
    let lab = Lab::new();
    let [attacker, victim, blocked] = &lab.hosts;
    let inside = &lab.switch;
    let influxd = database(inside);
    let home = Home::new();
    let config = format!(
        "[influx]\nurl = \"{}\"\napi = \"v1\"\nbucket = \"{DATABASE}\"\nhost = \"gate\"\ntimeout = \"500ms\"",
        influxd.url()
    );
    let settings = Settings {
        config: &config,
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    influxd.freeze();
    attacker.flood(victim.ip(), 1_000, 1_500).finish();
    let id = eventually("the flood is dropped", || {
        let decision = agent.decisions().into_iter().next()?;
        (decision["packets_dropped"].as_u64()? > 100).then(|| decision["id"].as_u64())?
    });
    agent.add(&format!("--source {} --duration 10m", blocked.ip()));
    assert_eq!(blocked.ping(victim.ip(), 2), 0);
    eventually("the agent says what is wrong", || {
        let ready = agent.get("/readyz");
        let reasons = ready["degraded"].as_array()?.iter();
        let reasons: Vec<_> = reasons.filter_map(|reason| reason.as_str()).collect();
        reasons
            .iter()
            .any(|reason| reason.starts_with("2 decisions wait for the InfluxDB"))
            .then_some(())
    });
    let status = agent.tell("status -o human").stdout;
    assert!(
        status.contains("influx: 0 points stored, 2 to be sent"),
        "{status}"
    );

    influxd.thaw();
    eventually("all is well again", || {
        let stats = agent.get("/v1/stats");
        let sent = stats["influx"]["behind"] == 0 && stats["influx"]["stored"].as_u64()? >= 2;
        (sent && stats["degraded"].as_array()?.is_empty()).then_some(())
    });
    agent.decide(&format!("delete {id}"));
    let dropped = agent.decision(id)["packets_dropped"].as_u64().unwrap();
    let query = format!(
        "SELECT packets_dropped, iface, host, class, dst FROM tidegate_verdicts WHERE id = {id}"
    );
    let row = eventually("the end of the decision arrives", || {
        let series = inside.inside(|| influxd.query(&query));
        let row = series["values"][0].clone();
        (row[1] == dropped).then_some(row)
    });
    assert_eq!(
        (&row[2], &row[3], &row[4]),
        (&"p1".into(), &"gate".into(), &"dos".into())
    );
    assert_eq!(row[5], victim.ip().to_string());
}

/// As the README says it, with flags alone, and with nothing left out of the log.
#[test]
fn the_secret_is_told_to_the_server_and_to_nobody_else() {
    let lab = Lab::new();
    let inside = &lab.switch;
    let influxd = inside.inside(|| {
        let mut influxd = Influxd::start(&[("INFLUXDB_HTTP_AUTH_ENABLED", "true")]);
        influxd.query("CREATE USER gate WITH PASSWORD 'hush-hush' WITH ALL PRIVILEGES");
        influxd.login = Some(("gate", "hush-hush"));
        influxd.create_database();
        influxd
    });
    let home = Home::new();
    let (url, file) = (influxd.url(), home.path("password"));
    let file = file.to_str().unwrap();
    let same = [
        &["--placement", "transit", "--log-level", "trace"][..],
        &["--influx", &url, "--influx-bucket", DATABASE],
        &["--influx-secret-file", file],
    ]
    .concat();
    let told = |secret: &str, more: &[&str], comes: &dyn Fn(&Agent) -> bool| {
        home.write("password", secret);
        let flags = [&same[..], more].concat();
        let settings = Settings {
            flags: &flags,
            ..Settings::default()
        };
        let mut agent = Agent::start(inside, &home, &settings);
        if agent.decisions().is_empty() {
            agent.add("--source 10.77.9.1 --duration 10m");
        }
        eventually("the server has answered", || comes(&agent).then_some(()));
        let shown = [
            agent.get("/readyz").to_string(),
            agent.get("/v1/stats").to_string(),
            agent.tell("status -o human").stdout,
        ];
        agent.signal(Signal::SIGTERM);
        assert_eq!(agent.ended(), Some(0));
        [shown.concat(), agent.log()].concat()
    };
    let says = |agent: &Agent, words: &str| agent.get("/readyz").to_string().contains(words);
    let stored = |agent: &Agent| agent.get("/v1/stats")["influx"]["stored"].as_u64() >= Some(1);
    let v1 = ["--influx-api", "v1", "--influx-user", "gate"];
    let v2 = ["--influx-api", "v2", "--influx-org", "home"];
    let all = [
        told("psst-psst", &v1, &|agent| says(agent, "401")),
        told("hush-hush", &v1, &stored),
        // 1.6 has no such endpoint.
        told("gate:hush-hush", &v2, &|agent| says(agent, "404")),
    ]
    .concat();
    assert!(
        all.contains("TRACE") && all.contains("401"),
        "nothing is shown"
    );
    let stored = inside.inside(|| influxd.query("SELECT COUNT(\"id\") FROM tidegate_verdicts"));
    assert!(stored["values"][0][1].as_u64() >= Some(1), "{stored}");
    // As they are, and as headers have them.
    for secret in ["psst", "hush", "Z2F0ZTpwc3N0", "Z2F0ZTpodXNo"] {
        assert!(!all.contains(secret), "{secret}");
    }
}
