/*
 * walltime.c
 *		The server's clock, and what can be compared with it.
 *
 * Invariant: two readings of one boot of the machine tell whether the clock was
 * set between them.
 */
#include "postgres.h"

#include <time.h>

#include "storage/fd.h"
#include "utils/timestamp.h"

#include "base/walltime.h"

/* A number that the kernel makes up at each start of the machine. */
#define BOOT_FILE "/proc/sys/kernel/random/boot_id"

static void
read_boot(char *boot)
{
	FILE	   *file = AllocateFile(BOOT_FILE, "r");

	boot[0] = '\0';
	if (file == NULL)
		return;
	if (fgets(boot, RETENTION_WALLTIME_BOOT_SIZE, file) == NULL)
		boot[0] = '\0';
	boot[strcspn(boot, "\n")] = '\0';
	FreeFile(file);
}

void
retention_walltime_read(RetentionWalltime *reading)
{
	reading->at = GetCurrentTimestamp();
	reading->running = -1;
	reading->boot[0] = '\0';
#ifdef CLOCK_BOOTTIME
	{
		struct timespec time;

		read_boot(reading->boot);
		if (clock_gettime(CLOCK_BOOTTIME, &time) == 0)
			reading->running = time.tv_sec * USECS_PER_SEC + time.tv_nsec / 1000;
	}
#endif
}

bool
retention_walltime_set_by(const RetentionWalltime *before,
						  const RetentionWalltime *after, int64 *us)
{
	if (before->running < 0 || after->running < 0 || before->boot[0] == '\0' ||
		strcmp(before->boot, after->boot) != 0)
		return false;
	*us = (after->at - before->at) - (after->running - before->running);
	return true;
}
