-- Sixty days of a busy platform, up to now: about 1.2 million rows.
--
-- Everything is a hash of a row's number, so two runs differ in nothing but the
-- day that they end on. Every person, company and number in here is invented.

CREATE FUNCTION pg_temp.pick(n bigint, salt integer, choices integer) RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN (hashint8extended(n, salt) & 2147483647) % choices;

CREATE FUNCTION pg_temp.make_uuid(n bigint, salt integer) RETURNS uuid
LANGUAGE sql IMMUTABLE
RETURN pg_catalog.encode(pg_catalog.int8send(pg_catalog.hashint8extended(n, salt))
	|| pg_catalog.int8send(pg_catalog.hashint8extended(n, salt + 1000)), 'hex')::uuid;

-- abcd-efgh
CREATE FUNCTION pg_temp.make_code(n bigint, salt integer) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN pg_catalog.overlay(pg_catalog.translate(
	pg_catalog.lpad(pg_catalog.to_hex((n + salt) * 2654435761 % 4294967291), 8, '0'),
	'0123456789', 'ghjkmnpqrs'), '-', 5, 0);

CREATE FUNCTION pg_temp.make_ip(n bigint, salt integer, prefix text) RETURNS inet
LANGUAGE sql IMMUTABLE
RETURN (prefix || pg_temp.pick(n, salt, 200) || '.' || 1 + pg_temp.pick(n, salt + 1, 250))::inet;

-- The words.

CREATE TEMP TABLE words AS SELECT
	string_to_array('Anna Ben Carla David Elena Felix Greta Hugo Ines Jan Katja Luca Maria Nils Olga Paul Rosa Simon Tilda Viktor '
		'Aylin Bruno Chiara Dario Emre Fatima Gustav Hana Ivan Julie Kerem Lena Marek Nadia Oscar Petra Raul Sofia Tomas Yara', ' ') AS first,
	string_to_array('Albrecht Bianchi Costa Dvorak Eriksen Fischer Garcia Hansen Ivanova Jansen Keller Lindberg Moreau Novak Olsen Petrov '
		'Quint Rossi Schmidt Toth Ulrich Vogel Weber Yilmaz Zimmer Adler Berger Conti Dubois Engel Fontaine Greco Horvat Jung Kowalski Larsen '
		'Meyer Nagy Oliveira Popescu Richter Sanchez Tanaka Urban Varga Wolf Ziegler Bauer Cohen Diaz', ' ') AS last,
	string_to_array('Quarterly review,Works council,Annual general meeting,Product launch,Onboarding,Board meeting,Press briefing,'
		'Sales kick-off,Safety training,Town hall,Investor call,Research seminar', ',') AS title,
	string_to_array('Welcome,Figures,Questions,Outlook,Discussion,Workshop,Vote,Closing', ',') AS topic,
	string_to_array('Alpenblick Holz,Brightwater Labs,Casa Verde,Delta Freight,Emil Kraft Maschinen,Fjordline Foods,Granite Insurance,'
		'Helvig Pharma,Iris Optics,Juno Media', ',') AS company,
	'{DE,FR,NL,AT,IT,ES,DK,PL}'::text[] AS country,
	'{de,fr,nl,de,it,es,da,pl}'::text[] AS language,
	'{+49 1555 55,+33 6 39 98 ,+31 6 5550 ,+43 680 555,+39 320 555,+34 600 555,+45 20 55 ,+48 500 555}'::text[] AS phone,
	string_to_array('Windows 11,macOS 14,Ubuntu 22.04,Android 14,iOS 17', ',') AS os,
	string_to_array('Firefox 128,Chrome 126,Safari 17,Edge 126', ',') AS browser,
	string_to_array('Northcam C20,Northcam C40,Lumen Pro,Built-in,Visio 4K', ',') AS camera,
	string_to_array('Clearvoice 2,Built-in,Studio One,Headset H7', ',') AS microphone,
	string_to_array('ThinkBook 14,Latitude 5440,MacBook Air,Pixel 8,iPhone 15,Galaxy Tab S9', ',') AS model,
	'{opus,h264,vp8,vp9,av1}'::text[] AS codec;

-- Customers, contracts, accounts: 40, 50 (ten of them ended), 2,000.

INSERT INTO customer
SELECT n, words.company[1 + n % 10] || ' ' || (ARRAY['AG', 'SA', 'BV', 'SpA'])[1 + n / 10 % 4],
	words.country[1 + n % 8]
FROM generate_series(1, 40) AS n, words;

INSERT INTO contract
SELECT n, 1 + n % 40, (ARRAY['team', 'business', 'enterprise'])[1 + pg_temp.pick(n, 1, 3)],
	now() - interval '2 years' + pg_temp.pick(n, 2, 600) * interval '1 day',
	-- the last ten have ended: one every five days, the latest a few hours ago
	CASE WHEN n > 40 THEN now() - (50 - n) * interval '5 days' - interval '3 hours' END
FROM generate_series(1, 50) AS n;

INSERT INTO account
SELECT pg_temp.make_uuid(n, 10), contract.id,
	lower(words.first[1 + pg_temp.pick(n, 11, 40)] || '.' || words.last[1 + pg_temp.pick(n, 12, 50)])
		|| n || '@' || lower(translate(customer.company, ' ', '-')) || '.example',
	CASE WHEN n <= 50 THEN 'owner' WHEN n % 5 = 0 THEN 'organiser' ELSE 'member' END,
	contract.started_at + pg_temp.pick(n, 13, 60) * interval '1 day'
FROM generate_series(1, 2000) AS n
JOIN contract ON contract.id = 1 + (n - 1) % 50
JOIN customer ON customer.id = contract.customer_id, words;

-- Events: 50 a day, from 60 days ago to 4 days ahead. A contract that has ended
-- holds no further event: one that runs on takes it.

INSERT INTO event
SELECT n, contract_id,
	pg_temp.make_uuid(contract_id + 50 * pg_temp.pick(n, 20, 40), 10),
	pg_temp.make_code(n, 0),
	words.title[1 + pg_temp.pick(n, 21, 12)] || ' ' || words.last[1 + pg_temp.pick(n, 22, 50)],
	CASE WHEN ends <= now() THEN 'ended' WHEN starts <= now() THEN 'running' ELSE 'planned' END,
	starts,
	CASE WHEN starts <= now() THEN starts + pg_temp.pick(n, 23, 300) * interval '1 second' END,
	CASE WHEN ends <= now() THEN ends END
FROM (
	SELECT n, starts, starts + (1800 + pg_temp.pick(n, 24, 7200)) * interval '1 second' AS ends,
		CASE WHEN contract.ended_at <= starts + interval '4 hours' THEN 1 + n % 40 ELSE contract.id END AS contract_id
	FROM (
		SELECT n, now() - interval '60 days' + (n - 1) * interval '1728 seconds' AS starts
		FROM generate_series(1, 3200) AS n
	) AS slot
	JOIN contract ON contract.id = 1 + pg_temp.pick(n, 25, 50)
) AS planned, words;

-- Twelve were postponed after a rehearsal, and one is said to be running since
-- 45 days ago: nobody pressed "End".

UPDATE event SET state = 'postponed', planned_at = now() + (5 + id % 20) * interval '1 day', ended_at = NULL
WHERE id IN (150, 490, 777, 1111, 1300, 1555, 1801, 2010, 2222, 2450, 2700, 2850);

UPDATE event SET state = 'running', ended_at = NULL WHERE id = 750;

INSERT INTO topic
SELECT (event.id - 1) * 4 + k, event.id, k, pg_temp.make_code(event.id * 4 + k, 1000000),
	words.topic[1 + pg_temp.pick(event.id * 4 + k, 30, 8)]
FROM event, generate_series(1, 4) AS k, words;

INSERT INTO stream
SELECT pg_temp.make_uuid(topic.id * 2 + k, 40), topic.id,
	(ARRAY['camera', 'screen', 'interpreter'])[1 + pg_temp.pick(topic.id * 2 + k, 41, 3)],
	'stream-' || topic.code || '-' || k,
	event.started_at + (topic.position - 1) * interval '15 minutes'
FROM topic
JOIN event ON event.id = topic.event_id AND event.started_at IS NOT NULL, generate_series(1, 2) AS k
WHERE k = 1 OR topic.id % 2 = 0;

-- Participants: 10 to 95 an event, 6 at a rehearsal.

INSERT INTO participant
SELECT pg_temp.make_uuid(n, 50), event_id,
	words.first[1 + pg_temp.pick(n, 51, 40)], words.last[1 + pg_temp.pick(n, 52, 50)],
	CASE WHEN n % 7 > 0 THEN words.phone[1 + pg_temp.pick(n, 53, 8)] || lpad(pg_temp.pick(n, 54, 10000)::text, 4, '0') END,
	lower(words.first[1 + pg_temp.pick(n, 51, 40)] || '.' || words.last[1 + pg_temp.pick(n, 52, 50)])
		|| pg_temp.pick(n, 55, 1000) || '@mail.example',
	words.language[1 + pg_temp.pick(n, 53, 8)]
FROM (
	SELECT event.id AS event_id, event.id::bigint * 100 + k AS n
	FROM event, LATERAL generate_series(1, CASE WHEN event.state = 'postponed' THEN 6
		ELSE 10 + pg_temp.pick(event.id, 56, 86) END) AS k
	WHERE event.started_at IS NOT NULL
) AS joined, words;

-- What a participant leaves behind: 1 to 3 sessions (people reconnect), one
-- device, one line of attendance.

CREATE TEMP TABLE visit AS
SELECT row_number() OVER (ORDER BY event.id) AS n, event.id AS event_id, participant.id AS participant_id,
	event.started_at + pg_temp.pick(hashtext(participant.email), 60, 1200) * interval '1 second' AS joined_at,
	coalesce(event.ended_at, least(event.started_at + interval '1 hour', now())) AS left_at
FROM participant JOIN event ON event.id = participant.event_id;

INSERT INTO session
SELECT pg_temp.make_uuid(n * 4 + k, 70), event_id, participant_id,
	(hashint8extended(n * 4 + k, 71) & 4294967295),
	'rtsp://10.' || pg_temp.pick(n, 72, 200) || '.' || pg_temp.pick(n, 73, 250) || '.'
		|| 1 + pg_temp.pick(n, 74, 250) || ':8554/live/' || to_hex(n * 4 + k),
	joined_at + (k - 1) * interval '7 minutes', left_at
FROM visit, LATERAL generate_series(1, 1 + (pg_temp.pick(n, 75, 5) + 2) / 3) AS k;

INSERT INTO device
SELECT n, pg_temp.make_uuid(n * 4 + 1, 70), participant_id, words.model[1 + pg_temp.pick(n, 80, 6)],
	pg_temp.make_ip(n, 81, '192.168.'),
	jsonb_build_object('camera', words.camera[1 + pg_temp.pick(n, 82, 5)],
		'microphone', words.microphone[1 + pg_temp.pick(n, 83, 4)],
		'serial', 'SN-' || upper(to_hex(hashint8extended(n, 84) & 1099511627775)),
		'mac', '02:00:5e' || regexp_replace(to_hex(1048576 + n), '(..)', ':\1', 'g')),
	(extract(epoch FROM joined_at) * 1000)::bigint
FROM visit, words;

INSERT INTO attendance
SELECT event_id, participant_id, pg_temp.make_ip(n, 90, '198.18.'),
	jsonb_build_object('os', words.os[1 + pg_temp.pick(n, 91, 5)],
		'browser', words.browser[1 + pg_temp.pick(n, 92, 4)],
		'fingerprint', to_hex(hashint8extended(n, 93)),
		'screen', (ARRAY['1920x1080', '2560x1440', '1440x900'])[1 + pg_temp.pick(n, 94, 3)]),
	joined_at, 5 + pg_temp.pick(n, 95, 120)
FROM visit, words;

-- Quality samples: a partition a day, two or three samples a visit.

SELECT format('CREATE TABLE quality_sample_%s PARTITION OF quality_sample FOR VALUES FROM (%L) TO (%L)',
	to_char(day, 'YYYYMMDD'), day, day + interval '1 day')
FROM generate_series(date_trunc('day', now() - interval '61 days'), now() + interval '5 days', '1 day') AS day
\gexec

INSERT INTO quality_sample
SELECT joined_at + k * interval '95 seconds', pg_temp.make_uuid(n * 4 + 1, 70),
	pg_temp.make_ip(n, 90, '198.18.'), words.codec[1 + pg_temp.pick(n * 4 + k, 101, 5)],
	12 + pg_temp.pick(n * 4 + k, 102, 180), pg_temp.pick(n * 4 + k, 103, 40) / 1000.0
FROM visit, LATERAL generate_series(1, 2 + (n % 2)::integer) AS k, words;

-- Invoices for paid events: 5,000, all but five of them paid. A paid one no
-- longer says who paid it.

INSERT INTO invoice
SELECT number, event_id, CASE WHEN number % 1000 = 250 THEN participant_id END,
	10 + pg_temp.pick(number, 110, 90), left_at,
	CASE WHEN number % 1000 <> 250 THEN left_at + pg_temp.pick(number, 111, 3) * interval '1 day' END
FROM generate_series(1, 5000) AS number
JOIN visit ON visit.n = number * (SELECT count(*) / 5000 FROM visit);
