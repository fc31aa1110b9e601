/*
 * keyring.c
 *		The keys that this process uses, for as long as it uses them.
 *
 * Invariant: key material is never in a Datum, a setting, a message or a log,
 * and a process holds none beyond the end of a transaction.
 *
 * Files are looked at once a statement, so that a new epoch, or the destruction
 * of one, counts in every session from its next statement on; a program is asked
 * once a transaction. The current epoch is the highest whose key is there. What is used for values is
 * derived: a key for each domain, by HKDF, and one for the marks.
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/stringinfo.h"
#include "storage/ipc.h"
#include "utils/memutils.h"

#include "pseudonym/hkdf.h"
#include "pseudonym/keyring.h"
#include "pseudonym/keystore.h"
#include "pseudonym/secret.h"

#define INFO_PREFIX "privacy_retention pseudonym v1"
#define INFO_MARK "privacy_retention mark v1"
#define MAX_DOMAINS 64			/* derived keys held at once */

typedef struct DomainKey
{
	char	   *domain;
	RetentionHmac *hmac;
} DomainKey;

/* What this process knows, until the statement or the transaction ends. */
typedef struct Ring
{
	bool		loaded;
	TimestampTz statement;		/* in which the files were looked at */
	RetentionCurrentKeys *keys; /* secret; the domains' are derived from it */
	RetentionHmac *mark;		/* NULL = none that can be used */
	int			ndomains;
	DomainKey	domains[MAX_DOMAINS];	/* the last used is the first */
} Ring;

static Ring ring;

/* ---- The cache ---- */

static void
drop_domains(void)
{
	while (ring.ndomains > 0)
	{
		DomainKey  *last = &ring.domains[--ring.ndomains];

		retention_hkdf_hmac_destroy(last->hmac);
		pfree(last->domain);
		last->hmac = NULL;
		last->domain = NULL;
	}
}

/* Raises no error: it runs where transactions and processes end. */
void
retention_keyring_wipe(void)
{
	drop_domains();
	retention_hkdf_hmac_destroy(ring.mark);
	retention_secret_free(ring.keys, sizeof(RetentionCurrentKeys));
	memset(&ring, 0, sizeof(ring));
}

static void
xact_ended(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PARALLEL_ABORT:
			retention_keyring_wipe();
			break;
		default:
			break;
	}
}

static void
process_ends(int code, Datum arg)
{
	retention_keyring_wipe();
}

static void
load_mark(void)
{
	uint8		derived[RETENTION_KEY_LENGTH];

	if (!ring.keys->has_mark)
		return;
	PG_TRY();
	{
		retention_hkdf_derive(ring.keys->mark, sizeof(ring.keys->mark), NULL, 0,
							  (const uint8 *) INFO_MARK, strlen(INFO_MARK),
							  derived, sizeof(derived));
		ring.mark = retention_hkdf_hmac_create(derived, sizeof(derived));
	}
	PG_FINALLY();
	{
		explicit_bzero(derived, sizeof(derived));
		explicit_bzero(ring.keys->mark, sizeof(ring.keys->mark));
	}
	PG_END_TRY();
}

/* Does the ring still hold what counts? */
static bool
is_fresh(TimestampTz statement)
{
	return ring.loaded &&
		(ring.statement == statement || retention_keystore_is_command());
}

/* Looks at the keys, unless this statement, or transaction, has done so. */
static void
refresh(void)
{
	static bool registered = false;
	TimestampTz statement = GetCurrentStatementStartTimestamp();
	RetentionKeystore store;

	if (is_fresh(statement))
		return;
	if (!registered)
	{
		RegisterXactCallback(xact_ended, NULL);
		on_proc_exit(process_ends, (Datum) 0);
		registered = true;
	}
	retention_keyring_wipe();

	ring.keys = retention_secret_alloc(sizeof(RetentionCurrentKeys));

	if (!retention_keystore_open(&store, false, &ring.keys->problem))
		ring.keys->mark_problem = ring.keys->problem;

	else
	{
		PG_TRY();
		{
			retention_keystore_read(&store, ring.keys);
			load_mark();
		}
		PG_FINALLY();
		{
			retention_keystore_close(&store);
		}
		PG_END_TRY();
	}
	ring.statement = statement;
	ring.loaded = true;
}

/* The domain's key, derived at most once a statement. */
static RetentionHmac *
domain_hmac(const char *domain)
{
	StringInfoData info;
	uint8		derived[RETENTION_KEY_LENGTH];
	DomainKey	found = {NULL, NULL};
	int			at;

	for (at = 0; at < ring.ndomains; at++)
		if (strcmp(ring.domains[at].domain, domain) == 0)
		{
			found = ring.domains[at];

			break;
		}
	if (at == 0 && found.hmac != NULL)
		return found.hmac;

	if (found.hmac == NULL)
	{
		if (ring.ndomains == MAX_DOMAINS)
			drop_domains();
		initStringInfo(&info);
		appendStringInfoString(&info, INFO_PREFIX);
		appendStringInfoString(&info, domain);
		PG_TRY();
		{
			retention_hkdf_derive(ring.keys->key, sizeof(ring.keys->key),
								  NULL, 0, (uint8 *) info.data, info.len,
								  derived, sizeof(derived));
			found.domain = MemoryContextStrdup(TopMemoryContext, domain);
			found.hmac = retention_hkdf_hmac_create(derived, sizeof(derived));
		}
		PG_FINALLY();
		{
			explicit_bzero(derived, sizeof(derived));
		}
		PG_END_TRY();
		pfree(info.data);
		at = ring.ndomains++;
	}
	memmove(&ring.domains[1], &ring.domains[0], sizeof(DomainKey) * at);
	ring.domains[0] = found;

	return found.hmac;
}

/* ---- For the other rooms ---- */

bool
retention_keyring_ready(char **problem, char **hint)
{
	const RetentionKeyProblem *why = NULL;

	refresh();
	if (ring.keys->epoch == 0)
		why = &ring.keys->problem;
	else if (ring.mark == NULL)
		why = &ring.keys->mark_problem;
	if (why == NULL)
		return true;
	*problem = pstrdup(why->message);
	*hint = why->hint != NULL ? pstrdup(why->hint) : NULL;
	return false;
}

void
retention_keyring_hmac(const char *domain, const void *data, size_t length,
					   uint8 result[32])
{
	refresh();
	if (ring.keys->epoch == 0)
		retention_keystore_raise(&ring.keys->problem);
	retention_hkdf_hmac(domain_hmac(domain), data, length, result);
}

void
retention_keyring_mark_hmac(const void *data, size_t length, uint8 result[32])
{
	refresh();
	if (ring.mark == NULL)
		retention_keystore_raise(&ring.keys->mark_problem);
	retention_hkdf_hmac(ring.mark, data, length, result);
}
