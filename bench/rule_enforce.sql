-- The rule: finding, deleting, a ledger entry and a commit for each batch.
CALL retention.enforce('session');
