-- Foreign keys, and the indexes on their referencing side.

ALTER TABLE contract ADD FOREIGN KEY (customer_id) REFERENCES customer;
ALTER TABLE account ADD FOREIGN KEY (contract_id) REFERENCES contract;
ALTER TABLE event ADD FOREIGN KEY (contract_id) REFERENCES contract,
	ADD FOREIGN KEY (organiser_id) REFERENCES account ON DELETE SET NULL;
ALTER TABLE topic ADD FOREIGN KEY (event_id) REFERENCES event;
ALTER TABLE stream ADD FOREIGN KEY (topic_id) REFERENCES topic ON DELETE CASCADE;
ALTER TABLE participant ADD FOREIGN KEY (event_id) REFERENCES event;
ALTER TABLE session ADD FOREIGN KEY (event_id) REFERENCES event,
	ADD FOREIGN KEY (participant_id) REFERENCES participant ON DELETE CASCADE;
ALTER TABLE device ADD FOREIGN KEY (session_id) REFERENCES session ON DELETE CASCADE;
ALTER TABLE attendance ADD FOREIGN KEY (event_id) REFERENCES event;
-- Money that is owed keeps its debtor: no cascade here.
ALTER TABLE invoice ADD FOREIGN KEY (participant_id) REFERENCES participant;

CREATE INDEX ON contract (ended_at);
CREATE INDEX ON account (contract_id);
CREATE INDEX ON event (ended_at);
CREATE INDEX ON event (contract_id);
CREATE INDEX ON event (organiser_id);
CREATE INDEX ON topic (event_id);
CREATE INDEX ON stream (topic_id);
CREATE INDEX ON participant (event_id);
CREATE INDEX ON session (event_id);
CREATE INDEX ON session (participant_id);
CREATE INDEX ON device (session_id);
CREATE INDEX ON device (to_timestamp(reported_ms / 1000.0));
CREATE INDEX ON quality_sample USING brin (sampled_at);
CREATE INDEX ON invoice (participant_id);
CREATE INDEX ON invoice (paid_at);
CREATE INDEX ON invoice (issued_at);
