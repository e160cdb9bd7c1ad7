//! What lies in `deploy/`, looked at as far as that goes without putting it anywhere.

use std::process::{Command, Output};

use crate::paths;

/// Tenths; systemd calls up to 2 OK, of 10.
const EXPOSURE: u32 = 20;

fn cloud_run(variables: &[(&str, &str)], words: &[&str]) -> Output {
    Command::new(paths::root().join("deploy/cloudrun.sh"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(variables.iter().copied())
        .args(words)
        .output()
        .expect("bash")
}

#[test]
fn the_service_is_shut_in() {
    let output = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .arg(format!("--threshold={EXPOSURE}"))
        .arg(paths::root().join("deploy/systemd/tidegate.service"))
        .output()
        .expect("systemd-analyze, of Debian's package systemd");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Overall exposure level"), "{said}");
}

#[test]
fn cloud_run_is_told_everything_by_the_environment() {
    let variables = [
        ("PROJECT", "a-project"),
        ("REGION", "a-region1"),
        ("SERVICE", "a-service"),
        ("REPOSITORY", "a-repository"),
        ("TAG", "a-tag"),
        ("TOKEN_SECRET", "a-secret"),
        ("ENGINE", "an-engine"),
        ("BINARY", "host"),
        ("MEMORY", "1Gi"),
    ];
    let output = cloud_run(&variables, &["--dry-run"]);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let image = "a-region1-docker.pkg.dev/a-project/a-repository/a-service:a-tag";
    for line in [
        "+ gcloud artifacts repositories create a-repository --project a-project --location a-region1 --repository-format docker".to_owned(),
        format!("+ an-engine build --platform linux/amd64 --file deploy/Dockerfile --build-arg BINARY=host --tag {image} ."),
        format!("+ an-engine push {image}"),
    ] {
        assert!(said.lines().any(|said| said == line), "no {line} in\n{said}");
    }
    let deploy = said
        .lines()
        .find(|line| line.starts_with("+ gcloud run deploy a-service "))
        .expect("it is deployed");
    for words in [
        "--project a-project",
        "--region a-region1",
        &format!("--image {image}"),
        "--args serve",
        "--no-allow-unauthenticated",
        "--set-secrets TIDEGATE_TOKEN=a-secret:latest",
        "--memory 1Gi",
    ] {
        assert!(deploy.contains(words), "no {words} in {deploy}");
    }
    // Cloud Run says by PORT where to listen.
    assert!(!deploy.contains("--port") && !deploy.contains("TIDEGATE_API"));
}

#[test]
fn cloud_run_lets_everybody_in_only_when_told_to() {
    let variables = [("PROJECT", "p"), ("REGION", "r"), ("PUBLIC", "1")];
    let output = cloud_run(&variables, &["--dry-run"]);
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(said.contains(" --allow-unauthenticated "), "{said}");
}

#[test]
fn cloud_run_says_what_is_missing() {
    let output = cloud_run(&[("PROJECT", "p")], &["--dry-run"]);
    assert_eq!(output.status.code(), Some(64));
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(said.starts_with("REGION is not set\n"), "{said}");
    assert!(output.stdout.is_empty());
}
