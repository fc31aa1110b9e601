/*
 * scrub_shortfall.h
 *		What a scrub did not reach, and what else is missing before deleted values are
 *		gone.
 *
 * Invariant: whoever adds to it takes from the scrub that it proves anything.
 */
#ifndef RETENTION_SCRUB_SHORTFALL_H
#define RETENTION_SCRUB_SHORTFALL_H

#include "postgres.h"

#include "erase/scrub.h"
#include "erase/scrub_block.h"

/* Something was skipped: the scrub is not complete. */
extern void retention_scrub_shortfall_note(RetentionScrubResult *result, const char *name,
										   const char *why);

/* Foreign tables among a table's partitions and heirs: complete or not, there is more elsewhere. */
extern void retention_scrub_shortfall_elsewhere(RetentionScrubResult *result, Oid table);

/* Pages of a relation that were left alone, though they may hold what was freed. */
extern void retention_scrub_shortfall_pages(RetentionScrubResult *result,
											const RetentionScrubBlocks *blocks, Oid relid);

/* The statement that is missing before deleted values are gone; NULL = none. */
extern const char *retention_scrub_shortfall_statement(const char *relation,
													   const RetentionScrubResult *result);

#endif							/* RETENTION_SCRUB_SHORTFALL_H */
