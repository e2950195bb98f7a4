-- Frozen: a change of the schema is a file of its own with the next number.

CREATE TABLE vms (
    id                     TEXT PRIMARY KEY,
    name                   TEXT NOT NULL UNIQUE,
    state                  TEXT NOT NULL,
    error                  TEXT,
    spec                   TEXT NOT NULL,
    image                  TEXT NOT NULL,
    image_digest           TEXT,
    kernel                 TEXT NOT NULL,
    kernel_digest          TEXT,
    created_at             TEXT NOT NULL,
    started_at             TEXT,
    boot_id                TEXT,
    monitor                TEXT NOT NULL,
    accel                  TEXT,
    disk_method            TEXT,
    published              TEXT NOT NULL,
    delete_on_failure      INTEGER NOT NULL,
    -- A process is known by all three: its number, its start, and the boot of the host that both are of.
    host_boot_id           TEXT,
    monitor_pid            INTEGER,
    monitor_started_ticks  INTEGER,
    link_pid               INTEGER,
    link_started_ticks     INTEGER,
    workspace_host_path    TEXT,
    workspace_guest_path   TEXT,
    workspace_commit       TEXT,
    CHECK ((monitor_pid IS NULL) = (monitor_started_ticks IS NULL)),
    CHECK ((link_pid IS NULL) = (link_started_ticks IS NULL)),
    CHECK (host_boot_id IS NOT NULL OR (monitor_pid IS NULL AND link_pid IS NULL))
) STRICT;

CREATE TABLE counters (
    name   TEXT PRIMARY KEY,
    value  INTEGER NOT NULL
) STRICT;
