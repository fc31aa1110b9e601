-- Runs :script and prints: wall seconds, CPU seconds of this backend, WAL bytes,
-- rows deleted. Needs /proc.
SELECT pg_backend_pid() AS pid, count(*) AS rows FROM session \gset
\setenv BACKEND :pid
\set cpu_before `awk '{ print $14 + $15 }' /proc/$BACKEND/stat`
SELECT extract(epoch FROM clock_timestamp()) AS started, pg_current_wal_insert_lsn() AS wal \gset
\i :script
SELECT extract(epoch FROM clock_timestamp()) AS ended, pg_current_wal_insert_lsn() AS wal_ended \gset
\set cpu_after `awk '{ print $14 + $15 }' /proc/$BACKEND/stat`
\set ticks `getconf CLK_TCK`
SELECT concat_ws(' ', round(:ended - :started, 4), round((:cpu_after - :cpu_before)::numeric / :ticks, 4),
	pg_wal_lsn_diff(:'wal_ended', :'wal'), :rows - count(*)) FROM session;
