-- Compiled jobs, stored once by digest.
CREATE TABLE instances (
    instance_no INTEGER PRIMARY KEY,
    sha256      BLOB NOT NULL UNIQUE,
    body        TEXT NOT NULL
) STRICT;

-- What changes of a run: short rows, because every claim, heartbeat and timer writes one.
CREATE TABLE runs (
    run_no          INTEGER PRIMARY KEY,
    run_id          TEXT NOT NULL UNIQUE,
    job_id          TEXT NOT NULL,
    status          TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    parent_run_id   TEXT,
    idempotency_key TEXT,
    epoch           INTEGER NOT NULL DEFAULT 0,
    worker          TEXT,
    lease_until     INTEGER,
    wake_at         INTEGER,
    quarantine      TEXT,
    progress        TEXT NOT NULL
) STRICT;

CREATE INDEX runs_by_time ON runs (created_at);
CREATE INDEX runs_by_job ON runs (job_id, created_at);
CREATE INDEX runs_by_status ON runs (status, created_at);
CREATE INDEX runs_by_parent ON runs (parent_run_id, created_at) WHERE parent_run_id IS NOT NULL;
CREATE UNIQUE INDEX runs_by_key ON runs (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX runs_due ON runs (wake_at) WHERE worker IS NULL AND wake_at IS NOT NULL AND quarantine IS NULL;
CREATE INDEX runs_held ON runs (worker, lease_until) WHERE worker IS NOT NULL;

-- What never changes of a run.
CREATE TABLE requests (
    run_no         INTEGER PRIMARY KEY,
    request_sha256 BLOB NOT NULL,
    instance_no    INTEGER NOT NULL,
    compiled_at    INTEGER NOT NULL,
    body           TEXT NOT NULL
) STRICT;

-- pos = run_no << 24 | seq: one run's entries lie side by side and the last one is found by one seek.
CREATE TABLE journal (
    pos  INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;

-- AUTOINCREMENT: an id that was taken is never given to another message.
CREATE TABLE inbox (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    run_no INTEGER NOT NULL,
    body   TEXT NOT NULL
) STRICT;
CREATE INDEX inbox_by_run ON inbox (run_no);

-- What collection must keep.
CREATE TABLE artifact_refs (
    sha256 BLOB NOT NULL,
    run_no INTEGER NOT NULL,
    PRIMARY KEY (sha256, run_no)
) STRICT, WITHOUT ROWID;
CREATE TABLE instance_resources (
    sha256      BLOB NOT NULL,
    instance_no INTEGER NOT NULL,
    PRIMARY KEY (sha256, instance_no)
) STRICT, WITHOUT ROWID;
