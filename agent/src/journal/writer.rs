//! The thread that writes.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, Transaction, params};

use super::{
    JournalError, explanation,
    row::{INSERT, UPDATE, ns, origin_name, signed},
    schema,
    status::Status,
};
use crate::{
    config::JournalConfig,
    decision::{Change, Decision, action_name, phase_name, scope_name},
};

/// Changes in one transaction.
const BATCH: usize = 1_024;
/// A disk that refused is tried again after this.
const RETRY: Duration = Duration::from_secs(1);
/// Old decisions are looked for this often.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// Decisions removed in one transaction.
const PRUNE: i64 = 2_000;

/// What the pipeline hands over.
#[derive(Debug)]
pub(super) enum Record {
    /// A step in a decision's life.
    Change(Change),
    /// All that is in force.
    Active(Vec<Arc<Decision>>),
}

pub(super) struct Writer {
    path: PathBuf,
    max_bytes: u64,
    retention: Duration,
    status: Arc<Status>,
    connection: Option<Connection>,
    pruned: Option<Instant>,
}

impl Writer {
    pub(super) fn new(path: &Path, config: &JournalConfig, status: Arc<Status>) -> Self {
        Self {
            path: path.to_owned(),
            max_bytes: config.max_bytes,
            retention: config.retention,
            status,
            connection: None,
            pruned: None,
        }
    }

    pub(super) fn open(&mut self) -> Result<(), JournalError> {
        self.connection = Some(schema::open_to_write(&self.path)?);
        Ok(())
    }

    /// Writes until the other end is dropped, and then what is left.
    pub(super) fn run(mut self, queue: &Receiver<Record>) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let patience = match self.connection {
                Some(_) => PRUNE_EVERY,
                None => RETRY,
            };
            let ended = !fill(&mut batch, queue, patience);
            if self.attempt(&batch) {
                batch.clear();
                if ended {
                    return;
                }
            } else if ended || self.status.is_closing() {
                let left = batch.len() + queue.try_iter().count();
                self.status.give_up(left as u64);
                tracing::error!(changes = left, "the journal is incomplete");
                return;
            } else {
                std::thread::sleep(RETRY);
            }
        }
    }

    /// Whether these changes are written, or will never be.
    fn attempt(&mut self, batch: &[Record]) -> bool {
        match self.write(batch) {
            Ok(()) => {
                self.status.wrote(batch.len() as u64);
                self.prune();
                true
            }
            Err(error) if is_about_the_file(&error) => {
                if self.status.health().trouble.is_none() {
                    tracing::error!(%error, "decisions can't be written down for now");
                }
                self.status.fail(&error);
                self.connection = None;
                false
            }
            Err(error) if batch.len() == 1 => {
                tracing::error!(%error, "a decision can't be written down");
                self.status.give_up(1);
                true
            }
            // The one that can't be written must not take the others with it; what is written twice is the same.
            Err(_) => batch.chunks(1).all(|record| self.attempt(record)),
        }
    }

    fn write(&mut self, batch: &[Record]) -> Result<(), JournalError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => schema::open_to_write(&self.path)?,
        };
        let connection = self.connection.insert(connection);
        write(connection, batch).map_err(|source| JournalError::Sqlite {
            path: self.path.clone(),
            source,
        })
    }

    /// Removes decisions that ended too long ago, and the oldest ones while the file is too big. Failing is no
    /// trouble: it is tried again, and a disk that is full shows when something is written.
    fn prune(&mut self) {
        let due = self.pruned.is_none_or(|then| then.elapsed() >= PRUNE_EVERY);
        let Some(connection) = self.connection.as_mut() else {
            return;
        };
        let too_big = size(connection).is_ok_and(|bytes| bytes > self.max_bytes);
        if !due && !too_big {
            return;
        }
        let before_ns = if too_big {
            i64::MAX
        } else {
            ns(Timestamp::now()).saturating_sub(signed(self.retention.as_nanos() as u64))
        };
        match prune(connection, before_ns) {
            Ok((decisions, unexported)) => {
                self.status.pruned(decisions, unexported);
                if unexported > 0 {
                    tracing::warn!(
                        decisions = unexported,
                        "decisions were removed before they were exported"
                    );
                }
                // There may be more: the next look comes with the next batch.
                self.pruned = (decisions < PRUNE.cast_unsigned()).then(Instant::now);
            }
            Err(error) => tracing::warn!(%error, "the journal can't be pruned"),
        }
    }
}

/// Waits for a first change and takes those behind it, in order; says whether more may come.
fn fill(batch: &mut Vec<Record>, queue: &Receiver<Record>, patience: Duration) -> bool {
    if batch.is_empty() {
        match queue.recv_timeout(patience) {
            Ok(record) => batch.push(record),
            Err(RecvTimeoutError::Timeout) => return true,
            // What was sent before has been received.
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
    while batch.len() < BATCH {
        match queue.try_recv() {
            Ok(record) => batch.push(record),
            Err(TryRecvError::Empty) => return true,
            Err(TryRecvError::Disconnected) => return false,
        }
    }
    true
}

/// A full or read-only disk may be another one tomorrow; a row that does not fit will not.
fn is_about_the_file(error: &JournalError) -> bool {
    let JournalError::Sqlite { source, .. } = error else {
        return true;
    };
    !matches!(
        source.sqlite_error_code(),
        None | Some(
            ErrorCode::ConstraintViolation
                | ErrorCode::TypeMismatch
                | ErrorCode::TooBig
                | ErrorCode::ParameterOutOfRange
        )
    )
}

/// Bytes in use; pages that were freed are used again.
fn size(connection: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = pragma("page_count")? - pragma("freelist_count")?;
    Ok(pages
        .cast_unsigned()
        .saturating_mul(pragma("page_size")?.cast_unsigned()))
}

/// Removes a bounded number of those that ended before a moment, oldest first; how many, and how many of them the
/// exporter had not come to.
fn prune(connection: &mut Connection, before_ns: i64) -> rusqlite::Result<(u64, u64)> {
    let transaction = connection.transaction()?;
    let chosen = "number IN (SELECT number FROM decisions WHERE phase <> 'active' AND until_ns < ?2 \
         ORDER BY number LIMIT ?1)";
    let sql = format!(
        "SELECT count(*) FROM decisions WHERE {chosen} AND change > (SELECT min(change) FROM cursors)"
    );
    let unexported: i64 =
        transaction.query_row(&sql, params![PRUNE, before_ns], |row| row.get(0))?;
    let sql = format!("DELETE FROM decisions WHERE {chosen}");
    let removed = transaction.execute(&sql, params![PRUNE, before_ns])?;
    transaction.commit()?;
    Ok((removed as u64, unexported.cast_unsigned()))
}

fn write(connection: &mut Connection, batch: &[Record]) -> rusqlite::Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    let number = |name: &str| {
        let sql = "SELECT value FROM numbers WHERE name = ?1";
        transaction.query_row(sql, [name], |row| row.get::<_, i64>(0))
    };
    let mut numbers = Numbers {
        change: number("change")?,
        id: number("id")?,
    };
    for record in batch {
        match record {
            Record::Change(change) => apply(&transaction, change, &mut numbers)?,
            Record::Active(active) => synchronise(&transaction, active, &mut numbers)?,
        }
    }
    for (name, value) in [("change", numbers.change), ("id", numbers.id)] {
        let sql = "UPDATE numbers SET value = ?2 WHERE name = ?1";
        transaction.execute(sql, params![name, value])?;
    }
    transaction.commit()
}

/// The highest numbers so far.
struct Numbers {
    change: i64,
    id: i64,
}

fn apply(
    transaction: &Transaction<'_>,
    change: &Change,
    numbers: &mut Numbers,
) -> rusqlite::Result<()> {
    let decision = change.decision();
    numbers.change += 1;
    numbers.id = numbers.id.max(signed(decision.id));
    let extended = matches!(change, Change::Extended(_)).then(|| ns(Timestamp::now()));
    let updated = transaction.prepare_cached(UPDATE)?.execute(params![
        numbers.change,
        signed(decision.id),
        ns(decision.created_at),
        ns(decision.until),
        phase_name(decision.phase),
        decision.ended.as_deref(),
        decision.simulated,
        signed(decision.packets_dropped),
        signed(decision.bytes_dropped),
        decision.first_drop_ns.map(signed),
        i64::from(extended.is_some()),
        extended,
    ])?;
    if updated == 0 {
        // New, or its making was lost.
        insert(transaction, decision, numbers.change)?;
    }
    Ok(())
}

fn insert(transaction: &Transaction<'_>, decision: &Decision, change: i64) -> rusqlite::Result<()> {
    let created_ns = ns(decision.created_at);
    let target = &decision.target;
    let explanation = explanation::write(decision)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    transaction.prepare_cached(INSERT)?.execute(params![
        change,
        free_point(transaction, created_ns)?,
        signed(decision.id),
        created_ns,
        ns(decision.until),
        signed(decision.ttl.as_nanos() as u64),
        phase_name(decision.phase),
        decision.ended.as_deref(),
        origin_name(decision.origin),
        scope_name(target.scope),
        target.source.map(|ip| ip.to_string()),
        target.destination.map(|ip| ip.to_string()),
        target.protocol,
        target.port,
        action_name(decision.action),
        decision.rate,
        decision.class.map(tidegate_models::Class::name),
        decision.confidence,
        &*decision.model,
        &*decision.scenario,
        decision.simulated,
        signed(decision.packets_dropped),
        signed(decision.bytes_dropped),
        decision.first_packet_ns.map(signed),
        decision.first_drop_ns.map(signed),
        explanation,
    ])?;
    Ok(())
}

/// The first nanosecond from this one on that no point has.
fn free_point(transaction: &Transaction<'_>, from_ns: i64) -> rusqlite::Result<i64> {
    let sql = "SELECT EXISTS (SELECT 1 FROM decisions WHERE point_ns = ?1)";
    let mut taken = transaction.prepare_cached(sql)?;
    let mut point_ns = from_ns;
    while taken.query_row([point_ns], |row| row.get(0))? {
        point_ns += 1;
    }
    Ok(point_ns)
}

/// Brings rows up to date after changes were lost.
fn synchronise(
    transaction: &Transaction<'_>,
    active: &[Arc<Decision>],
    numbers: &mut Numbers,
) -> rusqlite::Result<()> {
    let mut statement = transaction
        .prepare("SELECT number, id, created_ns FROM decisions WHERE phase = 'active'")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
    let written: Vec<(i64, (i64, i64))> = rows.collect::<Result<_, _>>()?;
    let standing: std::collections::HashSet<_> = active
        .iter()
        .map(|decision| (signed(decision.id), ns(decision.created_at)))
        .collect();
    for (number, key) in written {
        if !standing.contains(&key) {
            numbers.change += 1;
            let sql = "UPDATE decisions SET change = ?1, phase = 'expired', until_ns = min(until_ns, ?2), \
                 ended_why = 'its end could not be written down' WHERE number = ?3";
            let now = ns(Timestamp::now());
            transaction.execute(sql, params![numbers.change, now, number])?;
        }
    }
    for decision in active {
        apply(transaction, &Change::Updated(Arc::clone(decision)), numbers)?;
    }
    Ok(())
}
