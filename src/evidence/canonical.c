/*
 * canonical.c
 *		The bytes of a ledger entry that are hashed.
 *
 * Invariant: the bytes depend on what the entry says and on nothing else: on no
 * setting, no OID, no encoding of the database, no byte order of the machine.
 *
 *	hash  := SHA-256(prev_hash || bytes)		prev_hash of entry 1: 32 zero bytes
 *	bytes := version seq id recorded_at event relation column_name category
 *			 action policy_digest cutoff rows lateness erasure_level detail
 *	each  := length(4 bytes) value, or the 4 bytes FF FF FF FF for NULL
 *
 * Numbers are big-endian, two's complement. version is the text
 * "privacy_retention ledger 1"; text is UTF-8; numbers are 8 bytes; instants
 * are 8 bytes, microseconds since 1970-01-01 00:00:00 UTC (the least and the
 * greatest number for -infinity and infinity); lateness is 8 bytes, microseconds.
 *
 * The same is in docs/ledger.md, for those who write a verifier of their own.
 * Whoever changes it raises the version and keeps reading the old one.
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "evidence/canonical.h"

#define VERSION "privacy_retention ledger 1"

/* What a column of RETENTION_CANONICAL_COLUMNS holds. */
typedef enum Kind
{
	NUMBER,
	INSTANT,
	DURATION,
	TEXT,
	BYTES
} Kind;

static const Kind kinds[RETENTION_CANONICAL_NCOLUMNS] = {
	NUMBER,						/* id */
	INSTANT,					/* recorded_at */
	TEXT,						/* event */
	TEXT,						/* relation */
	TEXT,						/* column_name */
	TEXT,						/* category */
	TEXT,						/* action */
	BYTES,						/* policy_digest */
	INSTANT,					/* cutoff */
	NUMBER,						/* rows */
	DURATION,					/* lateness */
	TEXT,						/* erasure_level */
	TEXT						/* detail */
};

static void
append_length(StringInfo buffer, uint32 length)
{
	uint32		big = pg_hton32(length);

	appendBinaryStringInfo(buffer, (char *) &big, sizeof(big));
}

static void
append_bytes(StringInfo buffer, const char *data, size_t length)
{
	append_length(buffer, (uint32) length);
	appendBinaryStringInfo(buffer, data, (int) length);
}

static void
append_number(StringInfo buffer, int64 number)
{
	uint64		big = pg_hton64((uint64) number);

	append_bytes(buffer, (char *) &big, sizeof(big));
}

static void
append_instant(StringInfo buffer, TimestampTz instant)
{
	if (!TIMESTAMP_NOT_FINITE(instant))
		instant += (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
	append_number(buffer, instant);
}

static void
append_text(StringInfo buffer, Datum value)
{
	char	   *native = TextDatumGetCString(value);
	char	   *utf8 = pg_server_to_any(native, strlen(native), PG_UTF8);

	append_bytes(buffer, utf8, strlen(utf8));
}

bool
retention_canonical_append(StringInfo buffer, int64 seq,
						   HeapTuple tuple, TupleDesc desc)
{
	append_bytes(buffer, VERSION, strlen(VERSION));
	append_number(buffer, seq);
	for (int i = 0; i < RETENTION_CANONICAL_NCOLUMNS; i++)
	{
		bool		isnull;
		Datum		value = SPI_getbinval(tuple, desc, i + 1, &isnull);

		if (isnull)
		{
			append_length(buffer, PG_UINT32_MAX);
			continue;
		}
		switch (kinds[i])
		{
			case NUMBER:
				append_number(buffer, DatumGetInt64(value));
				break;
			case INSTANT:
				append_instant(buffer, DatumGetTimestampTz(value));
				break;
			case DURATION:
				{
					Interval   *interval = DatumGetIntervalP(value);

					/* days and months have no one length */
					if (interval->day != 0 || interval->month != 0)
						return false;
					append_number(buffer, interval->time);
					break;
				}
			case TEXT:
				append_text(buffer, value);
				break;
			case BYTES:
				{
					bytea	   *bytes = DatumGetByteaPP(value);

					append_bytes(buffer, VARDATA_ANY(bytes),
								 VARSIZE_ANY_EXHDR(bytes));
					break;
				}
		}
	}
	return true;
}

void
retention_canonical_hash(const uint8 *prev_hash, StringInfo bytes, uint8 *hash)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);

	if (pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, prev_hash, PG_SHA256_DIGEST_LENGTH) < 0 ||
		pg_cryptohash_update(context, (uint8 *) bytes->data, bytes->len) < 0 ||
		pg_cryptohash_final(context, hash, PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute SHA-256: %s",
			 pg_cryptohash_error(context));
	pg_cryptohash_free(context);
}
