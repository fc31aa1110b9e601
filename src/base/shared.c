/*
 * shared.c
 *		Memory that all processes of the server share, under a lock of its own.
 *
 * Invariant: requested while the library is preloaded, and never elsewhere.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#include "base/shared.h"

#define MOST_REQUESTS 4

typedef struct Request
{
	const char *name;
	Size		size;
	void	  **memory;
} Request;

static Request requests[MOST_REQUESTS];
static int	count = 0;

static shmem_request_hook_type next_request_hook = NULL;
static shmem_startup_hook_type next_startup_hook = NULL;

static void
request(void)
{
	if (next_request_hook)
		next_request_hook();
	for (int i = 0; i < count; i++)
	{
		RequestAddinShmemSpace(MAXALIGN(requests[i].size));
		RequestNamedLWLockTranche(requests[i].name, 1);
	}
}

static void
startup(void)
{
	if (next_startup_hook)
		next_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (int i = 0; i < count; i++)
	{
		bool		found;
		RetentionShared *shared = ShmemInitStruct(requests[i].name, requests[i].size, &found);

		if (!found)
		{
			memset(shared, 0, requests[i].size);
			shared->lock = &GetNamedLWLockTranche(requests[i].name)->lock;
		}
		*requests[i].memory = shared;
	}
	LWLockRelease(AddinShmemInitLock);
}

void
retention_shared_request(const char *name, Size size, void **memory)
{
	Assert(count < MOST_REQUESTS);
	if (count == 0)
	{
		next_request_hook = shmem_request_hook;
		shmem_request_hook = request;
		next_startup_hook = shmem_startup_hook;
		shmem_startup_hook = startup;
	}
	requests[count].name = name;
	requests[count].size = size;
	requests[count].memory = memory;
	count++;
}
