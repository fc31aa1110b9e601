/*
 * label.h
 *		The grammar of security labels: from text to a tree.
 *
 * Invariant: the tree is syntax only. No name in it has been looked up, and
 * each node remembers the byte offset in the label at which it stands, so that
 * whoever looks it up can say where it is wrong, and renames can rewrite it.
 */
#ifndef RETENTION_LABEL_H
#define RETENTION_LABEL_H

#include "postgres.h"

#include "nodes/pg_list.h"

#define RETENTION_PROVIDER "privacy_retention"

/* What a label says of a table or column without any; never a category. */
#define RETENTION_NO_PERSONAL_DATA "no personal data"

typedef enum RetentionActionKind
{
	RETENTION_DELETE,
	RETENTION_SET_NULL,
	RETENTION_SET_DEFAULT,
	RETENTION_SET_LITERAL,
	RETENTION_TRUNCATE,
	RETENTION_ROUND,
	RETENTION_PSEUDONYMISE,
	RETENTION_DECORRELATE,
	RETENTION_REMOVE,
	RETENTION_KEEP,
	RETENTION_CALL
} RetentionActionKind;

typedef struct RetentionAction
{
	RetentionActionKind kind;
	char	   *literal;		/* SET_LITERAL: the value's text */
	int			length;			/* TRUNCATE: characters, or bits of IPv4 */
	int			length6;		/* TRUNCATE: bits of IPv6; -1 = not given */
	char	   *unit;			/* ROUND: a date_trunc unit or a number's text */
	bool		unit_is_number;
	char	   *domain;			/* PSEUDONYMISE: NULL = the category */
	List	   *paths;			/* REMOVE, KEEP: a List of char * keys each */
	List	   *function;		/* CALL: List of String, qualified name */
	int			location;
} RetentionAction;

typedef struct RetentionHop
{
	char	   *name;			/* column, or constraint */
	char	   *references_schema;	/* NULL = not given */
	char	   *references_table;	/* NULL = follow a foreign key */
	char	   *references_column;
	int			location;		/* of name */
	int			table_location; /* of the table's first name, or -1 */
	int			column_location;	/* of references_column, or -1 */
} RetentionHop;

typedef struct RetentionValue
{
	bool		is_column;		/* text is one column's name (not quoted) */
	bool		is_call;		/* text is one function call */
	char	   *text;			/* else an SQL expression, as written; no
								 * comment or blank at its ends */
	int			location;		/* of text */
} RetentionValue;

typedef struct RetentionPath
{
	List	   *hops;			/* of RetentionHop * */
	RetentionValue *value;
	int			location;
} RetentionPath;

typedef struct RetentionStart
{
	List	   *paths;			/* of RetentionPath *, joined by "or" */
	int			location;
} RetentionStart;

typedef struct RetentionStage
{
	char	   *category;
	RetentionValue *condition;	/* where; NULL = always */
	RetentionStart *start;		/* NULL = the table's "from" */
	RetentionPath *period;		/* for; NULL = the category's */
	RetentionAction *action;	/* NULL = goes with the row (columns only) */
	int			location;
	int			category_location;
} RetentionStage;

typedef struct RetentionLabel
{
	char	   *text;			/* the label, as given */
	const char *called;			/* in messages; NULL = "a retention label" */
	bool		no_personal_data;
	RetentionStart *from;		/* NULL = none */
	List	   *stages;			/* of RetentionStage * */
	List	   *subjects;		/* of RetentionPath * */
} RetentionLabel;

/*
 * Parses a label.  ERROR (syntax_error) with the position in the label
 * (internalerrquery), what was expected, and a HINT.  is_column: a column's
 * label; otherwise a table's: what only one of them may have is refused.
 * The result lives in the current memory context.
 */
extern RetentionLabel *retention_label_parse(const char *text, bool is_column);

/* What the label says of them, in canonical spelling, palloc'd. */
extern char *retention_label_action_text(const RetentionAction *action);
extern char *retention_label_start_text(const RetentionStart *start);
extern char *retention_label_path_text(const RetentionPath *path);

/* errposition() for a label: use inside ereport(). */
extern int	retention_label_errposition(const RetentionLabel *label, int location);

#endif							/* RETENTION_LABEL_H */
