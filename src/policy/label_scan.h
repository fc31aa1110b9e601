/*
 * label_scan.h
 *		The words of a label: the core scanner's tokens, with a cursor.
 *
 * Invariant: tokens are in the order of the text, do not overlap, and the last
 * is RETENTION_TOKEN_END. How a label is cut into tokens depends on no setting.
 */
#ifndef RETENTION_LABEL_SCAN_H
#define RETENTION_LABEL_SCAN_H

#include "postgres.h"

#include "base/compat.h"

typedef enum RetentionTokenKind
{
	RETENTION_TOKEN_END,
	RETENTION_TOKEN_WORD,		/* an identifier or key word, not quoted */
	RETENTION_TOKEN_QUOTED,		/* a double-quoted identifier */
	RETENTION_TOKEN_STRING,		/* a string literal */
	RETENTION_TOKEN_NUMBER,
	RETENTION_TOKEN_OTHER		/* operators, punctuation and the rest */
} RetentionTokenKind;

typedef struct RetentionToken
{
	RetentionTokenKind kind;
	int			start;			/* byte offsets in the label */
	int			end;
	char	   *source;			/* as written */
	char	   *value;			/* WORD, QUOTED: SQL's identifier; STRING: the
								 * text; NUMBER: as written */
} RetentionToken;

typedef struct RetentionScan
{
	const char *text;
	RetentionToken *tokens;
	int			ntokens;
	int			next;			/* the cursor */
} RetentionScan;

/* Cuts the text into tokens; ERROR with the position when it cannot be. */
extern RetentionScan *retention_label_scan_tokens(const char *text);

/* The token at the cursor, and those after it (the end repeats for ever). */
extern RetentionToken *retention_label_scan_peek(RetentionScan *scan, int ahead);

/* Is the token that unquoted word (any case), or that punctuation? */
extern bool retention_label_scan_is(const RetentionToken *token, const char *what);

/* Steps over the token at the cursor if it is the word or punctuation. */
extern bool retention_label_scan_accept(RetentionScan *scan, const char *what);

/* Is it a name: a bare or quoted identifier, none of the grammar's own words? */
extern bool retention_label_scan_is_name(const RetentionToken *token);

/* The text between the quotes of a QUOTED token, or a WORD as written; never cut. */
extern char *retention_label_scan_written(const RetentionToken *token);

/*
 * Steps over bare words or one quoted name: a category or a domain. NULL, and
 * nothing stepped over, where there is none.
 */
extern char *retention_label_scan_phrase(RetentionScan *scan);

/* Can it be a name of a category or domain: no control characters, no odd blanks? */
extern bool retention_label_scan_phrase_is_clean(const char *phrase);

/* ERROR at the token unless the phrase is clean. */
extern void retention_label_scan_check_phrase(RetentionScan *scan,
											  const RetentionToken *token,
											  const char *phrase);

/* How such a phrase is written in a label: bare where that is read back the same. */
extern char *retention_label_scan_quote_phrase(const char *phrase);

/* The same for an identifier, independent of quote_all_identifiers. */
extern char *retention_label_scan_quote_name(const char *name);

/* Inside ereport(): the position in the text. */
extern int	retention_label_scan_errposition(const char *text, int location);

/* ERROR: "expected <what> <where>", at the cursor. */
pg_noreturn extern void retention_label_scan_expected(RetentionScan *scan, const char *what,
													  const char *where, const char *hint);

/* Steps over the word or punctuation, or says that it was expected. */
extern void retention_label_scan_expect(RetentionScan *scan, const char *what,
										const char *where, const char *hint);

/* ERROR with that message, at that byte of the label. */
pg_noreturn extern void retention_label_scan_refuse(RetentionScan *scan, int location, int code,
													const char *message, const char *hint);

#endif							/* RETENTION_LABEL_SCAN_H */
