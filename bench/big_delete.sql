-- Baseline: everything in one statement and one transaction. Fast, and it holds
-- its locks and its snapshot for as long as it takes.
DELETE FROM session USING event
WHERE event.id = session.event_id AND event.ended_at <= now() - interval '42 days';
