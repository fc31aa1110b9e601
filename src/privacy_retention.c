/*
 * privacy_retention.c
 *		The extension's door: module magic and wiring, nothing else.
 *
 * Invariant: settings are defined first, so that a server that only upgrades
 * its catalogs knows them too; shared memory and workers are asked for only by
 * a server that preloads the library.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "base/schedule.h"
#include "base/settings.h"
#if __has_include("policy/provider.h")
#include "policy/provider.h"
#define HAVE_PROVIDER
#endif
#if __has_include("worker/launcher.h")
#include "worker/launcher.h"
#define HAVE_LAUNCHER
#endif

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);
extern void retention_schedule_request(void) __attribute__((weak));

void
_PG_init(void)
{
	retention_settings_define();
#ifdef HAVE_PROVIDER
	retention_provider_register();
#endif

	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	if (retention_schedule_request)
		retention_schedule_request();
#ifdef HAVE_LAUNCHER
	retention_launcher_register();
#endif
}
