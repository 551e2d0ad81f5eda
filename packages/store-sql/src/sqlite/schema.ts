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

  // 2: deliveries. A record that was removed leaves a row in calls with an empty head, by which the events of its call
  // are found while there are any. Keys that stand in ids, or that say whose a lane is, are never given twice: AUTOINCREMENT.
  `
  -- For replays since a time, and for retention: clocks of nodes differ, so seq says little about it.
  CREATE INDEX events_received_at ON events (received_at);

  CREATE TABLE destinations (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    origin TEXT NOT NULL,
    version INTEGER NOT NULL,
    definition TEXT NOT NULL,
    sealed_secrets TEXT,
    flow TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE destination_versions (
    destination_key INTEGER NOT NULL,
    version INTEGER NOT NULL,
    id TEXT NOT NULL,
    from_seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    name TEXT NOT NULL,
    -- Null from the removal on.
    definition TEXT,
    PRIMARY KEY (destination_key, version)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE routing_state (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    version INTEGER NOT NULL
  ) STRICT;
  INSERT INTO routing_state VALUES (1, 0);

  CREATE TABLE nodes (
    epoch TEXT PRIMARY KEY,
    beat_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- An idle lane has no row.
  CREATE TABLE lanes (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    destination_key INTEGER NOT NULL,
    lane_key TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    -- 1 where head_attempts is above 0.
    retrying INTEGER NOT NULL,
    head_attempts INTEGER NOT NULL,
    -- Of the node that works on it; null while nobody does.
    epoch TEXT,
    claim INTEGER NOT NULL,
    -- The last position that was drawn.
    tail INTEGER NOT NULL,
    parked_at INTEGER,
    parked_reason TEXT
  ) STRICT;
  CREATE UNIQUE INDEX lanes_key ON lanes (destination_key, lane_key);
  CREATE INDEX lanes_due ON lanes (destination_key, retrying, due_at) WHERE state = 'running' AND epoch IS NULL;
  CREATE INDEX lanes_claimed ON lanes (destination_key, retrying, epoch) WHERE epoch IS NOT NULL;
  CREATE INDEX lanes_parked ON lanes (destination_key) WHERE state = 'parked';

  CREATE TABLE deliveries (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    destination_key INTEGER NOT NULL,
    event_seq INTEGER NOT NULL,
    lane_key TEXT NOT NULL,
    position INTEGER NOT NULL,
    replay_key INTEGER,
    state TEXT NOT NULL,
    reason TEXT,
    attempts INTEGER NOT NULL,
    -- When it began to wait: a retry by hand begins anew.
    created_at INTEGER NOT NULL,
    finished_at INTEGER
  ) STRICT;
  -- The head of a lane is its first entry here, never a stored pointer.
  CREATE INDEX deliveries_pending ON deliveries (destination_key, lane_key, position) WHERE state = 'pending';
  CREATE INDEX deliveries_event ON deliveries (event_seq);
  CREATE INDEX deliveries_state ON deliveries (destination_key, state);
  -- Those that wait by when they began to, then the others by when they ended.
  CREATE INDEX deliveries_age ON deliveries (finished_at, created_at);

  CREATE TABLE attempts (
    delivery_key INTEGER NOT NULL,
    number INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    status INTEGER,
    cause TEXT,
    message TEXT,
    node TEXT NOT NULL,
    request TEXT,
    response TEXT,
    PRIMARY KEY (delivery_key, number)
  ) STRICT;

  CREATE TABLE replays (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    destination_key INTEGER NOT NULL,
    filter TEXT NOT NULL,
    total INTEGER NOT NULL,
    made INTEGER NOT NULL,
    state TEXT NOT NULL,
    cursor_seq INTEGER NOT NULL,
    until_seq INTEGER NOT NULL,
    -- Drawn with each stretch: the running one with the lowest is next.
    turn INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
  ) STRICT;
  CREATE INDEX replays_running ON replays (turn, key) WHERE state = 'running';

  CREATE TABLE audit (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    reason TEXT,
    detail TEXT
  ) STRICT;

  -- How far the log had come at a time, noted now and then by retention: it tells the age of a key whose event is gone.
  CREATE TABLE log_times (
    at INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL
  ) STRICT;
  `,

  // 3: agents, and the calls that they make.
  `
  CREATE TABLE agents (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    definition TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE started_calls (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    call_id TEXT NOT NULL UNIQUE,
    agent_id TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    direction TEXT NOT NULL,
    to_address TEXT,
    from_address TEXT,
    override TEXT,
    sealed_secrets TEXT,
    -- Counts the events that were published.
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    progress TEXT NOT NULL,
    -- Last, so that what reads the columns before it need not touch the overflow pages of large ones.
    params TEXT NOT NULL
  ) STRICT;
  CREATE INDEX started_calls_created_at ON started_calls (created_at);

  -- Those that wait to be tried again, which may be few among many that were never tried.
  CREATE INDEX deliveries_retried ON deliveries (destination_key) WHERE state = 'pending' AND attempts > 0;
  `,
]
