//! What the agent, which sends verdicts, and the workbench, which sends and reads training rows, share on InfluxDB.
//!
//! * [`mod@line`]: line protocol with everything escaped.
//! * [`Answer`]: what a server's answer means for the points that were sent; [`Backoff`]: how long to wait then.
//! * [`Secret`]: token or password, never shown; [`server_url`]: an address that holds none.
//! * `testing` (feature `testing`): a real influxd.
//!
//! No HTTP client: the agent's is asynchronous, the workbench's is not.

pub mod line;
#[cfg(feature = "testing")]
pub mod testing;

mod answer;
mod backoff;
mod secret;
mod url;

pub use answer::{Answer, may_be_too_large, one_line};
pub use backoff::Backoff;
pub use secret::{SECRET_VARIABLE, Secret, SecretError};
pub use url::server_url;
