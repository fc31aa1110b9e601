/*
 * rule.c
 *		Rules: labels and categories, compiled for one table.
 *
 * Invariant: each stage of each label is exactly one rule; where it cannot hold
 * it says why instead of being left out.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/rel.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/compat.h"
#include "base/identity.h"
#include "base/settings.h"
#include "policy/action.h"
#include "policy/category.h"
#include "policy/expression.h"
#include "policy/reference.h"
#include "policy/rule.h"
#include "policy/trust.h"
#include "pseudonym/token.h"

/* What the stages of one label have in common. */
typedef struct Source
{
	Oid			relid;
	AttrNumber	attnum;
	RetentionLabel *label;		/* that has the stages */
	RetentionLabel *table;		/* the table's; NULL = none, or unreadable */
	List	   *row_rules;		/* compiled before the columns' */
} Source;

typedef struct StageWork
{
	const Source *source;
	const RetentionStage *stage;
	RetentionRule *rule;
	bool		label_alone;	/* judge: only what is wrong in the label
								 * itself */
} StageWork;

static void
mark_invalid(RetentionRule *rule, const char *problem, const char *hint)
{
	if (!rule->valid)
		return;
	rule->valid = false;
	rule->problem = pstrdup(problem);
	rule->hint = hint ? pstrdup(hint) : NULL;
}

List *
retention_rule_paths(const RetentionRule *rule)
{
	return rule->own_period == NULL ? rule->clocks :
		lappend(list_copy(rule->clocks), rule->own_period);
}

/* Looks up all names of a stage. ERROR, with a position, for the first wrong one. */
static void
resolve_stage(void *arg)
{
	StageWork  *work = (StageWork *) arg;
	const Source *source = work->source;
	const RetentionStage *stage = work->stage;
	RetentionRule *rule = work->rule;
	RetentionCategory *category = retention_category_find(stage->category);
	const RetentionStart *start = stage->start;
	const RetentionLabel *start_label = source->label;

	if (category == NULL)
	{
		char	   *nearest = retention_category_nearest(stage->category);

		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("data category \"%s\" does not exist", stage->category),
				 nearest ? errhint("Perhaps you meant \"%s\".", nearest) :
				 errhint("Create it with retention.set_category() first."),
				 retention_label_errposition(source->label, stage->category_location)));
	}
	rule->period = category->period;
	rule->nformer = category->nformer;
	rule->former = category->former;

	if (stage->action == NULL)
		return;					/* goes with the row: the row has the clock */

	if (start == NULL && source->table != NULL)
	{
		start = source->table->from;
		start_label = source->table;
	}
	if (start != NULL)
	{
		rule->start_text = retention_label_start_text(start);
		rule->clocks = retention_start_resolve(start_label, start, source->relid);
	}
	else if (!work->label_alone)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no starting point"),
				 errhint("Add \"from ...\" to the stage or to the table's label.")));

	if (stage->period != NULL)
	{
		rule->own_period_text = retention_label_path_text(stage->period);
		rule->own_period = retention_start_resolve_path(source->label, stage->period,
														source->relid);
		if (rule->own_period->type != INTERVALOID)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("a period is an interval, not of type %s",
							format_type_be(exprType(rule->own_period->expression))),
					 errhint("For a number of days write for example: for (make_interval(days => keep_days))."),
					 retention_label_errposition(source->label,
												 stage->period->value->location)));
	}
	if (stage->condition != NULL)
	{
		rule->condition = retention_expression_analyse(source->label,
													   stage->condition,
													   source->relid);
		if (exprType(rule->condition) != BOOLOID)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("a condition after \"where\" must be boolean, not %s",
							format_type_be(exprType(rule->condition))),
					 retention_label_errposition(source->label,
												 stage->condition->location)));
	}
}

/* May the table's owner read the tables that the hops lead to? */
static void
check_hops_readable(RetentionRule *rule)
{
	Oid			owner = GetUserId();
	ListCell   *lc;

	foreach(lc, retention_rule_paths(rule))
	{
		RetentionClock *path = (RetentionClock *) lfirst(lc);
		ListCell   *hop;

		foreach(hop, path->joins)
		{
			Oid			relid = ((RetentionJoin *) lfirst(hop))->relid;

			if (pg_class_aclcheck(relid, owner, ACL_SELECT) != ACLCHECK_OK)
				mark_invalid(rule,
							 psprintf("the table's owner may not read %s, which has the starting point",
									  retention_start_relation_name(relid)),
							 psprintf("GRANT SELECT ON %s TO %s;",
									  retention_start_relation_name(relid),
									  quote_identifier(GetUserNameFromId(owner, false))));
		}
	}
}

/*
 * Clocks in other tables are guarded there, in the name of this table: its owner
 * must be somebody who could put that guard there, or it would be a way to stop
 * others from changing their rows.
 */
static void
check_hops_owned(RetentionRule *rule)
{
	Oid			owner = GetUserId();
	ListCell   *lc;

	foreach(lc, rule->clocks)
	{
		RetentionClock *clock = (RetentionClock *) lfirst(lc);
		ListCell   *hop;

		foreach(hop, clock->joins)
		{
			Oid			relid = ((RetentionJoin *) lfirst(hop))->relid;

			if (!retention_compat_owns_relation(relid, owner))
				mark_invalid(rule,
							 psprintf("table %s, which has the starting point, has another owner",
									  retention_start_relation_name(relid)),
							 psprintf("ALTER TABLE %s OWNER TO %s;",
									  retention_start_relation_name(relid),
									  quote_identifier(GetUserNameFromId(owner, false))));
		}
	}
}

/* A column's own category, without a stage: the row must go in time for it. */
static void
check_goes_with_row(RetentionRule *rule, const Source *source)
{
	ListCell   *lc;

	if (retention_reference_follows(rule->relid, rule->attnum, rule->category))
		return;
	if (source->row_rules == NIL)
	{
		mark_invalid(rule, "the column goes with its row, but no rule deletes the row",
					 "Give the table's label a stage that ends in \"then delete\", or the column's an action.");
		return;
	}
	foreach(lc, source->row_rules)
	{
		RetentionRule *row = (RetentionRule *) lfirst(lc);

		if (DatumGetBool(DirectFunctionCall2(interval_lt,
											 IntervalPGetDatum(&rule->period),
											 IntervalPGetDatum(&row->period))))
			mark_invalid(rule,
						 psprintf("category \"%s\" is due before its row goes with category \"%s\"",
								  rule->category, row->category),
						 "Give the column's label an action, or the row a shorter period.");
	}
}

static void
hash_text(pg_cryptohash_ctx *context, const char *text)
{
	uint32		length = text ? pg_hton32(strlen(text)) : 0xffffffff;

	if (pg_cryptohash_update(context, (uint8 *) &length, sizeof(length)) < 0 ||
		(text && pg_cryptohash_update(context, (const uint8 *) text, strlen(text)) < 0))
		elog(ERROR, "could not compute a policy digest");
}

/* All that decides what the rule does, in a fixed order. */
static void
compute_digest(RetentionRule *rule, const Source *source)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);
	char		numbers[128];

	snprintf(numbers, sizeof(numbers), "%d;%d;%d;" INT64_FORMAT ";" INT64_FORMAT,
			 rule->stage, rule->period.month, rule->period.day,
			 (int64) rule->period.time, (int64) retention_settings_earliest());
	if (pg_cryptohash_init(context) < 0)
		elog(ERROR, "could not compute a policy digest");
	hash_text(context, rule->relation);
	hash_text(context, rule->column_name);
	hash_text(context, source->table ? source->table->text : NULL);
	hash_text(context, source->label->text);
	hash_text(context, numbers);
	for (int i = 0; i < rule->nformer; i++)
	{
		RetentionFormerPeriod *former = &rule->former[i];

		snprintf(numbers, sizeof(numbers), INT64_FORMAT ";%d;%d;" INT64_FORMAT,
				 (int64) former->until, former->period.month, former->period.day,
				 (int64) former->period.time);
		hash_text(context, numbers);
	}
	hash_text(context, retention_settings_timezone);
	if (pg_cryptohash_final(context, rule->digest, sizeof(rule->digest)) < 0)
		elog(ERROR, "could not compute a policy digest");
	pg_cryptohash_free(context);
}

/* One stage as a rule; invalid where it cannot hold. */
static RetentionRule *
compile_stage(const Source *source, const RetentionStage *stage, int number)
{
	RetentionRule *rule = palloc0(sizeof(RetentionRule));
	StageWork	work = {source, stage, rule, false};
	ErrorData  *error;

	rule->relid = source->relid;
	rule->relation = retention_start_relation_name(source->relid);
	rule->attnum = source->attnum;
	if (source->attnum)
		rule->column_name = get_attname(source->relid, source->attnum, false);
	rule->stage = number;
	rule->category = pstrdup(stage->category);
	rule->action = stage->action;
	rule->valid = true;
	if (stage->action)
		rule->action_text = retention_label_action_text(stage->action);

	error = retention_attempt_run(resolve_stage, &work);
	if (error)
		mark_invalid(rule, error->message, error->hint);
	if (rule->condition)
		rule->condition_text = retention_expression_deparse(rule->condition,
															source->relid,
															get_rel_name(source->relid));
	compute_digest(rule, source);
	if (!rule->valid)
		return rule;

	if (rule->action == NULL)
		check_goes_with_row(rule, source);
	else
	{
		char	   *trust_hint = NULL;
		char	   *trust_problem = retention_trust_problem(rule, &trust_hint);

		if (trust_problem)
			mark_invalid(rule, trust_problem, trust_hint);
		check_hops_readable(rule);
		check_hops_owned(rule);
		if (rule->attnum)
		{
			char	   *hint = NULL;
			char	   *problem = retention_action_problem(rule->action, rule->relid,
														   rule->attnum,
														   rule->category, &hint);

			if (problem == NULL)
				problem = retention_reference_problem(rule->action, rule->relid,
													  rule->attnum,
													  rule->category, &hint);
			if (problem)
				mark_invalid(rule, problem, hint);
		}
	}
	return rule;
}

typedef struct ParseWork
{
	const char *text;
	bool		is_column;
	RetentionLabel *label;
} ParseWork;

static void
parse_label(void *arg)
{
	ParseWork  *work = (ParseWork *) arg;

	work->label = retention_label_parse(work->text, work->is_column);
}

/*
 * A label that no longer parses (it was checked when it was set, so an older or
 * newer version set it) becomes one invalid rule.
 */
static RetentionRule *
unreadable_rule(Oid relid, AttrNumber attnum, ErrorData *error)
{
	RetentionRule *rule = palloc0(sizeof(RetentionRule));

	rule->relid = relid;
	rule->relation = retention_start_relation_name(relid);
	rule->attnum = attnum;
	if (attnum)
		rule->column_name = get_attname(relid, attnum, false);
	rule->stage = 1;
	rule->valid = true;
	mark_invalid(rule, error->message, error->hint);
	return rule;
}

/* The rules of one label; the parsed label in *label, NULL if there is none. */
static List *
compile_label(Oid relid, AttrNumber attnum, RetentionLabel *table,
			  List *row_rules, RetentionLabel **label)
{
	ParseWork	parse = {retention_labelled_text(relid, attnum), attnum != 0, NULL};
	Source		source = {relid, attnum, NULL, table, row_rules};
	List	   *rules = NIL;
	ErrorData  *error;
	int			number = 0;
	ListCell   *lc;

	*label = NULL;
	if (parse.text == NULL)
		return NIL;
	error = retention_attempt_run(parse_label, &parse);
	if (error)
		return list_make1(unreadable_rule(relid, attnum, error));

	*label = source.label = parse.label;
	if (attnum == 0)
		source.table = parse.label;
	foreach(lc, parse.label->stages)
		rules = lappend(rules, compile_stage(&source, (RetentionStage *) lfirst(lc),
											 ++number));
	return rules;
}

List *
retention_rule_compile(Oid relid)
{
	RetentionIdentity saved;
	RetentionLabel *table;
	RetentionLabel *column;
	List	   *row_rules;
	List	   *rules;
	AttrNumber	natts;

	Relation	rel;

	rel = table_open(relid, AccessShareLock);
	natts = RelationGetNumberOfAttributes(rel);
	retention_identity_become_owner(&saved, relid);
	row_rules = compile_label(relid, 0, NULL, NIL, &table);
	rules = list_copy(row_rules);
	for (AttrNumber attnum = 1; attnum <= natts; attnum++)
		rules = list_concat(rules, compile_label(relid, attnum, table,
												 row_rules, &column));
	retention_identity_restore(&saved);
	table_close(rel, AccessShareLock);
	return rules;
}

/*
 * What is wrong between an action and a column's type: that is the label's own
 * mistake, while constraints and keys may still change before protect().
 */
static char *
type_problem(const RetentionStage *stage, Oid relid, AttrNumber attnum, char **hint)
{
	switch (stage->action->kind)
	{
		case RETENTION_PSEUDONYMISE:
		case RETENTION_DECORRELATE:
			if (retention_token_kind(get_atttype(relid, attnum)) != RETENTION_PSEUDONYM_NONE)
				return NULL;
			return retention_token_problem(get_atttype(relid, attnum), -1, hint);
		case RETENTION_TRUNCATE:
		case RETENTION_ROUND:
		case RETENTION_REMOVE:
		case RETENTION_KEEP:
		case RETENTION_CALL:
			return retention_action_problem(stage->action, relid, attnum,
											stage->category, hint);
		default:
			return NULL;
	}
}

void
retention_rule_judge(Oid relid, AttrNumber attnum, const char *label)
{
	RetentionIdentity saved;
	Source		source = {relid, attnum, NULL, NULL, NIL};
	int			number = 0;
	ListCell   *lc;

	source.label = retention_label_parse(label, attnum != 0);
	retention_identity_become_owner(&saved, relid);
	if (attnum == 0)
		source.table = source.label;
	else
	{
		ParseWork	parse = {retention_labelled_text(relid, 0), false, NULL};

		if (parse.text != NULL && retention_attempt_run(parse_label, &parse) == NULL)
			source.table = parse.label;
	}

	if (source.label->from != NULL)
		(void) retention_start_resolve(source.label, source.label->from, relid);
	foreach(lc, source.label->subjects)
		(void) retention_start_resolve_path(source.label,
											(RetentionPath *) lfirst(lc), relid);
	foreach(lc, source.label->stages)
	{
		RetentionStage *stage = (RetentionStage *) lfirst(lc);
		RetentionRule rule = {0};
		StageWork	work = {&source, stage, &rule, true};
		char	   *hint = NULL;
		char	   *problem;

		number++;
		resolve_stage(&work);
		if (stage->action == NULL || attnum == 0)
			continue;
		problem = type_problem(stage, relid, attnum, &hint);
		if (problem)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("\"%s\" cannot hold on column \"%s\": %s",
							retention_label_action_text(stage->action),
							get_attname(relid, attnum, false), problem),
					 hint ? errhint("%s", hint) : 0,
					 retention_label_errposition(source.label,
												 stage->action->location)));
	}
	retention_identity_restore(&saved);
}
