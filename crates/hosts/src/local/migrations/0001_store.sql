-- One row: who this store is, and how often it has changed.
CREATE TABLE store (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    uuid       TEXT    NOT NULL,
    generation INTEGER NOT NULL
) STRICT;

-- What records belong to; the empty path is the shared scope.
-- Case is folded because file systems may fold it too.
CREATE TABLE scopes (
    id   INTEGER PRIMARY KEY,
    path TEXT NOT NULL COLLATE NOCASE UNIQUE
) STRICT;

-- Records in reading order: `key` is the origin id in an encoding that sorts numbers by value,
-- `body` canonical JSON, `generation` the one in which the row last changed.
CREATE TABLE records (
    scope      INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    body       BLOB    NOT NULL,
    generation INTEGER NOT NULL,
    PRIMARY KEY (scope, kind, key)
) STRICT, WITHOUT ROWID;

-- Which bytes belong to a record. A blob that no row names is garbage.
CREATE TABLE blobs (
    scope  INTEGER NOT NULL,
    kind   TEXT    NOT NULL,
    key    TEXT    NOT NULL,
    sha256 BLOB    NOT NULL CHECK (length(sha256) = 32),
    size   INTEGER NOT NULL CHECK (size >= 0),
    PRIMARY KEY (scope, kind, key)
) STRICT, WITHOUT ROWID;

-- Where texts may lead to what is here: `layout` says how addresses below `url` name projects.
CREATE TABLE webs (
    url    TEXT NOT NULL PRIMARY KEY,
    layout TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO scopes (id, path) VALUES (1, '');
