-- The privacy notice, and where each of its lines lies in the schema.

-- 1. The notice: one call a line.
--
-- "Till the end of the contract" becomes one day: a period is the longest time
-- that may pass, the time that deletion itself takes included, so it cannot be
-- nothing. Billing data are kept by another law and stand in the notice too.

SELECT retention.set_category(name => name, period => period::interval, starting_point => starting_point,
	legal_basis => legal_basis, purpose => purpose, data_subjects => data_subjects, source => source)
FROM (VALUES
	('account data', '1 day', 'end of the contract', 'GDPR Art. 6(1)(b)',
		'account ID and e-mail: to let customers sign in', 'customers'' staff', 'the customer'),
	('technical information', '1 week', 'the event', 'GDPR Art. 6(1)(f)',
		'technical information on equipment: to find faults', 'participants', 'the participant''s device'),
	('contact data', '1 week', 'the event', 'GDPR Art. 6(1)(f)',
		'names, phones, e-mails: to know who takes part', 'participants', 'the participant'),
	('session identifiers', '1 week', 'the event', 'GDPR Art. 6(1)(f)',
		'session, stream, topic and event identifiers: to connect and to find faults', 'participants', 'the platform'),
	('usage statistics', '30 days', 'the event', 'GDPR Art. 6(1)(f)',
		'pseudonymised attendance: monthly figures for customers', 'participants', 'the platform'),
	('billing data', '10 years', 'the invoice', 'GDPR Art. 6(1)(c)',
		'invoices: tax law', 'participants', 'the platform')
) AS notice (name, period, starting_point, legal_basis, purpose, data_subjects, source);

-- 2. The metadata. A table's label says when its rows go; a column's label what
-- becomes of that column earlier. From here on the owner of the tables speaks.

SET ROLE platform;

-- Companies, not people.
SECURITY LABEL FOR privacy_retention ON TABLE customer IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON TABLE contract IS 'no personal data';

SECURITY LABEL FOR privacy_retention ON TABLE account IS
	'account data, from contract_id -> ended_at, then delete';

-- The event itself stays for the statistics, without what identifies it. Its
-- link code is a key: it becomes a token, still unique. The "from" that stands by
-- itself is the clock of every stage of the table that names none.
SECURITY LABEL FOR privacy_retention ON TABLE event IS
	'from ended_at; usage statistics, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN event.code IS 'session identifiers, then pseudonymise';
SECURITY LABEL FOR privacy_retention ON COLUMN event.title IS 'session identifiers, then set null';
SECURITY LABEL FOR privacy_retention ON COLUMN event.organiser_id IS
	'account data, from contract_id -> ended_at, then set null';

SECURITY LABEL FOR privacy_retention ON TABLE topic IS
	'session identifiers, from event_id -> ended_at, then delete';
-- Two foreign keys away.
SECURITY LABEL FOR privacy_retention ON TABLE stream IS
	'session identifiers, from topic_id -> event_id -> ended_at, then delete';

SECURITY LABEL FOR privacy_retention ON TABLE participant IS
	'contact data, from event_id -> ended_at, then delete';

SECURITY LABEL FOR privacy_retention ON TABLE session IS
	'session identifiers, from event_id -> ended_at, then delete; subject participant_id';
SECURITY LABEL FOR privacy_retention ON COLUMN session.rtsp_url IS 'technical information';

-- Milliseconds since 1970.
SECURITY LABEL FOR privacy_retention ON TABLE device IS
	'technical information, from (to_timestamp(reported_ms / 1000.0)), then delete';

-- The root's label counts for every partition, also those of tomorrow.
SECURITY LABEL FOR privacy_retention ON TABLE quality_sample IS
	'technical information, from sampled_at, then delete';

-- Statistics live three weeks longer than what they are made from, with less in
-- them: the participant's ID (part of the primary key) becomes a token, the
-- address a network, the time an hour; of the client two keys stay.
SECURITY LABEL FOR privacy_retention ON TABLE attendance IS
	'from event_id -> ended_at; usage statistics, then delete';
SELECT retention.label('attendance', 'contact data, then pseudonymise', '{participant_id}');
SELECT retention.label('attendance', 'technical information, then truncate to 24/48', '{client_ip}');
SELECT retention.label('attendance', 'technical information, then keep os, browser', '{client}');
SELECT retention.label('attendance', 'session identifiers, then round to hour', '{joined_at}');

-- Who paid is unlinked a week after the payment; who still owes is not.
SECURITY LABEL FOR privacy_retention ON TABLE invoice IS
	'billing data, from issued_at, then delete';
SECURITY LABEL FOR privacy_retention ON COLUMN invoice.participant_id IS
	'contact data, from paid_at, then set null';

RESET ROLE;
