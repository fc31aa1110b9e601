-- The platform's own schema, as its developers wrote it: nothing in here knows
-- about retention. Companies have contracts; a contract's accounts hold events;
-- an event has topics, streams and participants; a participant opens sessions
-- from devices, which send quality samples.
--
-- Indexes other than keys and all foreign keys are in indexes.sql: they are
-- made after the load, because that is quicker.

CREATE TABLE customer (
	id			integer PRIMARY KEY,
	company		text NOT NULL,
	country		char(2) NOT NULL
);

CREATE TABLE contract (
	id			integer PRIMARY KEY,
	customer_id	integer NOT NULL,
	plan		text NOT NULL,
	started_at	timestamptz NOT NULL,
	ended_at	timestamptz				-- NULL: runs on
);

CREATE TABLE account (
	id			uuid PRIMARY KEY,
	contract_id	integer NOT NULL,
	email		text NOT NULL,
	role		text NOT NULL,
	created_at	timestamptz NOT NULL
);

CREATE TABLE event (
	id			integer PRIMARY KEY,
	contract_id	integer NOT NULL,
	organiser_id uuid,					-- the account that made it
	code		text NOT NULL UNIQUE,	-- stands in links: /join/abcd-efgh
	title		text,
	state		text NOT NULL,			-- planned, running, ended, postponed
	planned_at	timestamptz NOT NULL,
	started_at	timestamptz,
	ended_at	timestamptz				-- NULL: planned, running or postponed
);

CREATE TABLE topic (
	id			integer PRIMARY KEY,
	event_id	integer NOT NULL,
	position	integer NOT NULL,
	code		text NOT NULL,
	title		text NOT NULL
);

CREATE TABLE stream (
	id			uuid PRIMARY KEY,
	topic_id	integer NOT NULL,
	kind		text NOT NULL,			-- camera, screen, interpreter
	name		text NOT NULL,
	opened_at	timestamptz NOT NULL
);

CREATE TABLE participant (
	id			uuid PRIMARY KEY,		-- the participant's unique ID
	event_id	integer NOT NULL,
	first_name	text NOT NULL,
	last_name	text NOT NULL,
	phone		text,
	email		text NOT NULL,
	language	char(2) NOT NULL
);

CREATE TABLE session (
	id			uuid PRIMARY KEY,		-- the session ID
	event_id	integer NOT NULL,
	participant_id uuid NOT NULL,
	rtp_session_id bigint NOT NULL,
	rtsp_url	text NOT NULL,			-- with an IP address of the local network
	opened_at	timestamptz NOT NULL,
	closed_at	timestamptz
);

-- Written by a client library that knows milliseconds since 1970 only.
CREATE TABLE device (
	id			bigint PRIMARY KEY,
	session_id	uuid NOT NULL,
	participant_id uuid NOT NULL,
	model		text NOT NULL,
	local_ip	inet NOT NULL,
	hardware	jsonb NOT NULL,			-- camera, microphone, serial number, MAC
	reported_ms	bigint NOT NULL
);

-- Telemetry: a partition a day.
CREATE TABLE quality_sample (
	sampled_at	timestamptz NOT NULL,
	session_id	uuid NOT NULL,			-- no foreign key, as telemetry goes
	remote_ip	inet NOT NULL,
	codec		text NOT NULL,
	rtt_ms		smallint NOT NULL,
	loss		real NOT NULL
) PARTITION BY RANGE (sampled_at);

-- Who was there, for the statistics that a customer gets each month.
CREATE TABLE attendance (
	event_id	integer NOT NULL,
	participant_id uuid NOT NULL,		-- no foreign key: outlives the participant
	client_ip	inet NOT NULL,
	client		jsonb NOT NULL,
	joined_at	timestamptz NOT NULL,
	minutes		smallint NOT NULL,
	PRIMARY KEY (event_id, participant_id)
) WITH (fillfactor = 85);

CREATE TABLE invoice (
	id			integer PRIMARY KEY,
	event_id	integer NOT NULL,		-- no foreign key: outlives the event
	participant_id uuid,				-- who owes it; emptied when it is paid
	amount		numeric(10,2) NOT NULL,
	issued_at	timestamptz NOT NULL,
	paid_at		timestamptz
);
