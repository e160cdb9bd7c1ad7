//! `tidegate health`: for a container's or a supervisor's health check, where there is no curl.

use std::path::PathBuf;

use serde_json::Value;

use super::{
    args::ClientArgs,
    client::{Client, base_url},
    output::{Output, harmless},
};
use crate::{
    config::{DEFAULT_LISTEN, DEFAULT_TOKEN_FILE},
    error::AppError,
};

/// Flags of `health`.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Address of the API; else the port in the variable PORT, else 127.0.0.1:8080.
    #[arg(long, value_name = "ADDR:PORT", value_parser = base_url, env = "TIDEGATE_API")]
    api: Option<String>,
}

/// An answer, or exit code 69. `port` is the value of the variable PORT, by which `serve` goes too.
pub(super) fn health(args: Args, port: Option<&str>, out: &mut Output) -> Result<(), AppError> {
    let api = match (args.api, port.filter(|port| !port.is_empty())) {
        (Some(api), _) => api,
        (None, None) => format!("http://{DEFAULT_LISTEN}"),
        (None, Some(port)) => base_url(&format!("127.0.0.1:{port}")).map_err(AppError::usage)?,
    };
    let client = Client::new(&ClientArgs {
        api,
        token_file: PathBuf::from(DEFAULT_TOKEN_FILE),
    });
    let state: Value = client.get("/readyz")?;
    out.object(&state, || {
        let mut text = "ready\n".to_owned();
        for reason in state["degraded"].as_array().into_iter().flatten() {
            let reason = harmless(reason.as_str().unwrap_or_default());
            text.push_str(&format!("degraded: {reason}\n"));
        }
        text
    })
}
