/*
 * dump.c
 *		Reads the ledger from a dump that pg_dump made, as text.
 *
 * Invariant: any file: what it cannot read is a problem with a line's number, and
 * nothing that it reads is executed.
 *
 * What it looks for are the lines between COPY retention.ledger (...) FROM stdin;
 * and \. and the same of retention.ledger_head; columns are known by their names.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h"

#define COLUMNS 64				/* more than any ledger has */

/* Where the columns that are wanted are in a line; -1 = not there. */
typedef struct Layout
{
	int			count;
	int			seq;
	int			prev_hash;
	int			hash;
	int			fields[RETENTION_ENTRY_COLUMNS];
}			Layout;

typedef struct Field
{
	char	   *text;			/* NULL = null; unescaped */
	size_t		length;
}			Field;

static bool
fail(Dump * dump, size_t line, const char *what)
{
	snprintf(dump->problem, sizeof(dump->problem), "line %zu of the dump: %s", line, what);
	return false;
}

/* ---- COPY's text format ---- */

static int
octal(char c)
{
	return c >= '0' && c <= '7' ? c - '0' : -1;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Undoes COPY's escapes, in place; the result is not longer. */
static size_t
unescape(char *text)
{
	char	   *out = text;

	for (char *in = text; *in != '\0'; in++)
	{
		int			code;

		if (*in != '\\' || in[1] == '\0')
		{
			*out++ = *in;
			continue;
		}
		in++;
		switch (*in)
		{
			case 'b':
				*out++ = '\b';
				break;
			case 'f':
				*out++ = '\f';
				break;
			case 'n':
				*out++ = '\n';
				break;
			case 'r':
				*out++ = '\r';
				break;
			case 't':
				*out++ = '\t';
				break;
			case 'v':
				*out++ = '\v';
				break;
			case 'x':
				if (hex(in[1]) < 0)
				{
					*out++ = 'x';
					break;
				}
				code = hex(*++in);
				if (hex(in[1]) >= 0)
					code = code * 16 + hex(*++in);
				*out++ = (char) code;
				break;
			default:
				code = octal(*in);
				if (code < 0)
				{
					*out++ = *in;
					break;
				}
				for (int i = 0; i < 2 && octal(in[1]) >= 0; i++)
					code = code * 8 + octal(*++in);
				*out++ = (char) code;
		}
	}
	*out = '\0';
	return out - text;
}

/* Cuts a line at its tabs; the number of fields, or -1: too many. */
static int
cut(char *line, Field fields[COLUMNS])
{
	int			count = 0;

	for (char *at = line; at != NULL;)
	{
		char	   *tab = strchr(at, '\t');

		if (count == COLUMNS)
			return -1;
		if (tab != NULL)
			*tab = '\0';
		fields[count].text = strcmp(at, "\\N") == 0 ? NULL : at;
		fields[count].length = fields[count].text == NULL ? 0 : unescape(at);
		count++;
		at = tab == NULL ? NULL : tab + 1;
	}
	return count;
}

/* ---- Values ---- */

static bool
read_number(const char *text, int64_t *number)
{
	char	   *end;
	intmax_t	value;

	if (*text == '\0' || strspn(text, "-0123456789") != strlen(text))
		return false;
	value = strtoimax(text, &end, 10);
	*number = (int64_t) value;
	return *end == '\0' && (value != INTMAX_MAX || strcmp(text, "9223372036854775807") == 0);
}

static bool
read_hash(const Field * field, uint8_t hash[RETENTION_DIGEST_LENGTH])
{
	if (field->text == NULL || field->length != 2 + 2 * RETENTION_DIGEST_LENGTH ||
		strncmp(field->text, "\\x", 2) != 0)
		return false;
	for (int i = 0; i < RETENTION_DIGEST_LENGTH; i++)
	{
		int			high = hex(field->text[2 + 2 * i]);
		int			low = hex(field->text[3 + 2 * i]);

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

/* Microseconds of ".5", at "*text"; moves it on. */
static int
read_fraction(const char **text)
{
	int			us = 0;
	int			unit = 100000;

	if (**text != '.')
		return 0;
	for ((*text)++; **text >= '0' && **text <= '9'; (*text)++, unit /= 10)
		us += (**text - '0') * unit;
	return us;
}

/* As in DateStyle ISO, which pg_dump sets: 2026-01-31 12:00:00.5+05:45 BC. */
static bool
read_instant(const char *text, int64_t *number)
{
	long		year;
	int			month,
				day,
				hour,
				minute,
				second,
				used = 0;
	int			us;
	int			zone[3] = {0, 0, 0};
	int64_t		offset;
	char		sign;

	if (strcmp(text, "infinity") == 0 || strcmp(text, "-infinity") == 0)
	{
		*number = *text == '-' ? INT64_MIN : INT64_MAX;
		return true;
	}
	if (sscanf(text, "%6ld-%2d-%2d %2d:%2d:%2d%n", &year, &month, &day, &hour, &minute,
			   &second, &used) != 6 || used == 0)
		return false;
	text += used;
	us = read_fraction(&text);
	sign = *text;
	if (sign != '+' && sign != '-')
		return false;
	text++;
	for (int i = 0; i < 3; i++)
	{
		used = 0;
		if (sscanf(text, "%2d%n", &zone[i], &used) != 1 || used != 2)
			return false;
		text += used;
		if (*text != ':')
			break;
		text++;
	}
	if (strcmp(text, " BC") == 0)
		year = 1 - year;
	else if (*text != '\0')
		return false;
	offset = (zone[0] * 60 + zone[1]) * 60 + zone[2];
	*number = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second -
		(sign == '+' ? offset : -offset);
	*number = *number * 1000000 + us;
	return true;
}

/* As in IntervalStyle postgres, which pg_dump sets: -838:59:59.5, and no days. */
static bool
read_duration(const char *text, int64_t *number)
{
	bool		negative = *text == '-';
	long long	hours;
	int			minutes,
				seconds,
				used = 0;

	if (negative)
		text++;
	if (strspn(text, "0123456789:.") != strlen(text) ||
		sscanf(text, "%12lld:%2d:%2d%n", &hours, &minutes, &seconds, &used) != 3 || used == 0)
		return false;
	text += used;
	*number = ((hours * 60 + minutes) * 60 + seconds) * 1000000 + read_fraction(&text);
	if (negative)
		*number = -*number;
	return *text == '\0';
}

static bool
read_value(RetentionFieldValue *value, RetentionFieldKind kind, const Field * field)
{
	value->null = field->text == NULL;
	if (value->null)
		return true;
	value->data = field->text;
	value->length = field->length;
	switch (kind)
	{
		case RETENTION_FIELD_NUMBER:
			return read_number(field->text, &value->number);
		case RETENTION_FIELD_INSTANT:
			return read_instant(field->text, &value->number);
		case RETENTION_FIELD_DURATION:
			return read_duration(field->text, &value->number);
		case RETENTION_FIELD_TEXT:
			return true;
		case RETENTION_FIELD_BYTES:

			/*
			 * The text of a digest is twice as long as the digest: it fits in
			 * its place.
			 */
			value->length = RETENTION_DIGEST_LENGTH;
			return read_hash(field, (uint8_t *) field->text);
	}
	return false;
}

/* ---- Lines ---- */

static int
column_index(const char *name, char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

/* Reads the list of columns behind COPY; false: something is missing. */
static bool
read_layout(Layout * layout, char *columns, bool whole)
{
	char	   *names[COLUMNS];
	bool		complete;

	layout->count = 0;
	for (char *name = strtok(columns, ", "); name != NULL; name = strtok(NULL, ", "))
	{
		if (layout->count == COLUMNS)
			return false;
		if (*name == '"' && strlen(name) > 1)
		{
			name++;
			name[strlen(name) - 1] = '\0';
		}
		names[layout->count++] = name;
	}
	layout->seq = column_index("seq", names, layout->count);
	layout->hash = column_index("hash", names, layout->count);
	layout->prev_hash = column_index("prev_hash", names, layout->count);
	complete = layout->seq >= 0 && layout->hash >= 0;
	for (int i = 0; whole && i < RETENTION_ENTRY_COLUMNS; i++)
	{
		layout->fields[i] = column_index(retention_entry_fields[i].name, names, layout->count);
		complete = complete && layout->fields[i] >= 0;
	}
	return complete && (!whole || layout->prev_hash >= 0);
}

static bool
add_entry(Dump * dump, const Layout * layout, const Field * fields, char *line, size_t number)
{
	DumpedEntry *entry;

	if (fields[layout->seq].text == NULL)
	{
		dump->unsealed++;
		free(line);
		return true;
	}
	if (dump->count == dump->room)
	{
		dump->room = dump->room == 0 ? 1024 : dump->room * 2;
		dump->entries = realloc(dump->entries, dump->room * sizeof(DumpedEntry));
		if (dump->entries == NULL)
			return fail(dump, number, "out of memory");
	}
	entry = &dump->entries[dump->count++];
	memset(entry, 0, sizeof(*entry));
	entry->line = line;
	if (!read_number(fields[layout->seq].text, &entry->seq))
		return fail(dump, number, "the place of an entry is not a number");
	entry->entry.seq = entry->seq;
	entry->has_prev_hash = read_hash(&fields[layout->prev_hash], entry->prev_hash);
	entry->has_hash = read_hash(&fields[layout->hash], entry->hash);
	entry->proper = true;
	for (int i = 0; i < RETENTION_ENTRY_COLUMNS; i++)
		if (!read_value(&entry->entry.values[i], retention_entry_fields[i].kind,
						&fields[layout->fields[i]]))
			entry->proper = false;
	return true;
}

static int
by_place(const void *one, const void *other)
{
	const		DumpedEntry *a = one;
	const		DumpedEntry *b = other;

	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

/* The columns behind COPY and a table's name, or NULL: another line. */
static char *
copy_of(char *line, const char *table)
{
	size_t		length = strlen(table);
	char	   *end;

	if (strncmp(line, "COPY ", 5) != 0 || strncmp(line + 5, table, length) != 0 ||
		strncmp(line + 5 + length, " (", 2) != 0)
		return NULL;
	end = strstr(line, ") FROM stdin;");
	if (end == NULL)
		return NULL;
	*end = '\0';
	return line + 5 + length + 2;
}

bool
dump_read(Dump * dump, FILE *file)
{
	enum
	{
		OUTSIDE, LEDGER, HEAD
	}			where = OUTSIDE;
	Layout		layout = {0};
	Field		fields[COLUMNS];
	size_t		number = 0;

	memset(dump, 0, sizeof(*dump));
	for (;;)
	{
		char	   *line = NULL;
		size_t		room = 0;
		ssize_t		length = getline(&line, &room, file);
		char	   *columns;

		if (length < 0)
		{
			free(line);
			break;
		}
		number++;
		if (memchr(line, '\0', length) != NULL)
			return fail(dump, number, "it is not text: pg_restore --file=- makes text of other formats");
		while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
			line[--length] = '\0';
		if (where == OUTSIDE)
		{
			if (strncmp(line, "SET client_encoding = '", 23) == 0 &&
				strcmp(line + 23, "UTF8';") != 0 && strcmp(line + 23, "SQL_ASCII';") != 0)
				return fail(dump, number, "it is not in UTF-8: pg_dump --encoding=UTF8 makes such a dump");
			if ((columns = copy_of(line, "retention.ledger")) != NULL)
				where = LEDGER;
			else if ((columns = copy_of(line, "retention.ledger_head")) != NULL)
				where = HEAD;
			if (columns != NULL && !read_layout(&layout, columns, where == LEDGER))
				return fail(dump, number, "a column of the ledger is missing");
			if (where == LEDGER)
				dump->has_ledger = true;
			free(line);
			continue;
		}
		if (strcmp(line, "\\.") == 0)
		{
			where = OUTSIDE;
			free(line);
			continue;
		}
		if (cut(line, fields) != layout.count)
			return fail(dump, number, "it has not as many columns as the table");
		if (where == LEDGER)
		{
			if (!add_entry(dump, &layout, fields, line, number))
				return false;
			continue;
		}
		if (dump->has_head || fields[layout.seq].text == NULL ||
			!read_number(fields[layout.seq].text, &dump->head_seq))
			return fail(dump, number, "it is not the head of a ledger");
		dump->has_head = true;
		dump->has_head_hash = read_hash(&fields[layout.hash], dump->head_hash);
		free(line);
	}
	if (where != OUTSIDE)
		return fail(dump, number, "it ends in the middle of the ledger");
	if (!dump->has_ledger)
		return fail(dump, number, "it ends, and has had no ledger (a line COPY retention.ledger (...) FROM stdin;)");
	if (dump->count > 0)
		qsort(dump->entries, dump->count, sizeof(DumpedEntry), by_place);
	return true;
}
