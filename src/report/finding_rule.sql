-- Findings about rules: what status says, and what the table's owner may not.

CREATE VIEW retention.finding_rule AS
    WITH status AS MATERIALIZED (
        SELECT s.*, s.relation::text || coalesce('.' || pg_catalog.quote_ident(s.column_name), '') AS object FROM retention.status s
    )
    -- rules of a table that have the same to say are one finding, about the table
    SELECT CASE WHEN s.state IN ('invalid', 'blocked', 'late') THEN 'error'
                WHEN s.state = 'waiting' AND s.reason !~ 'subscription' THEN 'error'
                WHEN s.state IN ('waiting', 'paused') THEN 'warning'
                ELSE 'info' END AS severity,
           CASE WHEN pg_catalog.count(*) = 1 THEN pg_catalog.min(s.object) ELSE s.relation::text END AS object,
           s.state || coalesce(': ' || s.reason, '') AS finding,
           coalesce(s.remedy, 'retention.status has more.') AS hint
      FROM status s
     WHERE s.state <> 'ok'
     GROUP BY s.relation, s.state, s.reason, s.remedy
    UNION ALL
    SELECT 'warning', s.object,
           pg_catalog.format('%s rows lead to no clock any more and are never due', s.orphaned),
           'Give the label an alternative, as in "from event_id -> ended_at or created_at", and remove or mend the rows.'
      FROM status s WHERE s.orphaned > 0
    UNION ALL
    SELECT 'warning', s.object,
           pg_catalog.format('%s rows have a clock before privacy_retention.earliest (%s) and are never due', s.implausible,
                             pg_catalog.current_setting('privacy_retention.earliest')),
           'Set the clock of these rows right; a default such as epoch 0 should be NULL.'
      FROM status s WHERE s.implausible > 0;
REVOKE ALL ON retention.finding_rule FROM PUBLIC;
COMMENT ON VIEW retention.finding_rule IS 'internal: findings of retention.check() about rules';
COMMENT ON COLUMN retention.finding_rule.severity IS 'error, warning or info';
COMMENT ON COLUMN retention.finding_rule.object IS 'the table or column';
COMMENT ON COLUMN retention.finding_rule.finding IS 'what is wrong';
COMMENT ON COLUMN retention.finding_rule.hint IS 'what helps';

CREATE VIEW retention.finding_category AS
    WITH used AS MATERIALIZED (SELECT DISTINCT r.category FROM retention.rule r)
    SELECT 'warning' AS severity, pg_catalog.format('data category "%s"', c.name) AS object,
           pg_catalog.format('the notice is incomplete, it has no %s', pg_catalog.array_to_string(pg_catalog.array_remove(ARRAY[
               CASE WHEN c.starting_point IS NULL THEN 'starting point' END,
               CASE WHEN c.legal_basis IS NULL THEN 'legal basis' END,
               CASE WHEN c.purpose IS NULL THEN 'purpose' END], NULL), ', ')) AS finding,
           pg_catalog.format('SELECT retention.set_category(%L%s%s%s)', c.name,
               CASE WHEN c.starting_point IS NULL THEN ', starting_point => ''...''' ELSE '' END,
               CASE WHEN c.legal_basis IS NULL THEN ', legal_basis => ''...''' ELSE '' END,
               CASE WHEN c.purpose IS NULL THEN ', purpose => ''...''' ELSE '' END) AS hint
      FROM retention.data_category c JOIN used ON used.category = c.name
     WHERE c.starting_point IS NULL OR c.legal_basis IS NULL OR c.purpose IS NULL
    UNION ALL
    SELECT 'info', pg_catalog.format('data category "%s"', c.name), 'no label names it',
           pg_catalog.format('Label what it is about, or SELECT retention.drop_category(%L)', c.name)
      FROM retention.data_category c
     WHERE NOT EXISTS (SELECT FROM used WHERE used.category = c.name);
REVOKE ALL ON retention.finding_category FROM PUBLIC;
COMMENT ON VIEW retention.finding_category IS 'internal: findings of retention.check() about data categories';
COMMENT ON COLUMN retention.finding_category.severity IS 'error, warning or info';
COMMENT ON COLUMN retention.finding_category.object IS 'the data category';
COMMENT ON COLUMN retention.finding_category.finding IS 'what is wrong';
COMMENT ON COLUMN retention.finding_category.hint IS 'what helps';

CREATE VIEW retention.finding_suspension AS
    SELECT 'warning' AS severity, pg_catalog.format('suspension %s of %s', s.id, s.relation) AS object,
           pg_catalog.format('its review was due on %s', s.review_on) AS finding,
           pg_catalog.format('SELECT retention.lift_suspension(%s, ''...''), or suspend anew with a later date and lift this one', s.id) AS hint
      FROM retention.suspension s WHERE s.review_due
    UNION ALL
    SELECT 'error', pg_catalog.format('suspension %s of %s', s.id, s.relation), s.problem,
           'Suspend anew with a condition that can be asked, then lift this one.'
      FROM retention.suspension s WHERE s.in_force AND s.problem IS NOT NULL;
REVOKE ALL ON retention.finding_suspension FROM PUBLIC;
COMMENT ON VIEW retention.finding_suspension IS 'internal: findings of retention.check() about suspensions';
COMMENT ON COLUMN retention.finding_suspension.severity IS 'error, warning or info';
COMMENT ON COLUMN retention.finding_suspension.object IS 'the suspension';
COMMENT ON COLUMN retention.finding_suspension.finding IS 'what is wrong';
COMMENT ON COLUMN retention.finding_suspension.hint IS 'what helps';
