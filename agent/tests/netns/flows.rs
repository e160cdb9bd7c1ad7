//! Connections, as the agent reports them.

use std::fs;

use serde_json::Value;

use crate::{
    agent::{Agent, Home, Settings},
    lab::{Host, Lab, Running, eventually},
};

/// Connections between two hosts to a port.
fn flows(agent: &Agent, source: &Host, target: &str, port: u16) -> Vec<Value> {
    let flows = agent.get("/v1/flows?limit=1000");
    let wanted = |flow: &&Value| {
        flow["src"] == source.ip().to_string() && flow["dst"] == target && flow["dst_port"] == port
    };
    flows
        .as_array()
        .unwrap()
        .iter()
        .filter(wanted)
        .cloned()
        .collect()
}

/// The one connection between two hosts to a port, once it has a flag.
fn flow(agent: &Agent, source: &Host, target: &str, port: u16, flag: &str) -> Value {
    let mut seen = Vec::new();
    let flow = eventually("the connection is shown with its flag", || {
        seen = flows(agent, source, target, port);
        assert!(seen.len() <= 1, "more than one flow: {seen:?}");
        seen.first().filter(|flow| flow["flag"] == flag).cloned()
    });
    assert_eq!(flow["protocol"], "tcp");
    flow
}

/// A web server on a host with a file of so many bytes.
fn server(host: &Host, home: &Home, bytes: usize) -> Running {
    fs::create_dir(home.path("www")).unwrap();
    fs::write(home.path("www/file"), vec![b'x'; bytes]).unwrap();
    host.serve(80, &home.path("www"))
}

/// Fetches the file; payload bytes sent and received, as curl counts them.
fn fetch(from: &Host, target: &Host) -> (u64, u64) {
    let format = "%{size_request} %{size_header} %{size_download}";
    let url = format!("http://{}/file", target.ip());
    let (code, text) = from.curl(&["-o", "/dev/null", "-w", format, &url]);
    assert_eq!(code, 0, "{text}");
    let sizes: Vec<u64> = text.split(' ').map(|size| size.parse().unwrap()).collect();
    (sizes[0], sizes[1] + sizes[2])
}

#[test]
fn a_connection_through_two_ports_is_one_flow_with_the_right_bytes() {
    let lab = Lab::new();
    let [client, host, _] = &lab.hosts;
    let home = Home::new();
    let agent = Agent::start(&lab.switch, &home, &Settings::default());
    let _server = server(host, &home, 300_000);
    let (sent, received) = fetch(client, host);
    assert!(received > 300_000);
    let flow = flow(&agent, client, &host.ip().to_string(), 80, "SF");
    assert_eq!(flow["service"], "http");
    assert_eq!(
        (flow["src_bytes"].as_u64(), flow["dst_bytes"].as_u64()),
        (Some(sent), Some(received)),
        "{flow}"
    );
    assert_eq!(agent.counter("egress_packets"), 0);
}

#[test]
fn the_shipped_model_leaves_downloads_and_pings_alone() {
    let lab = Lab::new();
    let [client, host, other] = &lab.hosts;
    let home = Home::new();
    let settings = Settings {
        shipped_model: true,
        ..Settings::default()
    };
    let agent = Agent::start(&lab.switch, &home, &settings);
    let _server = server(host, &home, 300_000);
    for download in 1..=5 {
        client.curl(&["-o", "/dev/null", &format!("http://{}/file", host.ip())]);
        other.ping(host.ip(), 2);
        let all = agent.get("/v1/decisions?all=true");
        assert_eq!(
            all.as_array().unwrap().len(),
            0,
            "download {download}: {all}"
        );
    }
}

#[test]
fn a_closed_port_is_rej_and_a_swallowed_syn_is_s0() {
    let lab = Lab::new();
    let [client, host, _] = &lab.hosts;
    let home = Home::new();
    let agent = Agent::start(&lab.switch, &home, &Settings::default());
    let refused = 7;
    let (code, _) = client.curl(&[&format!("http://{}:81/", host.ip())]);
    assert_eq!(code, refused);
    let rejected = flow(&agent, client, &host.ip().to_string(), 81, "REJ");
    assert_eq!(
        (&rejected["src_bytes"], &rejected["dst_bytes"]),
        (&0.into(), &0.into())
    );

    // An address that leads to the host, and that the host does not have.
    let hole = "10.77.0.99";
    client
        .place
        .ip(&format!("neigh add {hole} lladdr {} dev eth0", host.mac()));
    let (code, _) = client.curl(&["--connect-timeout", "1", &format!("http://{hole}/")]);
    assert_ne!(code, 0);
    flow(&agent, client, hole, 80, "S0");
}

#[test]
fn a_host_sees_both_directions_of_its_own_connections() {
    let lab = Lab::new();
    let [client, host, _] = &lab.hosts;
    let home = Home::new();
    let settings = Settings {
        interfaces: &["eth0"],
        flags: &["--placement", "host"],
        ..Settings::default()
    };
    let mut agent = Agent::start(&client.place, &home, &settings);
    assert_eq!(agent.get("/v1/stats")["interfaces"][0]["egress"], true);
    let _server = server(host, &home, 5_000);
    let (sent, received) = fetch(client, host);
    let flow = flow(&agent, client, &host.ip().to_string(), 80, "SF");
    assert_eq!(
        (flow["src_bytes"].as_u64(), flow["dst_bytes"].as_u64()),
        (Some(sent), Some(received)),
        "{flow}"
    );
    let counted = |name: &str| {
        eventually("packets are counted", || {
            Some(agent.counter(name)).filter(|n| *n >= 4)
        })
    };
    assert!(counted("egress_packets") >= flow["src_packets"].as_u64().unwrap());
    assert!(counted("packets") >= flow["dst_packets"].as_u64().unwrap());

    // A verdict works on what comes in, and the end takes the egress program away too.
    agent.add(&format!("--source {} --duration 5m", host.ip()));
    assert_eq!(client.ping(host.ip(), 2), 0);
    agent.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(agent.ended(), Some(0));
    assert_eq!(client.place.xdp("eth0"), None);
    assert!(!home.is_mounted());
    assert_eq!(client.ping(host.ip(), 2), 2);
}

#[test]
fn a_recording_has_a_header_and_the_rows_of_a_ping() {
    let lab = Lab::new();
    let [h1, h2, _] = &lab.hosts;
    let home = Home::new();
    let file = home.path("rows.csv");
    let settings = Settings {
        flags: &["--placement", "transit", "--record", file.to_str().unwrap()],
        ..Settings::default()
    };
    let mut agent = Agent::start(&lab.switch, &home, &settings);
    assert_eq!(h1.ping(h2.ip(), 4), 4);
    agent.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(agent.ended(), Some(0));

    let text = fs::read_to_string(&file).unwrap();
    let mut rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = rows.next().unwrap();
    assert_eq!(header[..2], ["time_s", "iface"]);
    assert_eq!(header[header.len() - 2..], ["class", "confidence"]);
    let column = |name: &str| header.iter().position(|title| *title == name).unwrap();
    let (source, service) = (column("src"), column("service"));
    let ip = h1.ip().to_string();
    let of_ping: Vec<_> = rows
        .inspect(|row| assert_eq!(row.len(), header.len(), "{row:?}"))
        .filter(|row| row[source] == ip && row[column("dst")] == h2.ip().to_string())
        .collect();
    assert!(of_ping.len() >= 3, "{text}");
    for row in of_ping {
        assert_eq!(row[column("protocol_type")], "icmp");
        assert!(["eco_i", "ecr_i"].contains(&row[service]), "{row:?}");
        assert!(["p1", "p2"].contains(&row[1]), "{row:?}");
    }
}
