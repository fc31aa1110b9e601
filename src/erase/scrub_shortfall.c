/*
 * scrub_shortfall.c
 *		What a scrub did not reach, and what else is missing before deleted values are
 *		gone.
 *
 * Invariant: whoever adds to it takes from the scrub that it proves anything.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/lsyscache.h"

#include "erase/scrub_shortfall.h"
#include "erase/storage.h"

/* As far as there is room. */
static void
say(RetentionScrubResult *result, const char *name, const char *why)
{
	Size		used = strlen(result->skipped);

	(void) snprintf(result->skipped + used, sizeof(result->skipped) - used, "%s%s: %s",
					used > 0 ? "; " : "", name, why);
	/* not in the middle of a character */
	used = strlen(result->skipped);
	result->skipped[pg_mbcliplen(result->skipped, used, used)] = '\0';
}

void
retention_scrub_shortfall_note(RetentionScrubResult *result, const char *name, const char *why)
{
	say(result, name, why);
	result->complete = false;
}

void
retention_scrub_shortfall_elsewhere(RetentionScrubResult *result, Oid table)
{
	ListCell   *lc;

	foreach(lc, retention_storage_elsewhere(table))
	{
		char	   *name = get_rel_name(lfirst_oid(lc));

		if (name == NULL)
			continue;
		say(result, name, "a foreign table, whose rows another server stores");
		result->elsewhere = true;
	}
}

void
retention_scrub_shortfall_pages(RetentionScrubResult *result, const RetentionScrubBlocks *blocks,
								Oid relid)
{
	bool		closed = blocks->closed > 0 && blocks->format != RETENTION_PAGE_BRIN &&
	blocks->format != RETENTION_PAGE_STANDARD;
	char	   *name;

	if (blocks->insane == 0 && blocks->damaged == 0 && !closed)
		return;
	name = get_rel_name(relid);
	if (name == NULL)
		return;
	if (blocks->damaged > 0)
		retention_scrub_shortfall_note(result, name, psprintf(INT64_FORMAT " pages cannot be read",
															  blocks->damaged));
	if (blocks->insane > 0)
		retention_scrub_shortfall_note(result, name, psprintf(INT64_FORMAT " pages are not as they should be",
															  blocks->insane));
	if (closed)
		retention_scrub_shortfall_note(result, name,
									   psprintf(INT64_FORMAT " pages are as an old release left them: REINDEX",
												blocks->closed));
}

const char *
retention_scrub_shortfall_statement(const char *relation, const RetentionScrubResult *result)
{
	if (result->dead_tuples > 0 || result->dead_items > 0)
		return psprintf("VACUUM (" RETENTION_SCRUB_VACUUM ") %s;", relation);
	if (result->dead_statistics > 0)
		return "VACUUM (" RETENTION_SCRUB_VACUUM ") pg_catalog.pg_statistic, pg_catalog.pg_statistic_ext_data;";
	return NULL;
}
