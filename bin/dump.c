/*
 * dump.c
 *		Reads the ledger from a dump that pg_dump made, as text.
 *
 * Invariant: any file: what it cannot read is a problem with a line's number, and
 * nothing that it reads is executed.
 *
 * What it looks for are the lines between COPY retention.ledger (...) FROM stdin;
 * and \. and the same of retention.ledger_head; columns are known by their names.
 * Rows of other tables are passed over, whatever they say.  What looks like a ledger
 * elsewhere, as in the text of a function, is a second one: then nothing is judged.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h"
#include "value.h"

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

/* ---- Lines ---- */

static bool
read_hash(const Field * field, uint8_t hash[RETENTION_DIGEST_LENGTH])
{
	return value_read_hash(field->text, field->length, hash);
}

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
	if (!value_read_number(fields[layout->seq].text, &entry->seq))
		return fail(dump, number, "the place of an entry is not a number");
	entry->entry.seq = entry->seq;
	entry->has_prev_hash = read_hash(&fields[layout->prev_hash], entry->prev_hash);
	entry->has_hash = read_hash(&fields[layout->hash], entry->hash);
	entry->proper = true;
	for (int i = 0; i < RETENTION_ENTRY_COLUMNS; i++)
	{
		const		Field *field = &fields[layout->fields[i]];

		if (!value_read(&entry->entry.values[i], retention_entry_fields[i].kind,
						field->text, field->length))
			entry->proper = false;
	}
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
	if (end == NULL || end[strlen(") FROM stdin;")] != '\0')
		return NULL;
	*end = '\0';
	return line + 5 + length + 2;
}

/* Does such a line begin the rows of a table? */
static bool
is_copy(const char *line)
{
	size_t		length = strlen(line);
	size_t		end = strlen(" FROM stdin;");

	return strncmp(line, "COPY ", 5) == 0 && length > end &&
		strcmp(line + length - end, " FROM stdin;") == 0;
}

bool
dump_read(Dump * dump, FILE *file)
{
	enum
	{
		OUTSIDE, OTHER, LEDGER, HEAD
	}			where = OUTSIDE;
	Layout		layout = {0};
	Field		fields[COLUMNS];
	size_t		number = 0;
	bool		has_encoding = false;

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
			/* The first is the dump's own. */
			if (!has_encoding && strncmp(line, "SET client_encoding = '", 23) == 0)
			{
				if (strcmp(line + 23, "UTF8';") != 0 && strcmp(line + 23, "SQL_ASCII';") != 0)
					return fail(dump, number, "it is not in UTF-8: pg_dump --encoding=UTF8 makes such a dump");
				has_encoding = true;
			}
			if (is_copy(line))
				where = OTHER;
			if ((columns = copy_of(line, "retention.ledger")) != NULL ||
				(columns = copy_of(line, "\"retention\".\"ledger\"")) != NULL)
				where = LEDGER;
			else if ((columns = copy_of(line, "retention.ledger_head")) != NULL ||
					 (columns = copy_of(line, "\"retention\".\"ledger_head\"")) != NULL)
				where = HEAD;
			if (columns != NULL && !read_layout(&layout, columns, where == LEDGER))
				return fail(dump, number, "a column of the ledger is missing");
			if (where == LEDGER && dump->has_ledger)
				return fail(dump, number, "a second ledger: pg_dump --table='retention.ledger*' --extension=privacy_retention dumps nothing else");
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
		if (where == OTHER)
		{
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
			!value_read_number(fields[layout.seq].text, &dump->head_seq))
			return fail(dump, number, "it is not the head of a ledger, or a second one");
		dump->has_head = true;
		dump->has_head_hash = read_hash(&fields[layout.hash], dump->head_hash);
		free(line);
	}
	if (!feof(file))
		return fail(dump, number, "what follows it cannot be read");
	if (where != OUTSIDE)
		return fail(dump, number, "it ends in the middle of the ledger");
	if (!dump->has_ledger)
		return fail(dump, number, "it ends, and has had no ledger (a line COPY retention.ledger (...) FROM stdin;)");
	if (dump->count > 0)
		qsort(dump->entries, dump->count, sizeof(DumpedEntry), by_place);
	return true;
}
