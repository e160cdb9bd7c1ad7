//! The paths behind which there is a dataplane.

use std::time::Duration;

use serde_json::json;
use tidegate::api::Limits;
use tidegate_common::control::Mode;

use crate::support::{Fixture, TOKEN, condemned};

#[test]
fn decisions_are_made_listed_and_taken_back() {
    let fixture = Fixture::new();
    assert_eq!(fixture.get("/v1/decisions").json(), json!([]));
    let request = json!({
        "source": "10.0.0.3", "destination": "10.0.0.1", "protocol": "tcp", "port": 22,
        "duration": "10m", "reason": "guessing passwords",
    });
    let made = fixture.change_with("POST", "/v1/decisions", &request);
    assert_eq!(made.status, 201, "{made:?}");
    assert!(made.head.contains("location: /v1/decisions/1"), "{made:?}");
    let decision = made.json();
    for (field, value) in [
        ("id", json!(1)),
        ("origin", json!("manual")),
        ("scope", json!("tuple")),
        ("value", json!("10.0.0.3 > 10.0.0.1:22 tcp")),
        ("type", json!("drop")),
        ("scenario", json!("guessing passwords")),
        ("simulated", json!(false)),
        ("class", json!(null)),
        ("confidence", json!(1.0)),
        ("path", json!([])),
        ("phase", json!("active")),
        ("packets_dropped", json!(12)),
        ("bytes_dropped", json!(720)),
        ("source", json!("10.0.0.3")),
        ("destination", json!("10.0.0.1")),
        ("protocol", json!("tcp")),
        ("port", json!(22)),
        ("first_packet_ns", json!(1_000_000)),
        ("first_drop_ns", json!(3_500_000)),
        ("reaction_ms", json!(2.5)),
    ] {
        assert_eq!(decision[field], value, "{field}");
    }
    let left = decision["duration"].as_str().unwrap();
    assert!(left.starts_with("9m59.") && left.ends_with('s'), "{left}");
    for field in ["created_at", "until"] {
        let time = decision[field].as_str().unwrap();
        assert!(time.parse::<jiff::Timestamp>().is_ok(), "{time}");
    }
    let second = json!({ "source": "10.0.0.4", "duration": "1h", "type": "watch" });
    fixture.change_with("POST", "/v1/decisions", &second);

    let ids = |path: &str| {
        let list = fixture.get(path).json();
        let ids: Vec<_> = list
            .as_array()
            .unwrap()
            .iter()
            .map(|d| d["id"].clone())
            .collect();
        json!(ids)
    };
    assert_eq!(ids("/v1/decisions"), json!([1, 2]));
    assert_eq!(fixture.get("/v1/decisions/2").json()["type"], "watch");

    let deleted = fixture.change_with("DELETE", "/v1/decisions/1", &json!(null));
    assert_eq!(deleted.status, 200);
    assert_eq!(deleted.json()["phase"], "deleted");
    assert_eq!(deleted.json()["duration"], "0s");
    assert_eq!(ids("/v1/decisions"), json!([2]));
    assert_eq!(ids("/v1/decisions?all=true"), json!([1, 2]));
    assert_eq!(fixture.get("/v1/decisions/1").json()["phase"], "deleted");
    let again = fixture.change_with("DELETE", "/v1/decisions/1", &json!(null));
    assert_eq!(again.problem(404), "no decision 1");
    let history = fixture.get("/v1/decisions?since=1h").problem(503);
    assert!(history.contains("--journal"), "{history}");
    let nonsense = fixture.get("/v1/decisions?since=soon").problem(400);
    assert!(nonsense.contains("duration"), "{nonsense}");
}

#[test]
fn decisions_that_make_no_sense_are_refused() {
    let fixture = Fixture::new();
    let detail = |request| {
        fixture
            .change_with("POST", "/v1/decisions", &request)
            .problem(400)
    };
    assert!(detail(json!({ "source": "10.0.0.3" })).contains("duration"));
    assert!(detail(json!({ "source": "nobody", "duration": "1m" })).contains("IP"));
    assert!(detail(json!([])).contains("no decision"));
    assert_eq!(fixture.get("/v1/decisions").json(), json!([]));
    let gateway = json!({ "source": "192.0.2.1", "duration": "1m" });
    let detail = fixture
        .change_with("POST", "/v1/decisions", &gateway)
        .problem(409);
    assert!(detail.contains("gateway"), "{detail}");
    let full = json!({ "source": "192.0.2.2", "duration": "1m" });
    fixture
        .change_with("POST", "/v1/decisions", &full)
        .problem(507);
}

#[test]
fn a_change_needs_the_token() {
    let fixture = Fixture::new();
    let body = json!({ "source": "10.0.0.3", "duration": "1m" }).to_string();
    for (method, path) in [
        ("POST", "/v1/decisions"),
        ("DELETE", "/v1/decisions/1"),
        ("PUT", "/v1/mode"),
        ("PUT", "/v1/model"),
        ("POST", "/v1/allowlist"),
        ("DELETE", "/v1/allowlist?network=10.0.0.0/8"),
    ] {
        for header in [
            "",
            "Authorization: Bearer wrong\r\n",
            "Authorization: Basic eDp5\r\n",
        ] {
            let answer = fixture.send(method, path, header, body.as_bytes());
            assert!(answer.problem(401).contains("token"), "{answer:?}");
            assert!(
                answer.head.contains("www-authenticate: bearer"),
                "{answer:?}"
            );
        }
    }
    assert_eq!(fixture.get("/v1/decisions").json(), json!([]));
    let header = format!("Authorization: bearer {TOKEN}\r\n");
    let answer = fixture.send("POST", "/v1/decisions", &header, body.as_bytes());
    assert_eq!(answer.status, 201);
}

#[test]
fn a_web_page_cannot_read_under_its_own_name() {
    let fixture = Fixture::new();
    let raw = |host: &str| {
        use std::io::Write as _;
        let mut stream = fixture.connect();
        let text = format!("GET /v1/stats HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(text.as_bytes()).unwrap();
        crate::support::Answer::read(&mut stream)
    };
    assert_eq!(raw("localhost:8080").status, 200);
    assert!(raw("evil.example").problem(401).contains("localhost"));
}

#[test]
fn stats_show_the_snapshot() {
    let fixture = Fixture::new();
    fixture.change(|snapshot| snapshot.degraded.push("no BTF".to_owned()));
    let stats = fixture.get("/v1/stats").json();
    assert_eq!(stats["counters"]["packets"], 1_234);
    assert_eq!(stats["counters"]["dropped"], 34);
    assert_eq!(
        stats["predictions"],
        json!({"normal": 5, "dos": 4, "probe": 3, "r2l": 2, "u2r": 1, "unknown": 0})
    );
    assert_eq!(stats["connections"], 9);
    assert_eq!(stats["connections_evicted"], 8);
    assert_eq!(
        stats["hosts_evicted"],
        json!({ "sources": 21, "destinations": 0, "pairs": 23 })
    );
    assert_eq!(stats["mode"], "enforce");
    assert_eq!(stats["model"], "live-forest");
    assert_eq!(
        stats["latency_ns"],
        json!({"count": 100, "p50": 65_536, "p99": 2_097_152})
    );
    assert_eq!(stats["interfaces"][0]["name"], "eth0");
    assert_eq!(stats["interfaces"][0]["xdp"], "native");
    assert_eq!(stats["degraded"], json!(["no BTF"]));
    assert!((89.0..200.0).contains(&stats["uptime_s"].as_f64().unwrap()));
}

#[test]
fn flows_models_and_mode() {
    let fixture = Fixture::new();
    let flows = fixture.get("/v1/flows?limit=2").json();
    assert_eq!(flows.as_array().unwrap().len(), 2);
    assert_eq!(flows[0]["service"], "http");
    assert_eq!(flows[0]["protocol"], "tcp");
    assert_eq!(flows[0]["class"], "normal");
    assert_eq!(
        (&flows[0]["age_s"], &flows[0]["idle_s"]),
        (&json!(2.5), &json!(2.25))
    );
    let packets = |query: &str| {
        let flows = fixture.get(&format!("/v1/flows?{query}")).json();
        let flows = flows.as_array().unwrap().iter();
        let packets: Vec<_> = flows.map(|flow| flow["src_packets"].clone()).collect();
        json!(packets)
    };
    assert_eq!(packets("sort=packets&limit=1"), json!([7]));
    assert_eq!(packets("address=::ffff:10.0.0.2"), json!([5, 6, 7]));
    assert_eq!(packets("address=10.0.0.3"), json!([]));
    for query in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "limits=2",
        "sort=size",
        "address=me",
    ] {
        fixture.get(&format!("/v1/flows?{query}")).problem(400);
    }
    let models = fixture.get("/v1/models").json();
    let schemas: Vec<_> = models
        .as_array()
        .unwrap()
        .iter()
        .map(|m| &m["schema"])
        .collect();
    assert_eq!(schemas, ["kdd41", "live"]);

    assert_eq!(fixture.get("/v1/mode").json(), json!({"mode": "enforce"}));
    let set = fixture.change_with("PUT", "/v1/mode", &json!({"mode": "monitor"}));
    assert_eq!(set.json(), json!({"mode": "monitor"}));
    assert_eq!(fixture.snapshot.load().mode, Mode::Monitor);
    let wrong = fixture.change_with("PUT", "/v1/mode", &json!({"mode": "off"}));
    assert!(wrong.problem(400).contains("enforce"), "{wrong:?}");
}

#[test]
fn a_decision_is_shown_with_what_it_rests_on() {
    let fixture = Fixture::new();
    let of_person = json!({ "source": "10.0.0.3", "duration": "1m" });
    fixture.change_with("POST", "/v1/decisions", &of_person);
    assert_eq!(
        fixture.get("/v1/decisions/1").json()["grounds"],
        json!(null)
    );
    fixture.change(|snapshot| snapshot.active.push(condemned(2)));
    let decision = fixture.get("/v1/decisions/2").json();
    assert_eq!(decision["class"], "dos");
    assert_eq!(decision["source"], json!(null), "{decision}");
    assert_eq!(decision["value"], "* > 10.0.0.2:80 tcp");
    let grounds = &decision["grounds"];
    for (field, value) in [
        ("about", json!("service")),
        ("agreeing", json!(6)),
        ("of", json!(8)),
        ("needed", json!(6)),
        ("proven", json!(0)),
        ("over_s", json!(0.125)),
        ("sources", json!(40)),
        ("rule", json!("a rule")),
    ] {
        assert_eq!(grounds[field], value, "{field}");
    }
    let features = grounds["features"].as_array().unwrap();
    let feature = |name: &str| features.iter().find(|f| f["column"] == name).unwrap();
    assert_eq!(feature("count")["value"], 300);
    assert_eq!(
        feature("flag"),
        &json!({"column": "flag", "value": 0, "name": "S0"})
    );
    // A list would be long with all that in it.
    assert!(
        fixture.get("/v1/decisions").json()[1]
            .get("grounds")
            .is_none()
    );
}

#[test]
fn decisions_can_be_asked_for_by_address() {
    let fixture = Fixture::new();
    for source in ["10.0.0.3", "10.0.0.4"] {
        let body = json!({
            "source": source, "destination": "10.0.0.9", "protocol": "icmp", "duration": "1m",
        });
        fixture.change_with("POST", "/v1/decisions", &body);
    }
    let ids = |address: &str| {
        let list = fixture
            .get(&format!("/v1/decisions?address={address}"))
            .json();
        let list = list.as_array().unwrap().iter();
        list.map(|d| d["id"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ids("10.0.0.4"), [2]);
    assert_eq!(ids("10.0.0.9"), [1, 2]);
    assert_eq!(ids("10.0.0.5"), [0; 0]);
}

#[test]
fn the_allowlist_changes_at_run_time_and_is_kept() {
    let fixture = Fixture::new();
    let listed = |query: &str| fixture.get(&format!("/v1/allowlist{query}")).json();
    let own = json!({"network": "192.0.2.254/32", "origin": "own"});
    let configured = json!({"network": "192.0.2.0/30", "origin": "config"});
    assert_eq!(listed(""), json!([configured, own]));
    assert_eq!(listed("?address=192.0.2.2"), json!([configured]));
    assert_eq!(listed("?address=192.0.2.9"), json!([]));
    fixture.get("/v1/allowlist?address=me").problem(400);

    let blocked = json!({ "source": "10.0.0.3", "duration": "1m" });
    fixture.change_with("POST", "/v1/decisions", &blocked);
    let network = json!({ "network": "10.0.0.0/29" });
    let added = fixture.change_with("POST", "/v1/allowlist", &network);
    assert_eq!(added.status, 201);
    let expected = json!({"network": "10.0.0.0/29", "kept": true, "lifted": [1]});
    assert_eq!(added.json(), expected);
    assert_eq!(fixture.get("/v1/decisions").json(), json!([]));
    let entry = json!({"network": "10.0.0.0/29", "origin": "runtime"});
    assert_eq!(listed("?address=10.0.0.7"), json!([entry]));
    let kept = || std::fs::read_to_string(fixture.state.path().join("allowlist")).unwrap();
    assert!(kept().ends_with("\n10.0.0.0/29\n"), "{}", kept());

    let remove = |network: &str| {
        let path = format!("/v1/allowlist?network={network}");
        fixture.change_with("DELETE", &path, &json!(null))
    };
    assert_eq!(remove("10.0.0.0/29").status, 200);
    assert!(!kept().contains("10.0.0.0"), "{}", kept());
    assert!(remove("10.0.0.0/29").problem(404).contains("10.0.0.0/29"));
    assert!(remove("10.0.0.1/29").problem(400).contains("10.0.0.0/29"));
    for body in [json!({}), json!({"network": "all"}), json!({"network": 1})] {
        fixture
            .change_with("POST", "/v1/allowlist", &body)
            .problem(400);
    }
}

#[test]
fn what_cannot_be_kept_is_in_force_all_the_same() {
    let fixture = Fixture::new();
    std::fs::create_dir(fixture.state.path().join("allowlist.new")).unwrap();
    let network = json!({ "network": "10.0.0.0/29" });
    let added = fixture.change_with("POST", "/v1/allowlist", &network);
    assert_eq!((added.status, &added.json()["kept"]), (201, &json!(false)));
    let found = fixture.get("/v1/allowlist?address=10.0.0.1").json();
    assert_eq!(found.as_array().unwrap().len(), 1);
}

#[test]
fn live_traffic_can_be_judged_by_another_model() {
    let fixture = Fixture::new();
    let put = |model: &str| fixture.change_with("PUT", "/v1/model", &json!({ "model": model }));
    let set = put("live").json();
    assert_eq!(
        (&set["name"], &set["schema"]),
        (&json!("live-forest"), &json!("live"))
    );
    assert_eq!(fixture.snapshot.load().model.as_ref(), "live-forest");
    assert!(put("no-tree").problem(400).contains("live-forest"));
    assert!(put("kdd41").problem(400).contains("live-forest"));
    assert!(
        put("/nowhere/model.json")
            .problem(400)
            .contains("/nowhere/model.json")
    );
    fixture
        .change_with("PUT", "/v1/model", &json!({}))
        .problem(400);
}

#[test]
fn readiness_follows_the_dataplane() {
    let fixture = Fixture::new();
    fixture.change(|snapshot| snapshot.degraded.push("generic XDP on eth0".to_owned()));
    let ready = fixture.get("/readyz");
    assert_eq!(ready.status, 200);
    assert_eq!(ready.json()["degraded"], json!(["generic XDP on eth0"]));
    fixture.change(|snapshot| snapshot.interfaces.clear());
    let answer = fixture.get("/readyz");
    assert!(answer.problem(503).contains("not attached"));
    assert_eq!(answer.json()["degraded"], json!(["generic XDP on eth0"]));
    assert_eq!(fixture.get("/healthz").status, 200);
}

#[test]
fn a_server_without_dataplane_says_so() {
    let fixture = Fixture::predict_only();
    for path in [
        "/v1/decisions",
        "/v1/decisions/1",
        "/v1/flows",
        "/v1/allowlist",
        "/v1/stats",
        "/v1/mode",
    ] {
        let answer = fixture.get(path);
        assert!(answer.problem(503).contains("no dataplane"), "{path}");
    }
    let body = json!({ "source": "10.0.0.3", "duration": "1m" });
    fixture
        .change_with("POST", "/v1/decisions", &body)
        .problem(503);
    for path in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/v1/models",
        "/openapi.json",
    ] {
        assert_eq!(fixture.get(path).status, 200, "{path}");
    }
}

#[test]
fn unknown_paths_methods_and_ids_are_problems() {
    let fixture = Fixture::new();
    fixture.get("/nothing").problem(404);
    fixture.get("/v1/decisions/7").problem(404);
    fixture.get("/v1/decisions/seven").problem(400);
    fixture.get("/v1/decisions?al=true").problem(400);
    let answer = fixture.change_with("PATCH", "/v1/decisions", &json!({}));
    answer.problem(405);
    assert!(answer.head.contains("allow: "), "{answer:?}");
    assert!(!answer.head.contains("access-control"), "{answer:?}");
}

#[test]
fn a_pipeline_that_does_not_answer_holds_nobody_for_ever() {
    let limits = Limits {
        request: Duration::from_millis(300),
        ..Limits::default()
    };
    let fixture = Fixture::stalled(limits, 1);
    // The first takes the only place in the queue and waits in vain, the second finds it taken.
    fixture.get("/v1/flows").problem(504);
    let busy = fixture.get("/v1/flows");
    assert!(busy.problem(503).contains("try again"));
    assert!(busy.head.contains("retry-after: 1"), "{busy:?}");
    assert_eq!(fixture.get("/v1/stats").status, 200);
}
