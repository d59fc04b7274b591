-- One row: what holds for the gallery, the number of the latest change of records or header, and the number of the
-- change that last put all records in place of others. Whoever changes anything locks this row first.
CREATE TABLE gallery (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  format integer NOT NULL,
  model text NOT NULL,
  fingerprint text NOT NULL,
  dim integer NOT NULL,
  salt text NOT NULL,
  key_check text NOT NULL,
  created_at timestamptz NOT NULL,
  version bigint NOT NULL,
  rebuilt bigint NOT NULL
);

-- Whose templates there are. Small, because a removal writes this table anew.
CREATE TABLE template (
  version bigint PRIMARY KEY,
  template_id text COLLATE "C" NOT NULL UNIQUE,
  subject_id text COLLATE "C" NOT NULL,
  enrolled_at timestamptz NOT NULL,
  expires_at timestamptz
);
CREATE INDEX template_by_subject ON template (subject_id, version);
CREATE INDEX template_by_expiry ON template (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE sealed (
  version bigint PRIMARY KEY,
  content bytea NOT NULL
);
ALTER TABLE sealed ALTER content SET STORAGE EXTERNAL; -- encrypted bytes do not compress

-- Embeddings under the gallery's secret rotation, searched by an index that is made for their dimension.
CREATE TABLE rotated (
  version bigint PRIMARY KEY,
  vector vector NOT NULL
);

-- That a template went: a number drawn at random, and nothing of whose it was.
CREATE TABLE removal (
  version bigint PRIMARY KEY,
  template_id text NOT NULL
);

CREATE TABLE audit (
  number bigint PRIMARY KEY,
  at timestamptz NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  subject text,
  detail text NOT NULL,
  previous text NOT NULL,
  digest text NOT NULL
);
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is only ever appended to';
END $$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
  FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
