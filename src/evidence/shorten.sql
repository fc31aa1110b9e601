-- The ledger's own period: which entries were shortened.

CREATE INDEX ledger_shorten ON retention.ledger (seq) WHERE event = 'shorten' AND seq IS NOT NULL;
COMMENT ON INDEX retention.ledger_shorten IS 'The last shortening of the ledger';
