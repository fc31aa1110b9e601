/*
 * opening.c
 *		The times of day at which the worker is allowed to work.
 *
 * Invariant: pure: a text, a zone and an instant are all that counts.
 */
#include "postgres.h"

#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "base/opening.h"

#define MINUTES_PER_DAY (HOURS_PER_DAY * MINS_PER_HOUR)

/* Minutes of the day; one past the last is open for the whole day's minutes. */
typedef struct Span
{
	int			begin;
	int			end;			/* not open any more; may be before begin */
} Span;

/* Reads "HH:MM"; -1 if it is none. */
static int
read_minute(const char **text)
{
	const char *s = *text;
	int			minute;

	for (int i = 0; i < 5; i++)
		if (i == 2 ? s[i] != ':' : s[i] < '0' || s[i] > '9')
			return -1;
	if (s[3] >= '6')
		return -1;
	minute = ((s[0] - '0') * 10 + s[1] - '0') * MINS_PER_HOUR +
		(s[3] - '0') * 10 + s[4] - '0';
	*text = s + 5;
	return minute <= MINUTES_PER_DAY ? minute : -1;
}

static const char *
skip_blanks(const char *text)
{
	while (*text == ' ')
		text++;
	return text;
}

/* Reads the next span; NULL or what is wrong.  *text is behind it, and its comma. */
static const char *
read_span(const char **text, Span *span)
{
	const char *s = skip_blanks(*text);

	if ((span->begin = read_minute(&s)) < 0)
		return "Times of day are expected, such as 22:00-06:00, several separated by commas.";
	s = skip_blanks(s);
	if (*s++ != '-')
		return "A begin and an end are expected, such as 22:00-06:00.";
	s = skip_blanks(s);
	if ((span->end = read_minute(&s)) < 0)
		return "Times of day are expected, such as 22:00-06:00, several separated by commas.";
	if (span->begin == MINUTES_PER_DAY)
		return "A time begins at 23:59 at the latest: 24:00 can only be its end.";
	if (span->begin == span->end)
		return "Begin and end are the same. The whole day is 00:00-24:00, or an empty setting.";
	s = skip_blanks(s);
	if (*s == ',')
	{
		s = skip_blanks(s + 1);
		if (*s == '\0')
			return "Another time of day is expected after the last comma.";
	}
	else if (*s != '\0')
		return "A comma is expected between two times of day.";
	*text = s;
	return NULL;
}

const char *
retention_opening_problem(const char *text)
{
	const char *problem = NULL;
	Span		span;

	text = skip_blanks(text);
	while (problem == NULL && *text != '\0')
		problem = read_span(&text, &span);
	return problem;
}

/* Is the span open at that minute of the day? */
static bool
covers(const Span *span, int minute)
{
	if (span->begin < span->end)
		return minute >= span->begin && minute < span->end;
	return minute >= span->begin || minute < span->end;
}

/* Open at that minute of the day? */
static bool
is_open(const char *text, int minute)
{
	Span		span;

	text = skip_blanks(text);
	if (*text == '\0')
		return true;
	while (*text != '\0' && read_span(&text, &span) == NULL)
		if (covers(&span, minute))
			return true;
	return false;
}

/* The instant of a time of day, some days after the day of "local". */
static TimestampTz
instant(const struct pg_tm *local, int days, int minute, pg_tz *zone)
{
	struct pg_tm tm = {0};
	int			offset;
	TimestampTz result;

	j2date(date2j(local->tm_year, local->tm_mon, local->tm_mday) + days,
		   &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	tm.tm_hour = minute / MINS_PER_HOUR;
	tm.tm_min = minute % MINS_PER_HOUR;
	offset = DetermineTimeZoneOffset(&tm, zone);
	if (tm2timestamp(&tm, 0, &offset, &result) != 0)
		return DT_NOEND;
	return result;
}

TimestampTz
retention_opening_next(const char *text, pg_tz *zone, TimestampTz now)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			offset;
	TimestampTz next = DT_NOEND;
	Span		span;

	if (timestamp2tm(now, &offset, &tm, &fsec, NULL, zone) != 0)
		return now;
	if (is_open(text, tm.tm_hour * MINS_PER_HOUR + tm.tm_min))
		return now;
	text = skip_blanks(text);
	while (*text != '\0' && read_span(&text, &span) == NULL)
		for (int days = 0; days <= 1; days++)
		{
			TimestampTz begin = instant(&tm, days, span.begin, zone);

			if (begin > now)
				next = Min(next, begin);
		}
	return next;
}

int
retention_opening_longest_closed(const char *text)
{
	int			closed = 0;
	int			longest = 0;

	/* twice round, for what begins before midnight */
	for (int minute = 0; minute < 2 * MINUTES_PER_DAY; minute++)
	{
		closed = is_open(text, minute % MINUTES_PER_DAY) ? 0 : closed + 1;
		longest = Max(longest, closed);
	}
	return longest * SECS_PER_MINUTE;
}
