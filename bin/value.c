/*
 * value.c
 *		Reads values of the ledger as the server writes them into a dump.
 *
 * Invariant: a value has one text, the one that the server writes: any other would
 * be another value that has the same hash.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "value.h"

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
value_read_number(const char *text, int64_t *number)
{
	char		again[32];

	*number = (int64_t) strtoimax(text, NULL, 10);
	snprintf(again, sizeof(again), "%" PRId64, *number);
	return strcmp(text, again) == 0;
}

bool
value_read_hash(const char *text, size_t length, uint8_t hash[RETENTION_DIGEST_LENGTH])
{
	if (text == NULL || length != 2 + 2 * RETENTION_DIGEST_LENGTH || strncmp(text, "\\x", 2) != 0)
		return false;
	for (int i = 0; i < RETENTION_DIGEST_LENGTH; i++)
	{
		int			high = hex(text[2 + 2 * i]);
		int			low = hex(text[3 + 2 * i]);

		if (high < 0 || low < 0)
			return false;
		hash[i] = (uint8_t) (high << 4 | low);
	}
	return true;
}

/* Days since 1970-01-01 of a day of the proleptic Gregorian calendar; year 0 = 1 BC. */
static int64_t
days_since_1970(int64_t year, int month, int day)
{
	int64_t		era;
	int64_t		of_era;

	/* Years begin in March, so that the odd day is their last. */
	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	of_era = year - era * 400;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
		(153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1 - 719468;
}

/* Microseconds of ".5", at "*text"; moves it on.  -1: no such fraction. */
static int
read_fraction(const char **text)
{
	int			us = 0;
	int			unit = 100000;

	if (**text != '.')
		return 0;
	for ((*text)++; **text >= '0' && **text <= '9' && unit > 0; (*text)++, unit /= 10)
		us += (**text - '0') * unit;
	return (*text)[-1] == '.' || (**text >= '0' && **text <= '9') ? -1 : us;
}

/* "+05:45", at "*text", to its end or a blank; in seconds. */
static bool
read_zone(const char **text, int *offset)
{
	char		sign = **text;
	int			unit = 3600;

	*offset = 0;
	if (sign != '+' && sign != '-')
		return false;
	do
	{
		const char *at = ++*text;

		if (unit == 0 || at[0] < '0' || at[0] > '5' || at[1] < '0' || at[1] > '9')
			return false;
		*offset += ((at[0] - '0') * 10 + at[1] - '0') * unit;
		unit /= 60;
		*text += 2;
	} while (**text == ':');
	if (sign == '-')
		*offset = -*offset;
	return true;
}

/* As in DateStyle ISO, which pg_dump sets: 2026-01-31 12:00:00.5+05:45 BC. */
static bool
read_instant(const char *text, int64_t *number)
{
	char		again[64];
	long		year;
	int			month,
				day,
				hour,
				minute,
				second,
				used = 0;
	int			us;
	int			offset;
	int64_t		days;

	if (strcmp(text, "infinity") == 0 || strcmp(text, "-infinity") == 0)
	{
		*number = *text == '-' ? INT64_MIN : INT64_MAX;
		return true;
	}
	if (sscanf(text, "%6ld-%2d-%2d %2d:%2d:%2d%n", &year, &month, &day, &hour, &minute,
			   &second, &used) != 6 || used == 0)
		return false;
	snprintf(again, sizeof(again), "%04ld-%02d-%02d %02d:%02d:%02d", year, month, day, hour,
			 minute, second);

	/*
	 * The last year that the server writes, in its last time zone; what is
	 * before its first is not asked.
	 */
	if (strncmp(text, again, used) != 0 || again[used] != '\0' || year < 1 || year > 294277 ||
		month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59)
		return false;
	text += used;
	us = read_fraction(&text);
	if (us < 0 || !read_zone(&text, &offset))
		return false;
	if (strcmp(text, " BC") == 0)
		year = 1 - year;
	else if (*text != '\0')
		return false;
	days = days_since_1970(year, month, day);
	if (days >= (month == 12 ? days_since_1970(year + 1, 1, 1) : days_since_1970(year, month + 1, 1)))
		return false;

	/*
	 * The last 30 years of the server's are beyond the number, and go round,
	 * there as here.
	 */
	*number = (int64_t) ((uint64_t) (((days * 24 + hour) * 60 + minute) * 60 + second - offset) *
						 1000000 + us);
	return true;
}

/* As in IntervalStyle postgres, which pg_dump sets: -838:59:59.5, and no days. */
static bool
read_duration(const char *text, int64_t *number)
{
	bool		negative = *text == '-';
	char		again[64];
	long long	hours;
	int			minutes,
				seconds,
				used = 0;
	int			us;
	uint64_t	total;

	if (negative)
		text++;
	if (sscanf(text, "%10lld:%2d:%2d%n", &hours, &minutes, &seconds, &used) != 3 || used == 0)
		return false;
	snprintf(again, sizeof(again), "%02lld:%02d:%02d", hours, minutes, seconds);
	if (strncmp(text, again, used) != 0 || again[used] != '\0' || hours < 0 || hours > 2562047788 ||
		minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59)
		return false;
	text += used;
	us = read_fraction(&text);
	if (us < 0 || *text != '\0')
		return false;
	total = (uint64_t) ((hours * 60 + minutes) * 60 + seconds) * 1000000 + us;
	if (total > (uint64_t) INT64_MAX + negative)
		return false;
	*number = (int64_t) (negative ? 0 - total : total);
	return true;
}

bool
value_read(RetentionFieldValue *value, RetentionFieldKind kind, char *text, size_t length)
{
	value->null = text == NULL;
	if (value->null)
		return true;
	value->data = text;
	value->length = length;
	switch (kind)
	{
		case RETENTION_FIELD_NUMBER:
			return value_read_number(text, &value->number);
		case RETENTION_FIELD_INSTANT:
			return read_instant(text, &value->number);
		case RETENTION_FIELD_DURATION:
			return read_duration(text, &value->number);
		case RETENTION_FIELD_TEXT:
			return true;
		case RETENTION_FIELD_BYTES:

			/*
			 * The text of a digest is twice as long as the digest: it fits in
			 * its place.
			 */
			value->length = RETENTION_DIGEST_LENGTH;
			return value_read_hash(text, length, (uint8_t *) text);
	}
	return false;
}
