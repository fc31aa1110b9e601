-- What users' transactions have made due behind a pass's back.

CREATE TABLE retention.late_write (
    relid oid NOT NULL,
    clock timestamptz NOT NULL
);
REVOKE ALL ON retention.late_write FROM PUBLIC;
COMMENT ON TABLE retention.late_write IS
    'which tables have got rows that were due when they were written, and from which starting point on; the next pass looks there again and removes the entry. Not dumped: a restored copy begins anew';
