#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

use std::time::Duration;

use tidegate_common::{control::Mode, verdict::Action};
use tidegate_models::Class;

use crate::{
    config::{
        Config, InfluxApi, InfluxConfig, JournalConfig, OnAgentLoss, Overrides, Placement,
        Reaction, XdpMode,
    },
    error::ErrorKind,
};

fn error(text: &str) -> String {
    let error = Config::from_toml("t.toml", text).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    error.to_string()
}

#[test]
fn every_field_can_be_set() {
    let config = Config::from_toml(
        "t.toml",
        r#"
interfaces = ["eth0", "eth1.5"]
mode = "monitor"
placement = "transit"
xdp_mode = "generic"
bpf_root = "/sys/fs/bpf/tidegate"
token_file = "/etc/tidegate.token"
state_dir = "/srv/tidegate"
model = "m.json"
[api]
listen = "[::1]:9000"
[dataplane]
flow_table_size = 2048
new_flows_per_second = 7
on_agent_loss = "closed"
agent_timeout = "1m30s"
ring_buffer_bytes = 65536
[policy]
confidence = 0.5
agreeing_events = 3
of_events = 5
evidence_interval = "7ms"
wide_agreeing_events = 9
wide_of_events = 10
wide_evidence_interval = "1s"
hold_rate = 9
lift_after = "30s"
lift_events = 3
forgeable_ttl = "20s"
limit_rate = 1
crowd_action = "watch"
crowd_sources = 64
crowd_rate = 1000
dos_action = "rate-limit"
dos_confidence = 0.75
probe_action = "watch"
probe_confidence = 1.0
r2l_action = "none"
r2l_confidence = 0.5
u2r_action = "drop"
u2r_confidence = 0.25
unknown_action = "watch"
unknown_ttl = "5s"
unknown_confidence = 0.5
max_ttl = "2h"
dos_ttl = "1s"
probe_ttl = "2s"
r2l_ttl = "3s"
u2r_ttl = "2h"
allowlist = ["10.0.0.0/8", "fe80::/10"]
[journal]
file = "/srv/journal.db"
log = "/srv/verdicts.jsonl"
max_bytes = 100000000
retention = "7d"
[influx]
url = "http://[::1]:8086/"
api = "v1"
bucket = "db/policy"
org = "home"
user = "gate"
secret_file = "/etc/secret"
ca_file = "/etc/ca.pem"
host = "gate 1"
refused_file = "/srv/refused"
connect_timeout = "1s"
timeout = "2s"
"#,
    )
    .unwrap();
    assert_eq!(
        config.journal,
        JournalConfig {
            file: Some("/srv/journal.db".into()),
            log: Some("/srv/verdicts.jsonl".into()),
            max_bytes: 100_000_000,
            retention: Duration::from_secs(7 * 86_400),
        }
    );
    assert_eq!(
        config.influx,
        InfluxConfig {
            url: Some("http://[::1]:8086".to_owned()),
            api: InfluxApi::V1,
            bucket: "db/policy".to_owned(),
            org: "home".to_owned(),
            user: "gate".to_owned(),
            secret_file: Some("/etc/secret".into()),
            ca_file: Some("/etc/ca.pem".into()),
            host: "gate 1".to_owned(),
            refused_file: Some("/srv/refused".into()),
            connect_timeout: Duration::from_secs(1),
            timeout: Duration::from_secs(2),
        }
    );
    assert_eq!(config.interfaces, ["eth0", "eth1.5"]);
    assert_eq!(config.mode, Mode::Monitor);
    assert_eq!(config.placement, Placement::Transit);
    assert_eq!(config.xdp_mode, XdpMode::Generic);
    assert_eq!(config.api.listen.to_string(), "[::1]:9000");
    assert_eq!(config.dataplane.on_agent_loss, OnAgentLoss::Closed);
    assert_eq!(config.dataplane.agent_timeout, Duration::from_secs(90));
    assert_eq!(config.policy.u2r_ttl, Duration::from_secs(7_200));
    assert_eq!(config.policy.allowlist.len(), 2);
    assert_eq!(config.state_dir.to_str(), Some("/srv/tidegate"));
    let policy = &config.policy;
    let interval = policy.evidence_interval;
    assert_eq!(interval, Duration::from_millis(7));
    let dos = policy.rule(Class::Dos).unwrap();
    assert_eq!((dos.action, dos.confidence), (Action::RateLimit, 0.75));
    assert_eq!(policy.rule(Class::R2l), None);
    assert_eq!(policy.rule(Class::Normal), None);
    assert_eq!(policy.crowd_action, Reaction::Watch);
    // What is printed is the same configuration again.
    let printed = config.to_toml().unwrap();
    assert_eq!(Config::from_toml("printed", &printed).unwrap(), config);
}

#[test]
fn an_empty_file_is_the_defaults() {
    let config = Config::from_toml("t.toml", "").unwrap();
    assert_eq!(config, Config::default());
    let printed = Config::default().to_toml().unwrap();
    assert_eq!(Config::from_toml("printed", &printed).unwrap(), config);
}

#[test]
fn unknown_keys_are_refused_with_line_and_suggestion() {
    assert_eq!(
        error("mode = \"enforce\"\ninterface = [\"eth0\"]\n"),
        "t.toml:2: unknown key interface; did you mean interfaces?"
    );
    assert_eq!(
        error("\n[policy]\n\nconfidense = 0.9\n"),
        "t.toml:4: unknown key confidense; did you mean confidence?"
    );
    assert_eq!(
        error("[dataplan]\n"),
        "t.toml:1: unknown key dataplan; did you mean dataplane?"
    );
    assert_eq!(
        error("[api]\ncolour = 1\n"),
        "t.toml:2: unknown key colour; known here: listen"
    );
}

#[test]
fn values_out_of_range_name_field_and_range() {
    for (text, message) in [
        (
            "[policy]\nconfidence = 1.5",
            "t.toml:2: policy.confidence must be from 0 to 1, not 1.5",
        ),
        (
            "[policy]\nconfidence = nan",
            "t.toml:2: policy.confidence must be from 0 to 1, not NaN",
        ),
        (
            "[policy]\nof_events = 17\nagreeing_events = 17",
            "t.toml:2: policy.of_events must be from 1 to 16, not 17",
        ),
        (
            "[policy]\nof_events = 4\nagreeing_events = 5",
            "t.toml:3: policy.agreeing_events must be from 1 to 4, not 5",
        ),
        (
            "[policy]\nwide_of_events = 4\nwide_agreeing_events = 5",
            "t.toml:3: policy.wide_agreeing_events must be from 1 to 4, not 5",
        ),
        (
            "[policy]\nevidence_interval = \"2s\"",
            "t.toml:2: policy.evidence_interval must be from 1ms to 1s, not 2s",
        ),
        (
            "[policy]\ndos_action = \"block\"",
            "t.toml:2: policy.dos_action: must be drop or rate-limit or watch or none, not \"block\"",
        ),
        (
            "[policy]\nprobe_confidence = 2.0",
            "t.toml:2: policy.probe_confidence must be from 0 to 1, not 2",
        ),
        (
            "[policy]\ncrowd_sources = 7",
            "t.toml:2: policy.crowd_sources must be from 8 to 128, not 7",
        ),
        (
            "[policy]\nmax_ttl = \"1m\"\ndos_ttl = \"2m\"",
            "t.toml:3: policy.dos_ttl must be from 1s to 1m0s, not 2m0s",
        ),
        (
            "[dataplane]\nflow_table_size = -1",
            "t.toml:2: dataplane.flow_table_size must be from 1024 to 16777216, not -1",
        ),
        (
            "[dataplane]\nring_buffer_bytes = 70000",
            "t.toml:2: dataplane.ring_buffer_bytes must be a power of two, unlike 70000; the next one is 131072",
        ),
        (
            "mode = \"bypass\"",
            "t.toml:1: mode: must be enforce or monitor, not \"bypass\"",
        ),
        (
            "xdp_mode = \"fast\"",
            "t.toml:1: xdp_mode: must be auto or native or generic, not \"fast\"",
        ),
        (
            "interfaces = [\"eth0\", \"eth0\"]",
            "t.toml:1: interfaces: eth0 is there twice",
        ),
        (
            "[policy]\nallowlist = [\n\"10.0.0.0/8\",\n\"10.0.0.1/8\"]",
            "t.toml:4: policy.allowlist: 10.0.0.1/8 has bits set behind its prefix; did you mean 10.0.0.0/8?",
        ),
    ] {
        assert_eq!(error(text), message);
    }
    assert!(
        error("[dataplane]\nagent_timeout = \"10\"")
            .starts_with("t.toml:2: dataplane.agent_timeout: \"10\" is no duration")
    );
    assert!(
        error("bpf_root = \"pins\"").starts_with("t.toml:1: bpf_root: must be an absolute path")
    );
    assert!(error("interfaces = [\"a name with spaces\"]").starts_with("t.toml:1: interfaces: "));
    assert!(
        error("[api]\nlisten = \"8080\"").starts_with("t.toml:2: api.listen: must be ADDRESS:PORT")
    );
}

#[test]
fn wrong_types_and_syntax_have_a_line() {
    assert!(error("\nmode = 3\n").starts_with("t.toml:2: mode: invalid type"));
    assert!(error("interfaces = \"eth0\"\n").starts_with("t.toml:1: interfaces: invalid type"));
    assert!(error("mode = \"enforce\"\n\n[policy\n").starts_with("t.toml:3: "));
    assert!(!error("mode = \"enforce\nx\n").contains('\n'));
}

#[test]
fn a_shorter_max_ttl_shortens_the_defaults() {
    let config = Config::from_toml("t.toml", "[policy]\nmax_ttl = \"30s\"").unwrap();
    assert_eq!(config.policy.probe_ttl, Duration::from_secs(30));
}

#[test]
fn overrides_win_over_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.toml");
    std::fs::write(
        &path,
        "interfaces = [\"eth0\"]\nmode = \"monitor\"\n[api]\nlisten = \"127.0.0.1:1\"\n",
    )
    .unwrap();
    let overrides = Overrides {
        interfaces: vec!["eth9".to_owned()],
        mode: Some(Mode::Enforce),
        ..Overrides::default()
    };
    let config = Config::resolve(Some(&path), overrides).unwrap();
    assert_eq!(config.interfaces, ["eth9"]);
    assert_eq!(config.mode, Mode::Enforce);
    assert_eq!(config.api.listen.port(), 1);
    assert!(config.require_interfaces().is_ok());
    let missing = Config::resolve(Some(&dir.path().join("none")), Overrides::default());
    assert_eq!(missing.unwrap_err().kind(), ErrorKind::Config);
    let none = Config::default().require_interfaces().unwrap_err();
    assert_eq!(none.kind(), ErrorKind::Usage);
}

#[test]
fn journal_and_influx_are_checked_too() {
    let too_small = error("[journal]\nmax_bytes = 1000");
    assert!(too_small.contains("t.toml:2: journal.max_bytes must be from 67108864"));
    assert!(error("[journal]\nretention = \"1s\"").contains("journal.retention"));
    let url = error("[influx]\nurl = \"db:8086\"");
    assert!(url.contains("t.toml:2: influx.url: must be http://HOST:PORT"));
    assert!(error("[influx]\napi = \"v3\"").contains("v1 or v2"));
    let unknown = error("[influx]\ntoken = \"secret\"");
    assert!(unknown.contains("unknown key token"), "{unknown}");
    assert!(!unknown.contains("secret\""), "{unknown}");
}
