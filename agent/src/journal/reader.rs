//! What the journal says.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Params, params};

use super::{
    JournalError, Past,
    row::{self, COLUMNS},
    schema,
};
use crate::decision::Decision;

/// Forgets where others of a kind had come to.
const FORGET: &str = "DELETE FROM cursors WHERE name <> ?1 \
     AND substr(name, 1, instr(name, ' ')) = substr(?1, 1, instr(?1, ' '))";

/// From its first look on, what is removed unseen by an exporter is missing.
const BEGIN: &str = "INSERT INTO cursors VALUES (?1, 0) ON CONFLICT (name) DO NOTHING";

/// A connection that reads, and keeps the cursor of one exporter.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    path: PathBuf,
}

/// A decision that changed.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Number of its latest change.
    pub change: i64,
    /// Time of its point: unique in the journal, the same for all its life (ns since 1970).
    pub point_ns: i64,
    /// As it is now.
    pub decision: Decision,
}

/// Decisions in the order of their latest changes.
#[derive(Debug, Default)]
pub struct Page {
    /// Those that can be read.
    pub entries: Vec<Entry>,
    /// Where the next page goes on, past rows that can't be read too; `None` for an empty page.
    pub last: Option<i64>,
    /// Rows looked at.
    pub rows: usize,
}

impl Reader {
    /// Opens a journal that is there.
    ///
    /// # Errors
    ///
    /// No file, no journal, or one of a later version.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Ok(Self {
            connection: schema::open_to_read(path)?,
            path: path.to_owned(),
        })
    }

    /// What is in force, in the order in which it was made, and the highest number there ever was.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn past(&self) -> Result<Past, JournalError> {
        let wanted = "phase = 'active' ORDER BY number";
        let last_id: i64 = self
            .connection
            .query_row("SELECT value FROM numbers WHERE name = 'id'", [], |row| {
                row.get(0)
            })
            .map_err(|source| self.error(source))?;
        Ok(Past {
            active: self.decisions(wanted, [])?,
            last_id: last_id.cast_unsigned(),
        })
    }

    /// The latest `most` decisions made since a moment, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn since(&self, from: Timestamp, most: u32) -> Result<Vec<Decision>, JournalError> {
        let wanted = "created_ns >= ?1 ORDER BY created_ns DESC, number DESC LIMIT ?2";
        let mut decisions = self.decisions(wanted, params![row::ns(from), most])?;
        decisions.reverse();
        Ok(decisions)
    }

    /// The latest decision with this number.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn find(&self, id: u64) -> Result<Option<Decision>, JournalError> {
        let wanted = "id = ?1 ORDER BY number DESC LIMIT 1";
        Ok(self.decisions(wanted, [row::signed(id)])?.pop())
    }

    /// At most `most` decisions whose latest change comes after `change`.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn changed_after(&self, change: i64, most: usize) -> Result<Page, JournalError> {
        let sql = format!(
            "SELECT {COLUMNS}, change, point_ns FROM decisions WHERE change > ?1 ORDER BY change LIMIT ?2"
        );
        let read = || -> rusqlite::Result<Page> {
            let mut statement = self.connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params![change, most as i64])?;
            let mut page = Page::default();
            while let Some(row) = rows.next()? {
                let change = row.get(24)?;
                page.last = Some(change);
                page.rows += 1;
                match row::decision(row) {
                    Ok(decision) => page.entries.push(Entry {
                        change,
                        point_ns: row.get(25)?,
                        decision,
                    }),
                    Err(error) => {
                        tracing::error!(%error, change, "a row of the journal can't be read");
                    }
                }
            }
            Ok(page)
        };
        read().map_err(|source| self.error(source))
    }

    /// How many decisions have changed after `change`.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn behind(&self, change: i64) -> Result<u64, JournalError> {
        let sql = "SELECT count(*) FROM decisions WHERE change > ?1";
        let count: i64 = self
            .connection
            .query_row(sql, [change], |row| row.get(0))
            .map_err(|source| self.error(source))?;
        Ok(count.cast_unsigned())
    }

    /// How far an exporter has come; the cursors of all others of its kind, the first word of its name, are forgotten.
    /// One that is new is at 0, and what the writer removes from then on was not exported.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn cursor(&self, name: &str) -> Result<i64, JournalError> {
        let read = || {
            self.connection.execute(FORGET, [name])?;
            if let Err(error) = self.connection.execute(BEGIN, [name]) {
                // A full disk keeps nobody from reading.
                tracing::debug!(%error, name, "that there is an exporter can't be noted");
            }
            let sql = "SELECT change FROM cursors WHERE name = ?1";
            let found = self.connection.query_row(sql, [name], |row| row.get(0));
            Ok(found.optional()?.unwrap_or(0))
        };
        read().map_err(|source| self.error(source))
    }

    /// Forgets all exporters of a kind, the first word of their names: there is none any more, and nobody misses what
    /// they have not seen.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn forget(&self, kind: &str) -> Result<(), JournalError> {
        let sql = "DELETE FROM cursors WHERE substr(name, 1, instr(name, ' ') - 1) = ?1";
        let done = self.connection.execute(sql, [kind]);
        done.map(drop).map_err(|source| self.error(source))
    }

    /// Notes how far an exporter has come.
    ///
    /// # Errors
    ///
    /// What SQLite says: the disk may be full.
    pub fn set_cursor(&self, name: &str, change: i64) -> Result<(), JournalError> {
        let sql =
            "INSERT INTO cursors VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET change = ?2";
        let done = self.connection.execute(sql, params![name, change]);
        done.map(drop).map_err(|source| self.error(source))
    }

    /// Rows that can't be read are left out, and said to be.
    fn decisions(&self, wanted: &str, values: impl Params) -> Result<Vec<Decision>, JournalError> {
        let sql = format!("SELECT {COLUMNS} FROM decisions WHERE {wanted}");
        let read = || -> rusqlite::Result<Vec<Decision>> {
            let mut statement = self.connection.prepare_cached(&sql)?;
            let mut rows = statement.query(values)?;
            let mut decisions = Vec::new();
            while let Some(row) = rows.next()? {
                match row::decision(row) {
                    Ok(decision) => decisions.push(decision),
                    Err(error) => tracing::error!(%error, "a row of the journal can't be read"),
                }
            }
            Ok(decisions)
        };
        read().map_err(|source| self.error(source))
    }

    fn error(&self, source: rusqlite::Error) -> JournalError {
        JournalError::Sqlite {
            path: self.path.clone(),
            source,
        }
    }
}
