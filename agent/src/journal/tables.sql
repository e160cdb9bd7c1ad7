-- One row a decision; what changes in its life is changed in its row.
CREATE TABLE decisions (
    -- In the order in which they were written down.
    number INTEGER PRIMARY KEY,
    -- Number of the latest change of this row: exporters go by it.
    change INTEGER NOT NULL UNIQUE,
    -- The decision's own number; begins anew with a new set of kernel maps and no journal.
    id INTEGER NOT NULL,
    -- Times in ns since 1970; the kernel's own, of CLOCK_MONOTONIC, where it says mono.
    created_ns INTEGER NOT NULL,
    -- created_ns, or the next free ns: no two points of a time series may share theirs.
    point_ns INTEGER NOT NULL UNIQUE,
    until_ns INTEGER NOT NULL,
    ttl_ns INTEGER NOT NULL,
    phase TEXT NOT NULL,
    extensions INTEGER NOT NULL DEFAULT 0,
    extended_ns INTEGER,
    ended_why TEXT,
    origin TEXT NOT NULL,
    scope TEXT NOT NULL,
    source TEXT,
    destination TEXT,
    protocol INTEGER,
    port INTEGER,
    action TEXT NOT NULL,
    rate INTEGER,
    class TEXT,
    confidence REAL NOT NULL,
    model TEXT NOT NULL,
    scenario TEXT NOT NULL,
    simulated INTEGER NOT NULL,
    packets_dropped INTEGER NOT NULL,
    bytes_dropped INTEGER NOT NULL,
    first_packet_mono_ns INTEGER,
    first_drop_mono_ns INTEGER,
    -- The model's path and what it was shown, as JSON.
    explanation TEXT NOT NULL,
    UNIQUE (id, created_ns)
) STRICT;
CREATE INDEX decisions_by_creation ON decisions (created_ns);
CREATE INDEX decisions_in_force ON decisions (number) WHERE phase = 'active';
CREATE INDEX decisions_over ON decisions (until_ns) WHERE phase <> 'active';

-- The latest change and the highest id there ever were, also after rows are gone.
CREATE TABLE numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
INSERT INTO numbers VALUES ('change', 0), ('id', 0);

-- How far each exporter has come.
CREATE TABLE cursors (name TEXT PRIMARY KEY, change INTEGER NOT NULL) STRICT;
