//! Asking the running agent over its API.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use ureq::{
    Agent,
    http::{Method, Request, StatusCode, Uri},
};

use super::{args::ClientArgs, output::harmless};
use crate::{
    error::{AppError, ErrorKind},
    token::Token,
};

/// Largest answer that is read.
const ANSWER_LIMIT: u64 = 256 << 20;
const TIMEOUT: Duration = Duration::from_secs(15);

pub(super) struct Client {
    agent: Agent,
    base: String,
    token_file: PathBuf,
}

impl Client {
    pub(super) fn new(args: &ClientArgs) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            // The agent is near; a proxy would get to see the token.
            .proxy(None)
            .build()
            .new_agent();
        Self {
            agent,
            base: args.api.clone(),
            token_file: args.token_file.clone(),
        }
    }

    /// Reads. The token is sent if we may read it; on loopback none is needed.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AppError> {
        let token = Token::for_client(&self.token_file).ok();
        self.send(Method::GET, path, token.as_ref(), Vec::new())
    }

    /// Changes, which takes the token.
    pub(super) fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, AppError> {
        // Whether an agent is there matters more to the user than what its token is.
        let token = match Token::for_client(&self.token_file) {
            Ok(token) => token,
            Err(e) => {
                self.get::<Value>("/healthz")?;
                return Err(e);
            }
        };
        let body = match body {
            Some(body) => serde_json::to_vec(body).map_err(AppError::failure)?,
            None => Vec::new(),
        };
        self.send(method, path, Some(&token), body)
    }

    fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        token: Option<&Token>,
        body: Vec<u8>,
    ) -> Result<T, AppError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        if let Some(token) = token {
            request = request.header("authorization", token.authorization());
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(body).map_err(AppError::usage)?;
        let mut response = self.agent.run(request).map_err(|e| self.unanswered(&e))?;
        let text = response
            .body_mut()
            .with_config()
            .limit(ANSWER_LIMIT)
            .read_to_vec()
            .map_err(|e| self.unanswered(&e))?;
        if response.status().is_success() {
            return serde_json::from_slice(&text).map_err(|e| {
                AppError::failure(format_args!(
                    "{} does not answer as an agent of this version does: {e}",
                    self.base
                ))
            });
        }
        Err(refused(response.status(), &text))
    }

    fn unanswered(&self, error: &ureq::Error) -> AppError {
        AppError::unavailable(format_args!(
            "no agent answers at {} ({error}); start one with tidegate run, or say where it is with --api",
            self.base
        ))
    }
}

fn refused(status: StatusCode, body: &[u8]) -> AppError {
    let detail = serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|problem| Some(harmless(problem.get("detail")?.as_str()?)))
        .unwrap_or_else(|| format!("the agent answered {status}"));
    let kind = match status {
        StatusCode::BAD_REQUEST => ErrorKind::Usage,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ErrorKind::Permission,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => ErrorKind::Unavailable,
        _ => ErrorKind::Failure,
    };
    AppError::new(kind, detail)
}

/// `http://host:port` from what `--api` says. The variable behind it may hold the server's address.
pub(super) fn base_url(text: &str) -> Result<String, String> {
    let authority = text
        .strip_prefix("http://")
        .unwrap_or(text)
        .trim_end_matches('/');
    if let Ok(mut address) = authority.parse::<SocketAddr>() {
        match address.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        return Ok(format!("http://{address}"));
    }
    let url = format!("http://{authority}");
    match url.parse::<Uri>() {
        Ok(uri) if uri.path() == "/" && uri.query().is_none() && uri.port_u16().is_some() => {
            Ok(url)
        }
        _ => Err(format!(
            "must be ADDRESS:PORT such as 127.0.0.1:8080, not {text:?}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_urls() {
        for (text, url) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("0.0.0.0:8080", "http://127.0.0.1:8080"),
            ("[::]:1", "http://[::1]:1"),
            ("gate:8080", "http://gate:8080"),
            ("http://gate:8080/", "http://gate:8080"),
        ] {
            assert_eq!(base_url(text).as_deref(), Ok(url));
        }
        for text in [
            "",
            "8080",
            "gate",
            "https://gate:1",
            "gate:1/x",
            "gate:1?x",
            "gate:99999",
        ] {
            assert!(base_url(text).is_err(), "{text}");
        }
    }
}
