//! The tables, and how older files become files of today.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

use super::{JournalError, make_private};

/// Version of the tables this agent writes, in SQLite's `user_version`.
pub const VERSION: i64 = MIGRATIONS.len() as i64;

/// Step `n` makes version `n + 1` of version `n`; 0 is an empty file. Steps are added, never changed.
const MIGRATIONS: &[&str] = &[include_str!("tables.sql")];

/// How long a connection waits for another one's transaction.
const BUSY: Duration = Duration::from_secs(5);

/// A connection that writes: the file is made if need be and brought to [`VERSION`].
pub(super) fn open_to_write(path: &Path) -> Result<Connection, JournalError> {
    make_private(path).map_err(|source| JournalError::Io {
        action: "make the journal",
        path: path.to_owned(),
        source,
    })?;
    let fail = |source| JournalError::Sqlite {
        path: path.to_owned(),
        source,
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(fail)?;
    connection.busy_timeout(BUSY).map_err(fail)?;
    let pragma = |connection: &Connection, name, value| {
        connection.pragma_update(None, name, value).map_err(fail)
    };
    if version(&connection).map_err(fail)? == 0 {
        // An empty journal is not worth waiting for a busy disk: the agent's start waits for this.
        pragma(&connection, "synchronous", "off")?;
    }
    pragma(&connection, "journal_mode", "wal")?;
    migrate(path, &mut connection, MIGRATIONS)?;
    // From here on a commit is on the disk when it returns: not even a power cut takes it back.
    pragma(&connection, "synchronous", "full")?;
    Ok(connection)
}

/// A connection for readers; the file must be there.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, JournalError> {
    let fail = |source| JournalError::Sqlite {
        path: path.to_owned(),
        source,
    };
    // Write access is for an exporter's cursor, and for the files that SQLite keeps beside this one.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fail)?;
    connection.busy_timeout(BUSY).map_err(fail)?;
    let version = version(&connection).map_err(fail)?;
    if version > VERSION {
        return Err(JournalError::Newer {
            path: path.to_owned(),
            version,
        });
    }
    Ok(connection)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// All missing steps, each wholly or not at all.
fn migrate(path: &Path, connection: &mut Connection, steps: &[&str]) -> Result<(), JournalError> {
    let fail = |source| JournalError::Sqlite {
        path: path.to_owned(),
        source,
    };
    let found = version(connection).map_err(fail)?;
    let done = usize::try_from(found)
        .ok()
        .filter(|done| *done <= steps.len());
    let Some(done) = done else {
        return Err(JournalError::Newer {
            path: path.to_owned(),
            version: found,
        });
    };
    for (number, step) in steps.iter().enumerate().skip(done) {
        let mut run = || {
            let transaction = connection.transaction()?;
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "user_version", number as i64 + 1)?;
            transaction.commit()
        };
        run().map_err(fail)?;
        tracing::debug!(version = number + 1, "the journal's tables are up to date");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;

    const STEPS: [&str; 3] = [
        "CREATE TABLE t (a INTEGER) STRICT;",
        "ALTER TABLE t ADD COLUMN b TEXT; UPDATE t SET b = 'was ' || a;",
        "CREATE INDEX i ON t (b); SELECT nonsense;",
    ];

    fn migrated(connection: &mut Connection, steps: &[&str]) -> Result<(), JournalError> {
        migrate(Path::new("test.db"), connection, steps)
    }

    #[test]
    fn an_old_file_is_brought_up_to_date_with_what_it_holds() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrated(&mut connection, &STEPS[..1]).unwrap();
        connection.execute("INSERT INTO t VALUES (7)", []).unwrap();
        migrated(&mut connection, &STEPS[..2]).unwrap();
        assert_eq!(version(&connection).unwrap(), 2);
        let b: String = connection
            .query_row("SELECT b FROM t", [], |row| row.get(0))
            .unwrap();
        assert_eq!(b, "was 7");
        migrated(&mut connection, &STEPS[..2]).unwrap();
    }

    #[test]
    fn a_step_that_fails_leaves_the_version_before_it() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert!(migrated(&mut connection, &STEPS).is_err());
        assert_eq!(version(&connection).unwrap(), 2);
        let indices: i64 = connection
            .query_row(
                "SELECT count(*) FROM sqlite_master WHERE name = 'i'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(indices, 0);
    }

    #[test]
    fn a_file_of_a_later_version_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        drop(open_to_write(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        connection
            .pragma_update(None, "user_version", VERSION + 1)
            .unwrap();
        drop(connection);
        for opened in [open_to_write(&path), open_to_read(&path)] {
            let error = opened.unwrap_err().to_string();
            assert!(error.contains("update the agent"), "{error}");
        }
    }

    #[test]
    fn nobody_else_can_read_the_file() {
        use std::os::unix::fs::MetadataExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let _connection = open_to_write(&path).unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600, "{entry:?}");
        }
    }
}
