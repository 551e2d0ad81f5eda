/**
 * The migrations, in order; the position of one is its version. One that has shipped is never changed.
 *
 * Accepting an event writes `events` and `event_keys` only, and both grow at their end: `seq` and `id` rise with
 * time, and a key begins with the time of the event. What is found by call is written by the fold, where a random
 * page costs no one an answer.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    source TEXT NOT NULL,
    call_id TEXT NOT NULL,
    type TEXT NOT NULL,
    dialect TEXT NOT NULL,
    occurred_at INTEGER,
    received_at INTEGER NOT NULL,
    issues TEXT,
    -- Last, so that what reads the columns before it need not touch the overflow pages of a large body.
    body BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX events_id ON events (id);
  CREATE INDEX events_type ON events (type, seq);

  -- Apart from events, because a key outlives its event when that is removed early.
  CREATE TABLE event_keys (
    occurred_at INTEGER NOT NULL,
    source TEXT NOT NULL,
    call_id TEXT NOT NULL,
    type TEXT NOT NULL,
    content BLOB NOT NULL,
    id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (occurred_at, source, call_id, type, content)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE calls (
    call_key INTEGER PRIMARY KEY,
    call_id TEXT NOT NULL,
    head TEXT NOT NULL,
    first_event_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    agent_id TEXT,
    agent_name TEXT,
    conversation_id TEXT,
    outcome TEXT
  ) STRICT;
  CREATE UNIQUE INDEX calls_call_id ON calls (call_id);
  -- Carries what the search by prefix looks at, so that it reads this index from its newest end and no rows. An
  -- index by conversation id would take a random page for every new call.
  CREATE INDEX calls_newest ON calls (first_event_at, call_key, call_id, conversation_id, agent_name);
  CREATE INDEX calls_agent_id ON calls (agent_id, first_event_at) WHERE agent_id IS NOT NULL;
  CREATE INDEX calls_open ON calls (status, first_event_at) WHERE status <> 'ended';

  CREATE TABLE call_parts (
    call_key INTEGER NOT NULL,
    kind TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (call_key, kind, seq)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE call_events (
    call_key INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (call_key, seq)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE fold_state (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    folded_seq INTEGER NOT NULL
  ) STRICT;
  INSERT INTO fold_state VALUES (1, 0);

  CREATE TABLE secrets (
    id TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    hash TEXT NOT NULL,
    origin TEXT NOT NULL,
    label TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    UNIQUE (source, hash)
  ) STRICT, WITHOUT ROWID;
  `,
]
