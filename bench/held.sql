-- 100,000 sessions that have been due for longer than all others, and are held.

INSERT INTO event SELECT 10000000 + n, now() - interval '100 days' + n * interval '1 minute' FROM generate_series(1, 1000) AS n;
INSERT INTO session
SELECT 100000000 + n, 10000001 + (n - 1) / 100, now() - interval '100 days', 'held', 'rtsp://10.0.0.1:8554/live/' || n
FROM generate_series(1, 100000) AS n;

SELECT retention.suspend('session', 'peer = ''held''', 'benchmark', current_date + 30, 'nobody');
