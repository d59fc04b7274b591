-- One row: what holds for the gallery, the number of the latest change of records or header, and the number of the
-- change that last put all records in place of others. Times are microseconds since 1970 in UTC, everywhere.
CREATE TABLE gallery (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  format INTEGER NOT NULL,
  model TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  dim INTEGER NOT NULL,
  salt TEXT NOT NULL,
  key_check TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  version INTEGER NOT NULL DEFAULT 0,
  rebuilt INTEGER NOT NULL DEFAULT 0
);

-- Whose templates there are. Small, because a removal writes this table anew.
CREATE TABLE template (
  version INTEGER PRIMARY KEY,
  template_id TEXT NOT NULL,
  subject_id TEXT NOT NULL,
  enrolled_at INTEGER NOT NULL,
  expires_at INTEGER
);
CREATE UNIQUE INDEX template_by_id ON template (template_id);
CREATE INDEX template_by_subject ON template (subject_id);
CREATE INDEX template_by_expiry ON template (expires_at) WHERE expires_at IS NOT NULL;

-- What is sealed, behind a page of zeros.
CREATE TABLE sealed (
  version INTEGER PRIMARY KEY,
  content BLOB NOT NULL
);

-- That a template went: a number drawn at random, and nothing of whose it was.
CREATE TABLE removal (
  version INTEGER PRIMARY KEY,
  template_id TEXT NOT NULL
);

CREATE TABLE audit (
  number INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT,
  detail TEXT NOT NULL,
  previous TEXT NOT NULL,
  digest TEXT NOT NULL
);
CREATE TRIGGER audit_keeps_what_it_says BEFORE UPDATE ON audit
BEGIN
  SELECT raise(ABORT, 'the audit log is only ever appended to');
END;
CREATE TRIGGER audit_forgets_nothing BEFORE DELETE ON audit
BEGIN
  SELECT raise(ABORT, 'the audit log is only ever appended to');
END;
