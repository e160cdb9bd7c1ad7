//! The way to a server.

use std::{fmt, io::Read as _, path::PathBuf, str::FromStr, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ureq::{Agent, Body, RequestBuilder, http::Response};

#[cfg(feature = "tls")]
use crate::tls::trusting;
use crate::{
    Secret,
    answer::{Answer, may_be_too_large, one_line},
};

/// So much of a server's words is read.
const WORDS: u64 = 4_096;

/// Which endpoint takes points.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Api {
    /// `/write`: 1.x, and 2.x and 3.x for those who come from 1.x.
    #[default]
    V1,
    /// `/api/v2/write`: 1.8, 2.x and 3.x.
    V2,
}

/// Neither `v1` nor `v2`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be v1 or v2, not {0:?}")]
pub struct UnknownApi(String);

impl FromStr for Api {
    type Err = UnknownApi;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "v1" => Ok(Self::V1),
            "v2" => Ok(Self::V2),
            _ => Err(UnknownApi(name.to_owned())),
        }
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        })
    }
}

/// Where a server is and who asks. The secret is not here.
#[derive(Clone, Debug)]
pub struct Access {
    /// `http://host:port` or `https://host:port`, as [`server_url`](crate::server_url) takes it.
    pub url: String,
    /// Endpoint for writing.
    pub api: Api,
    /// Database, or `database/retention-policy`; the bucket of [`Api::V2`].
    pub database: String,
    /// Organization; only [`Api::V2`] of a 2.x asks for it.
    pub org: String,
    /// User: the secret is then a password. Without one it is a token.
    pub user: String,
    /// Certificates (PEM) of those who may say who the server is; else those Mozilla trusts. For `https` only.
    pub ca_file: Option<PathBuf>,
    /// Patience with a connection that does not come about.
    pub connect_timeout: Duration,
    /// Patience with every answer, and then with every part of it; with the whole of a write, once connected.
    pub timeout: Duration,
    /// Who we say we are.
    pub user_agent: &'static str,
}

/// Why there is no way to a server.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// `https`, and no TLS.
    #[error("this build speaks no TLS")]
    NoTls,
    /// Nobody who could say who the server is.
    #[error("{path}: {why}")]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// A server and the right to write there.
#[derive(Clone, Debug)]
pub struct Server {
    access: Access,
    secret: Secret,
    agent: Agent,
}

impl Server {
    /// Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Certificates that can't be read, or `https` in a build without the feature `tls`.
    pub fn new(access: Access, secret: Secret) -> Result<Self, AccessError> {
        if access.url.starts_with("https:") && !cfg!(feature = "tls") {
            return Err(AccessError::NoTls);
        }
        let config = Agent::config_builder()
            .timeout_connect(Some(access.connect_timeout))
            .timeout_recv_response(Some(access.timeout))
            .timeout_per_read(Some(access.timeout))
            .timeout_per_write(Some(access.timeout))
            .http_status_as_error(false)
            // Nobody else gets to see the secret.
            .max_redirects(0)
            .proxy(None)
            .user_agent(access.user_agent);
        #[cfg(feature = "tls")]
        let config = config.tls_config(trusting(&access)?);
        Ok(Self {
            agent: config.build().new_agent(),
            access,
            secret,
        })
    }

    /// What it was made of.
    #[must_use]
    pub const fn access(&self) -> &Access {
        &self.access
    }

    /// Sends points, once.
    #[must_use]
    pub fn write(&self, lines: &str) -> Answer {
        let Access { org, database, .. } = &self.access;
        let request = match self.access.api {
            Api::V1 => self.of_database(self.agent.post(self.path("/write"))),
            Api::V2 => self
                .agent
                .post(self.path("/api/v2/write"))
                .query("bucket", database)
                .query("org", org),
        };
        let request = self.proven(request).query("precision", "ns");
        let whole = self
            .access
            .connect_timeout
            .saturating_add(self.access.timeout);
        let request = request.config().timeout_global(Some(whole)).build();
        match request.send(lines) {
            Ok(mut response) => answer(&mut response),
            Err(ureq::Error::Io(error)) if may_be_too_large(&error, lines.len()) => {
                Answer::Cut(one_line(&error.to_string()))
            }
            Err(error) => Answer::Later(one_line(&error.to_string()), None),
        }
    }

    /// Asks in InfluxQL; the answer is JSON or CSV as `accept` says, in chunks if wanted.
    ///
    /// # Errors
    ///
    /// What came instead of a success.
    pub fn query(&self, query: &str, accept: &str, chunked: bool) -> Result<Body, Answer> {
        let request = self.of_database(self.agent.get(self.path("/query")));
        let mut request = self
            .proven(request)
            .header("accept", accept)
            .query("epoch", "ns")
            .query("q", query);
        if chunked {
            request = request.query("chunked", "true");
        }
        let response = request.call();
        let mut response =
            response.map_err(|error| Answer::Later(one_line(&error.to_string()), None))?;
        if response.status() == 200 {
            return Ok(response.into_body());
        }
        Err(answer(&mut response))
    }

    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.access.url)
    }

    /// Names the database, and its retention policy if that is given.
    fn of_database<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match self.access.database.split_once('/') {
            Some((database, policy)) => request.query("db", database).query("rp", policy),
            None => request.query("db", &self.access.database),
        }
    }

    /// Proves who asks.
    fn proven<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        let (user, secret) = (&self.access.user, self.secret.expose());
        let proof = if !user.is_empty() {
            format!(
                "Basic {}",
                BASE64_STANDARD.encode(format!("{user}:{secret}"))
            )
        } else if secret.is_empty() {
            return request;
        } else {
            format!("Token {secret}")
        };
        request.header("authorization", proof)
    }
}

fn answer(response: &mut Response<Body>) -> Answer {
    let status = response.status().as_u16();
    let wait = response.headers().get("retry-after");
    let wait = wait.and_then(|wait| Some(wait.to_str().ok()?.to_owned()));
    let mut words = Vec::new();
    // What can't be read is missing; the status says enough.
    let _ = response
        .body_mut()
        .as_reader()
        .take(WORDS)
        .read_to_end(&mut words);
    Answer::new(status, &String::from_utf8_lossy(&words), wait.as_deref())
}
