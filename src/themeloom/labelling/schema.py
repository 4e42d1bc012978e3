"""The study's label file: a SQLite database to which events are added, and from which none is taken."""

FORMAT = "1"

SCHEMA = """
CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
    doc_id TEXT PRIMARY KEY,
    text TEXT NOT NULL,            -- masked
    batch INTEGER NOT NULL,        -- 1, 2, 3, …: drawn together
    design TEXT NOT NULL,
    inclusion REAL,                -- probability of being drawn; null where it stands for no others
    drawn_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE codebooks (
    version INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    body TEXT NOT NULL             -- JSON
) STRICT;

CREATE TABLE coders (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    secret TEXT UNIQUE,            -- SHA-256 of the secret in the personal link; null where there is none
    joined_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    token TEXT PRIMARY KEY,        -- SHA-256 of the cookie
    coder TEXT COLLATE NOCASE,
    lead INTEGER NOT NULL,
    until REAL NOT NULL            -- seconds since 1970
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,              -- ISO 8601, UTC
    kind TEXT NOT NULL,            -- code, skip, withdraw, served, guess, decide, answer, opened, …
    coder TEXT NOT NULL,
    doc_id TEXT,
    code TEXT,
    second TEXT,
    unclear INTEGER NOT NULL DEFAULT 0,
    note TEXT,
    assisted INTEGER NOT NULL DEFAULT 0,
    codebook INTEGER,              -- the version under which it was said
    seconds REAL,                  -- how long the message was on the screen
    about INTEGER,                 -- the event that this one withdraws
    detail TEXT,
    client TEXT UNIQUE             -- made by the sender: what is sent twice is kept once
) STRICT;

CREATE INDEX events_of_messages ON events (kind, doc_id, coder);
CREATE INDEX events_of_coders ON events (coder, kind);
CREATE INDEX events_about ON events (about) WHERE about IS NOT NULL;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_are_never_removed BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are never removed'); END;

CREATE VIEW current_codes AS
SELECT * FROM events WHERE id IN (
    SELECT MAX(id) FROM events AS said
    WHERE kind = 'code' AND NOT EXISTS (SELECT 1 FROM events AS taken WHERE taken.about = said.id)
    GROUP BY coder, doc_id
);
CREATE VIEW current_decisions AS
SELECT * FROM events WHERE id IN (SELECT MAX(id) FROM events WHERE kind = 'decide' GROUP BY doc_id);
"""
