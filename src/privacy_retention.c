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
#include "base/turn.h"
#include "base/uptime.h"
#include "policy/provider.h"
#include "pseudonym/ledger_key.h"
#include "worker/launcher.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	retention_settings_define();
	retention_provider_register();
	retention_ledger_key_provide();

	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	retention_schedule_request();
	retention_turn_request();
	retention_uptime_request();
	retention_launcher_register();
}
