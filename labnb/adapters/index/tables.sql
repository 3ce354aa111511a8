-- id is minus (milliseconds of the start, then 20 bits of the uid): by id is newest first, in every index.
CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    archived INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    item TEXT NOT NULL
);
CREATE INDEX run_changed ON run (changed);
CREATE INDEX run_archived ON run (id) WHERE archived;
CREATE INDEX run_source ON run (source, uid, state);

-- What free text is looked for in.
CREATE TABLE words (id INTEGER PRIMARY KEY, text TEXT NOT NULL);

-- What runs can be asked about: metrics.loss, params.lr, attributes.status ...
CREATE TABLE key (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    runs INTEGER NOT NULL DEFAULT 0,
    UNIQUE (kind, name)
);

-- rank is a number, else a text, else x'00' for what is no number (NaN): SQLite orders them so.
-- text is the value as text where that is not the rank itself; NULL of metrics.
CREATE TABLE entry (
    key INTEGER NOT NULL,
    rank NOT NULL,
    id INTEGER NOT NULL,
    text TEXT,
    PRIMARY KEY (key, rank, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX entry_run ON entry (key, id);

CREATE TABLE gone (uid TEXT PRIMARY KEY, changed INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE mark (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    changed INTEGER NOT NULL,
    loading INTEGER NOT NULL
);
INSERT INTO mark VALUES (1, 0, 0);
