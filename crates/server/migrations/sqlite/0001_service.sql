-- Tokens of the service. `digest` is a keyed hash of the whole token; the token itself is nowhere.
CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    user TEXT NOT NULL,
    digest BLOB NOT NULL,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) WITHOUT ROWID;

-- What clients asked for, in the words of the API they asked through. `kind` names the API and the
-- resource, `owner` what the resource belongs to there, `user` who asked.
CREATE TABLE requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    owner TEXT NOT NULL COLLATE NOCASE,
    user TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    cancelled_at INTEGER
);
CREATE INDEX requests_of_user ON requests (kind, user, owner, id);
CREATE INDEX requests_of_owner ON requests (kind, owner, id);

-- The jobs of a request; each stands in the journal under its number. `settled_at` is when the
-- service had seen its end. `sealed` holds credentials that came with the request, encrypted, for
-- as long as the job lives. `archive` is a file below the directory of archives.
CREATE TABLE parts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    request INTEGER NOT NULL REFERENCES requests (id),
    job INTEGER NOT NULL UNIQUE,
    body TEXT NOT NULL,
    sealed BLOB,
    archive TEXT,
    settled_at INTEGER
);
CREATE INDEX parts_of_request ON parts (request, id);
CREATE INDEX parts_unsettled ON parts (id) WHERE settled_at IS NULL;
CREATE INDEX parts_with_archive ON parts (settled_at) WHERE archive IS NOT NULL;

-- Repositories that nobody shall write to while they are carried, each until a moment.
CREATE TABLE locks (
    request INTEGER NOT NULL REFERENCES requests (id),
    place TEXT NOT NULL,
    project TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (place, project, request)
) WITHOUT ROWID;
CREATE INDEX locks_of_request ON locks (request);
CREATE INDEX locks_by_end ON locks (expires_at);
