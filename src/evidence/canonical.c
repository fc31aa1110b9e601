/*
 * canonical.c
 *		From a row of retention.ledger to the entry that is hashed.
 *
 * Invariant: an entry has one form, whatever the database's encoding and the
 * session's settings are.
 */
#include "postgres.h"

#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "evidence/canonical.h"

StaticAssertDecl(RETENTION_CANONICAL_NCOLUMNS == RETENTION_ENTRY_COLUMNS,
				 "the columns that are selected are those that are hashed");

static int64
instant(TimestampTz when)
{
	if (TIMESTAMP_NOT_FINITE(when))
		return when;
	return when + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
}

static void
set_text(RetentionFieldValue *field, Datum value)
{
	char	   *native = TextDatumGetCString(value);

	field->data = pg_server_to_any(native, strlen(native), PG_UTF8);
	field->length = strlen(field->data);
}

bool
retention_canonical_entry(RetentionEntry *entry, int64 seq,
						  HeapTuple tuple, TupleDesc desc)
{
	memset(entry, 0, sizeof(*entry));
	entry->seq = seq;
	for (int i = 0; i < RETENTION_ENTRY_COLUMNS; i++)
	{
		RetentionFieldValue *field = &entry->values[i];
		Datum		value = SPI_getbinval(tuple, desc, i + 1, &field->null);

		if (field->null)
			continue;
		switch (retention_entry_fields[i].kind)
		{
			case RETENTION_FIELD_NUMBER:
				field->number = DatumGetInt64(value);
				break;
			case RETENTION_FIELD_INSTANT:
				field->number = instant(DatumGetTimestampTz(value));
				break;
			case RETENTION_FIELD_DURATION:
				{
					Interval   *interval = DatumGetIntervalP(value);

					/* days and months have no one length */
					if (interval->day != 0 || interval->month != 0)
						return false;
					field->number = interval->time;
					break;
				}
			case RETENTION_FIELD_TEXT:
				set_text(field, value);
				break;
			case RETENTION_FIELD_BYTES:
				{
					bytea	   *bytes = DatumGetByteaPP(value);

					field->data = VARDATA_ANY(bytes);
					field->length = VARSIZE_ANY_EXHDR(bytes);
					break;
				}
		}
	}
	return true;
}
