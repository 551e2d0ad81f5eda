import { appendFunction } from './append.ts'
import { foldCommitFunction } from './fold.ts'

/**
 * The migrations, in order; the position of one is its version. One that has shipped is never changed, and a change
 * of a function is a further migration that replaces it.
 *
 * Everything is in a schema of its own, since the database may be shared. Texts that are compared or sorted have
 * the collation "C", whatever the database's: it is the one in which an index serves prefixes, and in which lower()
 * changes ASCII only.
 *
 * Accepting an event writes `events` and `event_keys` only, and both grow at their end: `seq` and `id` rise with
 * time, and a key begins with the time of the event.
 */
export const migrations: readonly string[] = [
  `
  -- Who may not make schemas is given this one by the database's owner.
  DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'hookswitch') THEN CREATE SCHEMA hookswitch; END IF;
  END $$;

  CREATE TABLE hookswitch.meta (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    schema_version integer NOT NULL
  );
  INSERT INTO hookswitch.meta (schema_version) VALUES (0);

  -- Drawn from only under the lock that hookswitch.append takes.
  CREATE SEQUENCE hookswitch.event_seq;

  CREATE TABLE hookswitch.events (
    seq bigint PRIMARY KEY,
    id text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    call_id text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    dialect text NOT NULL,
    occurred_at bigint,
    received_at bigint NOT NULL,
    issues text,
    body bytea NOT NULL
  );
  CREATE UNIQUE INDEX events_id ON hookswitch.events (id);
  CREATE INDEX events_type ON hookswitch.events (type, seq);

  -- Apart from events, because a key outlives its event when that is removed early.
  CREATE TABLE hookswitch.event_keys (
    -- 0 where the event has no time of its own.
    occurred_at bigint NOT NULL,
    source text COLLATE "C" NOT NULL,
    call_id text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    content bytea NOT NULL,
    id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (occurred_at, source, call_id, type, content)
  );

  CREATE TABLE hookswitch.calls (
    call_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    call_id text COLLATE "C" NOT NULL UNIQUE,
    -- JSON as it was written: jsonb refuses some of the characters that may come.
    head text NOT NULL,
    first_event_at bigint NOT NULL,
    status text COLLATE "C" NOT NULL,
    agent_id text COLLATE "C",
    agent_name text COLLATE "C",
    conversation_id text COLLATE "C",
    outcome jsonb
  )
  -- The head of a call that goes on is rewritten with every stretch; with room on its page no index is touched.
  WITH (fillfactor = 70);
  CREATE INDEX calls_first_event_at ON hookswitch.calls (first_event_at, call_key);
  CREATE INDEX calls_agent_id ON hookswitch.calls (agent_id, first_event_at, call_key) WHERE agent_id IS NOT NULL;
  CREATE INDEX calls_open ON hookswitch.calls (status, first_event_at, call_key) WHERE status <> 'ended';
  -- Not partial: the planner knows how common a prefix is only from an index over all rows.
  CREATE INDEX calls_call_id_prefix ON hookswitch.calls (lower(call_id));
  CREATE INDEX calls_agent_name_prefix ON hookswitch.calls (lower(agent_name));
  CREATE INDEX calls_conversation_id_prefix ON hookswitch.calls (lower(conversation_id));
  CREATE INDEX calls_outcome ON hookswitch.calls USING gin (outcome jsonb_path_ops);

  CREATE TABLE hookswitch.call_parts (
    call_key bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    at bigint NOT NULL,
    data text NOT NULL,
    PRIMARY KEY (call_key, kind, seq)
  );

  CREATE TABLE hookswitch.call_events (
    call_key bigint NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (call_key, seq)
  );

  CREATE TABLE hookswitch.fold_state (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    folded_seq bigint NOT NULL,
    turn_node text,
    turn_until timestamptz
  )
  WITH (fillfactor = 10);
  INSERT INTO hookswitch.fold_state (folded_seq) VALUES (0);

  CREATE TABLE hookswitch.secrets (
    id text COLLATE "C" PRIMARY KEY,
    source text COLLATE "C" NOT NULL,
    hash text COLLATE "C" NOT NULL,
    origin text NOT NULL,
    label text,
    created_at bigint NOT NULL,
    expires_at bigint,
    last_used_at bigint,
    UNIQUE (source, hash)
  );
  ${appendFunction};
  ${foldCommitFunction};
  `,
]
