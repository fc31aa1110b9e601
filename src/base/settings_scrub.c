/*
 * settings_scrub.c
 *		How fast pages are scrubbed, and which besides those whose layout is known.
 *
 * Invariant: as in settings.c.
 */
#include "postgres.h"

#include <limits.h>

#include "base/settings_scrub.h"

int			retention_settings_scrub_pages = 4000;
int			retention_settings_scrub_wal = 8192;
char	   *retention_settings_scrub_access_methods = NULL;

void
retention_settings_define_scrub(void)
{
	DefineCustomIntVariable("privacy_retention.scrub_pages",
							"Pages that a scrub looks at in a second, at most.",
							"Zero: as fast as it can.",
							&retention_settings_scrub_pages,
							4000, 0, INT_MAX,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("privacy_retention.scrub_wal",
							"WAL that a scrub writes in a second, at most.",
							"Most of it is the images of pages that were not changed since the last checkpoint. Zero: no limit.",
							&retention_settings_scrub_wal,
							8192, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomStringVariable("privacy_retention.scrub_access_methods",
							   "Access methods, besides the known ones, whose pages are scrubbed, separated by commas.",
							   "Whoever names one vouches for it: that nothing lies between pd_lower and pd_upper of its pages, once pd_lower is behind the header. "
							   "Empty: only heap, btree, hash, gin, gist, spgist, brin and bloom.",
							   &retention_settings_scrub_access_methods,
							   "",
							   PGC_SUSET, GUC_LIST_INPUT,
							   retention_settings_check_names, NULL, NULL);
}
