-- Baseline: what one finds when one looks for "delete old rows in batches": a
-- loop in PL/pgSQL, 1,000 rows and a commit at a time.
DO $$
DECLARE
	cutoff timestamptz := now() - interval '42 days';
BEGIN
	LOOP
		DELETE FROM session WHERE id IN (
			SELECT session.id FROM session JOIN event ON event.id = session.event_id
			WHERE event.ended_at <= cutoff
			LIMIT 1000 FOR UPDATE OF session SKIP LOCKED);
		EXIT WHEN NOT FOUND;
		COMMIT;
	END LOOP;
END
$$;
