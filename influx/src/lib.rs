//! What the agent, which sends verdicts, and the workbench, which sends and reads training rows, share on InfluxDB.
//!
//! * [`mod@line`]: line protocol with everything escaped.
//! * [`Server`]: the way to it; writes points and asks in InfluxQL.
//! * [`Answer`]: what a server's answer means for the points that were sent; [`Backoff`]: how long to wait then.
//! * [`Secret`]: token or password, never shown; [`server_url`]: an address that holds none.
//! * `testing` (feature `testing`): a real influxd.

pub mod line;
#[cfg(feature = "testing")]
pub mod testing;

mod answer;
mod backoff;
mod secret;
mod server;
#[cfg(feature = "tls")]
mod tls;
mod url;

pub use answer::{Answer, one_line};
pub use backoff::Backoff;
pub use secret::{SECRET_VARIABLE, Secret, SecretError};
pub use server::{Access, AccessError, Api, Server, UnknownApi};
pub use url::server_url;
