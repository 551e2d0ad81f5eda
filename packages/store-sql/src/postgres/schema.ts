import { appendFunction } from './append.ts'
import { foldCommitFunction } from './fold.ts'
import { foldCommitFunctionOfVersion1 } from './fold-of-version-1.ts'
import { addDeliveriesFunction } from './lanes.ts'
import { beatFunction } from './nodes.ts'
import { publishFunction } from './started-calls.ts'
import { workFunctions } from './work-functions.ts'

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
  ${foldCommitFunctionOfVersion1};
  `,

  // 2: deliveries. There are no foreign keys: their locks would make accepting and folding wait for deliveries.
  `
  -- For replays since a time, and for retention. It says only in which pages to look, since times rise with the log
  -- but for what the clocks of nodes differ; a B-tree would cost an accept a tenth of its time.
  CREATE INDEX events_received_at ON hookswitch.events USING brin (received_at) WITH (autosummarize = on);

  -- False once the record was removed before its events: the row then only says which events the call has.
  ALTER TABLE hookswitch.calls ADD COLUMN recorded boolean NOT NULL DEFAULT true;
  DROP INDEX hookswitch.calls_first_event_at;
  CREATE INDEX calls_first_event_at ON hookswitch.calls (first_event_at, call_key) WHERE recorded;

  -- When its event came, noted when that is removed: until then the event says so.
  ALTER TABLE hookswitch.event_keys ADD COLUMN received_at bigint;
  CREATE INDEX event_keys_received_at ON hookswitch.event_keys (received_at) WHERE received_at IS NOT NULL;
  CREATE INDEX call_parts_at ON hookswitch.call_parts (at, call_key) WHERE kind IN ('final', 'live', 'tool');

  -- The clock of all that is told in milliseconds.
  CREATE FUNCTION hookswitch.now_ms() RETURNS bigint LANGUAGE sql VOLATILE
    AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;

  CREATE TABLE hookswitch.destinations (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    name text COLLATE "C" NOT NULL UNIQUE,
    origin text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    -- JSON as it was written, here and in flow: the functions for JSON refuse some of the characters that may come.
    definition text NOT NULL,
    -- What of the definition work needs with every send: a template may be long.
    terms text NOT NULL,
    sealed_secrets text,
    flow text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
  )
  -- Written with every send; with room on its page no index is touched.
  WITH (fillfactor = 30);

  CREATE TABLE hookswitch.destination_versions (
    destination_key bigint NOT NULL,
    version bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    from_seq bigint NOT NULL,
    at bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- Null from the removal on.
    definition text,
    PRIMARY KEY (destination_key, version)
  );

  -- Read and changed only by those who hold the row of fold_state.
  CREATE TABLE hookswitch.routing_state (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    version bigint NOT NULL
  );
  INSERT INTO hookswitch.routing_state (version) VALUES (0);

  CREATE TABLE hookswitch.nodes (
    epoch text COLLATE "C" PRIMARY KEY,
    beat_at bigint NOT NULL
  )
  WITH (fillfactor = 30);

  -- An idle lane has no row.
  CREATE TABLE hookswitch.lanes (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    destination_key bigint NOT NULL,
    lane_key text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    due_at bigint NOT NULL,
    head_attempts integer NOT NULL,
    retrying boolean NOT NULL GENERATED ALWAYS AS (head_attempts > 0) STORED,
    -- Of the node that works on it; null while nobody does.
    epoch text COLLATE "C",
    claim bigint NOT NULL,
    -- The last position that was drawn.
    tail bigint NOT NULL,
    parked_at bigint,
    parked_reason text,
    -- In this order, so that what is asked of all lanes of a destination is never answered from here.
    UNIQUE (lane_key, destination_key)
  )
  -- Rows come, change twice and go, so that what is left of them is many times what is there.
  WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000);
  CREATE INDEX lanes_due ON hookswitch.lanes (destination_key, retrying, due_at)
    WHERE state = 'running' AND epoch IS NULL;
  CREATE INDEX lanes_claimed ON hookswitch.lanes (destination_key, retrying, epoch) WHERE epoch IS NOT NULL;
  CREATE INDEX lanes_parked ON hookswitch.lanes (destination_key, key) WHERE state = 'parked';

  CREATE TABLE hookswitch.deliveries (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    destination_key bigint NOT NULL,
    event_seq bigint NOT NULL,
    lane_key text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    replay_key bigint,
    state text COLLATE "C" NOT NULL,
    reason text,
    attempts integer NOT NULL,
    -- When it began to wait: a retry by hand begins anew.
    created_at bigint NOT NULL,
    finished_at bigint
  );
  -- The head of a lane is its first entry here, never a stored pointer.
  CREATE INDEX deliveries_pending ON hookswitch.deliveries (destination_key, lane_key, position)
    WHERE state = 'pending';
  CREATE INDEX deliveries_waiting ON hookswitch.deliveries (key, created_at) WHERE state = 'pending';
  CREATE INDEX deliveries_event ON hookswitch.deliveries (event_seq);
  CREATE INDEX deliveries_destination ON hookswitch.deliveries (destination_key, key);
  -- Most are delivered, and those are found by the keys.
  CREATE INDEX deliveries_state ON hookswitch.deliveries (state, key)
    WHERE state IN ('filtered', 'dead', 'skipped');
  CREATE INDEX deliveries_destination_state ON hookswitch.deliveries (destination_key, state, key)
    WHERE state IN ('filtered', 'dead', 'skipped');
  CREATE INDEX deliveries_finished ON hookswitch.deliveries (finished_at) WHERE finished_at IS NOT NULL;

  CREATE TABLE hookswitch.attempts (
    delivery_key bigint NOT NULL,
    number integer NOT NULL,
    started_at bigint NOT NULL,
    duration_ms bigint NOT NULL,
    verdict text COLLATE "C" NOT NULL,
    status integer,
    cause text COLLATE "C",
    message text,
    node text NOT NULL,
    request text,
    response text,
    PRIMARY KEY (delivery_key, number)
  );

  CREATE TABLE hookswitch.replays (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    destination_key bigint NOT NULL,
    filter text NOT NULL,
    total bigint NOT NULL,
    made bigint NOT NULL,
    state text COLLATE "C" NOT NULL,
    cursor_seq bigint NOT NULL,
    until_seq bigint NOT NULL,
    -- Drawn with each stretch: the running one with the lowest is next.
    turn bigint NOT NULL,
    created_at bigint NOT NULL,
    finished_at bigint
  );
  CREATE INDEX replays_running ON hookswitch.replays (turn, key) WHERE state = 'running';

  CREATE TABLE hookswitch.audit (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL,
    actor text NOT NULL,
    action text COLLATE "C" NOT NULL,
    target text NOT NULL,
    reason text,
    detail text
  );

  ${addDeliveriesFunction};
  -- A node that is older must not go on folding: it would route nothing.
  DROP FUNCTION hookswitch.fold_commit;
  ${foldCommitFunction};
  ${beatFunction};
  ${workFunctions};
  `,

  // 3: agents, and the calls that they make.
  `
  CREATE TABLE hookswitch.agents (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    version bigint NOT NULL,
    definition text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
  );

  CREATE TABLE hookswitch.started_calls (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    call_id text COLLATE "C" NOT NULL UNIQUE,
    agent_id text COLLATE "C" NOT NULL,
    conversation_id text NOT NULL,
    direction text NOT NULL,
    to_address text,
    from_address text,
    -- JSON as it was written, here and below.
    override text,
    sealed_secrets text,
    -- Counts the events that were published.
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    progress text NOT NULL,
    params text NOT NULL
  )
  -- Written with every event that is published; with room on its page no index is touched.
  WITH (fillfactor = 70);
  CREATE INDEX started_calls_created_at ON hookswitch.started_calls (created_at, key);

  -- The newest of each state, also of a destination for which many more wait: of those, the ones that were tried.
  DROP INDEX hookswitch.deliveries_destination_state;
  CREATE INDEX deliveries_destination_state ON hookswitch.deliveries (destination_key, state, key)
    WHERE state <> 'pending';
  CREATE INDEX deliveries_retried ON hookswitch.deliveries (destination_key, key)
    WHERE state = 'pending' AND attempts > 0;
  ${publishFunction};
  `,
]
