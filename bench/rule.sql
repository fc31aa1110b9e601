-- The same promise as the baselines keep, as a rule.

CREATE EXTENSION privacy_retention;

SELECT retention.set_category(name => 'session identifiers', period => interval '42 days', starting_point => 'the event',
	legal_basis => 'GDPR Art. 6(1)(f)', purpose => 'benchmark', data_subjects => 'nobody', source => 'generate_series');

SECURITY LABEL FOR privacy_retention ON TABLE event IS 'no personal data';
SECURITY LABEL FOR privacy_retention ON TABLE session IS
	'session identifiers, from event_id -> ended_at, then delete';
