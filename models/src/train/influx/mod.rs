//! Training rows in an InfluxDB: imported from files, read back to fit.
//!
//! A row is a point of one measurement, with tags `dataset`, `label` and `split`; its time is [`BASE_NS`] plus a µs for
//! every row before it, so that an import that is repeated overwrites, and `ORDER BY time` gives the file's order. A
//! column is a field of its own type: counts are integers, rates floats from 0 to 1 (in recordings too), names strings.
//! What was imported is noted in a second measurement ([`Record`]), by which a reader knows that it has got the rows of
//! the file, all and unchanged.
//!
//! `/query` and `/write` are endpoints that 1.x, 2.x and 3.x share; `/api/v2/write` can be asked for.

mod digest;
mod error;
mod import;
mod point;
mod query;
mod read;
mod record;
mod retry;
mod server;

pub use error::InfluxError;
pub use import::{Event, ImportOptions, Imported, import};
pub use read::StoredRows;
pub use record::Record;
pub use server::{Database, Settings};
pub use tidegate_influx::{Access, Api};

/// Time of the first row of every dataset: 2000-01-01T00:00:00Z, in ns since 1970.
pub const BASE_NS: i64 = 946_684_800_000_000_000;

/// Time from a row to the next, ns.
pub const STEP_NS: i64 = 1_000;

/// Rows in a request.
pub const BATCH: usize = 5_000;

/// The measurement unless told otherwise.
pub const MEASUREMENT: &str = "tidegate_training";
