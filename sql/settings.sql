-- The settings: what they are, what they refuse, and whose they are.
LOAD 'privacy_retention';
\pset format unaligned
SELECT name, vartype, unit, context, boot_val, min_val, max_val
FROM pg_settings WHERE name LIKE 'privacy\_retention.%' ORDER BY name;
\pset format aligned
-- none without an explanation, and it ends as sentences do
SELECT name FROM pg_settings
WHERE name LIKE 'privacy\_retention.%' AND (short_desc !~ '^[A-Z].*\.$' OR extra_desc !~ '^[A-Z].*\.$');

-- A misspelt setting is not taken for a new one.
SET privacy_retention.enable = off;

-- Time zones are the server's.
SET privacy_retention.timezone = 'Europe/Berlin';
SET privacy_retention.timezone = 'Europe/Berlim';
SET privacy_retention.timezone = '';
RESET privacy_retention.timezone;

-- The earliest date means the same whatever the session's DateStyle is.
SET privacy_retention.earliest = '1999-12-31';
SET privacy_retention.earliest = '2000-02-29 23:59:59';
SET privacy_retention.earliest = '2000-02-29T23:59';
SHOW privacy_retention.earliest;
SET privacy_retention.earliest = '1900-02-29';
SET privacy_retention.earliest = '2000-13-01';
SET privacy_retention.earliest = '31.12.1999';
SET privacy_retention.earliest = 'now';
SET privacy_retention.earliest = '2000-01-01 24:00';
SET privacy_retention.earliest = '2000-01-01 12';
SET privacy_retention.earliest = '2000-01-01 12:00:00 ';
SET privacy_retention.earliest = '2000-1-1';
SET privacy_retention.earliest = '-001-01-01';
SET privacy_retention.earliest = '';
SHOW privacy_retention.earliest;
RESET privacy_retention.earliest;

-- Numbers have bounds and units.
SET privacy_retention.batch_rows = 0;
SET privacy_retention.batch_rows = 100001;
SET privacy_retention.duty_cycle = 101;
SET privacy_retention.largest_share = 0;
SET privacy_retention.promised_lateness = '1d';
SHOW privacy_retention.promised_lateness;
RESET privacy_retention.promised_lateness;

-- Words are those of a list.
SET privacy_retention.unlabelled = 'error';
SET privacy_retention.unlabelled = 'on';
RESET privacy_retention.unlabelled;

-- The window: times of day, in privacy_retention.timezone.
SET privacy_retention.time_window = '22:00-06:00';
SET privacy_retention.time_window = ' 00:00 - 24:00,12:30-13:00 ';
SET privacy_retention.time_window = '';
SET privacy_retention.time_window = 'at night';
SET privacy_retention.time_window = '22:00';
SET privacy_retention.time_window = '22-6';
SET privacy_retention.time_window = '22:00-06:60';
SET privacy_retention.time_window = '22:00-24:01';
SET privacy_retention.time_window = '24:00-06:00';
SET privacy_retention.time_window = '22:00-22:00';
SET privacy_retention.time_window = '22:00-23:00,';
SET privacy_retention.time_window = '22:00-23:00 01:00-02:00';
SET privacy_retention.time_window = '1:00-2:00';
SHOW privacy_retention.time_window;
RESET privacy_retention.time_window;

-- A role's name is short enough to be one.
SELECT set_config('privacy_retention.officer_role', repeat('x', 63), false) = repeat('x', 63) AS taken;
\set VERBOSITY terse
SELECT set_config('privacy_retention.officer_role', repeat('x', 64), false);
\set VERBOSITY default
RESET privacy_retention.officer_role;

-- Keys lie at an absolute path, not where base backups take them along.
SET privacy_retention.key_directory = '/etc/keys';
ALTER SYSTEM SET privacy_retention.key_directory = 'keys';
SELECT current_setting('data_directory') || '/keys' AS inside,
	current_setting('data_directory') || '/../' || regexp_replace(current_setting('data_directory'), '.*/', '') AS around \gset
\set VERBOSITY sqlstate
ALTER SYSTEM SET privacy_retention.key_directory = :'inside';
ALTER SYSTEM SET privacy_retention.key_directory = :'around';
\set VERBOSITY default

-- Nobody but a superuser changes one, or sees where the keys are.
CREATE ROLE settings_nobody;
SET ROLE settings_nobody;
SELECT name, set_config(name, setting, false) FROM pg_settings WHERE name = 'privacy_retention.enabled';
SET privacy_retention.timezone = 'UTC';
SET privacy_retention.drop_partitions = on;
SET privacy_retention.naptime = 1;
\set VERBOSITY sqlstate
SHOW privacy_retention.key_directory;
\set VERBOSITY default
SHOW privacy_retention.enabled;
RESET ROLE;
SELECT name, context FROM pg_settings
WHERE name LIKE 'privacy\_retention.%' AND context IN ('user', 'backend');
DROP ROLE settings_nobody;
