/*
 * label_scan.c
 *		The words of a label: the core scanner's tokens, with a cursor.
 *
 * The scanner is given an empty list of key words, so that every word comes back
 * as an identifier and what SQL reserves stays usable in a category's name.
 *
 * Invariant: tokens are in the order of the text, do not overlap, and the last
 * is RETENTION_TOKEN_END.
 */
#include "postgres.h"

#include "base/compat.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "parser/scanner.h"
#include "policy/label_scan.h"

/*
 * The core scanner's token codes: bison gives 258 to the first %token, and
 * parser/scanner.h promises that these come first and in this order. Operators
 * are told by their text, so no later code matters.
 */
enum
{
	CORE_IDENT = 258,
	CORE_UIDENT,
	CORE_FCONST,
	CORE_SCONST,
	CORE_USCONST,
	CORE_BCONST,
	CORE_XCONST,
	CORE_OP,
	CORE_ICONST
};

/* Words that end a bare category, and that SQL reserves too: no bare column. */
static const char *const own_words[] = {"then", "where", "from", "for"};
static const char *const path_words[] = {"then", "where", "from", "for", "or", "references"};

/* No word is longer than max_kw_len, so neither table nor hash is looked at. */
static int
no_hash(const void *key, size_t keylen)
{
	return -1;
}

static const ScanKeywordList no_keywords = {"", NULL, no_hash, 0, 0};

/* Moves the scanner's position from the statement to the label. */
static void
move_position(void *arg)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery((const char *) arg);
	}
}

static RetentionTokenKind
classify(int code, const char *source)
{
	switch (code)
	{
		case CORE_IDENT:
			return source[0] == '"' ? RETENTION_TOKEN_QUOTED : RETENTION_TOKEN_WORD;
		case CORE_SCONST:
			return RETENTION_TOKEN_STRING;
		case CORE_FCONST:
		case CORE_ICONST:
			return RETENTION_TOKEN_NUMBER;
		default:
			return RETENTION_TOKEN_OTHER;
	}
}

RetentionScan *
retention_label_scan_tokens(const char *text)
{
	RetentionScan *scan = palloc0(sizeof(RetentionScan));
	int			capacity = 32;
	ErrorContextCallback callback;
	core_yy_extra_type extra;
	core_yyscan_t scanner;

	scan->text = text;
	scan->tokens = palloc(capacity * sizeof(RetentionToken));

	callback.callback = move_position;
	callback.arg = unconstify(char *, text);
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	scanner = scanner_init(text, &extra, &no_keywords, NULL);
	retention_compat_scan_standard(&extra);

	for (;;)
	{
		core_YYSTYPE value;
		YYLTYPE		location = 0;
		RetentionToken *token;
		int			code = core_yylex(&value, &location, scanner);

		if (scan->ntokens == capacity)
		{
			capacity *= 2;
			scan->tokens = repalloc(scan->tokens, capacity * sizeof(RetentionToken));
		}
		token = &scan->tokens[scan->ntokens++];
		memset(token, 0, sizeof(*token));

		if (code == 0)
		{
			token->kind = RETENTION_TOKEN_END;
			token->start = token->end = strlen(text);
			token->source = "";
			break;
		}

		/*
		 * The scanner ends its current token with a null byte in its own
		 * buffer.
		 */
		token->start = location;
		token->source = pstrdup(extra.scanbuf + location);
		token->end = location + strlen(token->source);
		token->kind = classify(code, token->source);
		if (token->kind == RETENTION_TOKEN_NUMBER)
			token->value = token->source;
		else if (token->kind != RETENTION_TOKEN_OTHER)
			token->value = pstrdup(value.str);
	}

	scanner_finish(scanner);
	error_context_stack = callback.previous;
	return scan;
}

RetentionToken *
retention_label_scan_peek(RetentionScan *scan, int ahead)
{
	return &scan->tokens[Min(scan->next + ahead, scan->ntokens - 1)];
}

bool
retention_label_scan_is(const RetentionToken *token, const char *what)
{
	if (token->kind == RETENTION_TOKEN_WORD)
		return pg_strcasecmp(token->source, what) == 0;
	return token->kind == RETENTION_TOKEN_OTHER && strcmp(token->source, what) == 0;
}

bool
retention_label_scan_accept(RetentionScan *scan, const char *what)
{
	if (!retention_label_scan_is(retention_label_scan_peek(scan, 0), what))
		return false;
	scan->next++;
	return true;
}

bool
retention_label_scan_is_name(const RetentionToken *token)
{
	if (token->kind == RETENTION_TOKEN_WORD)
	{
		for (int i = 0; i < lengthof(path_words); i++)
			if (retention_label_scan_is(token, path_words[i]))
				return false;
		return true;
	}
	return token->kind == RETENTION_TOKEN_QUOTED;
}

char *
retention_label_scan_written(const RetentionToken *token)
{
	char	   *result = pstrdup(token->source);
	char	   *to = result;

	if (token->kind != RETENTION_TOKEN_QUOTED)
		return result;
	for (const char *from = token->source + 1; from[1] != '\0'; from++)
	{
		if (from[0] == '"')
			from++;
		*to++ = *from;
	}
	*to = '\0';
	return result;
}

static bool
is_own_word(const RetentionToken *token)
{
	for (int i = 0; i < lengthof(own_words); i++)
		if (retention_label_scan_is(token, own_words[i]))
			return true;
	return false;
}

/* Digits, as a part of a phrase. */
static bool
is_digits(const RetentionToken *token)
{
	return token->kind == RETENTION_TOKEN_NUMBER &&
		strspn(token->source, "0123456789") == strlen(token->source);
}

char *
retention_label_scan_phrase(RetentionScan *scan)
{
	RetentionToken *token = retention_label_scan_peek(scan, 0);
	StringInfoData phrase;

	if (token->kind == RETENTION_TOKEN_QUOTED)
	{
		scan->next++;
		return retention_label_scan_written(token);
	}
	if (token->kind != RETENTION_TOKEN_WORD || is_own_word(token))
		return NULL;

	initStringInfo(&phrase);
	appendStringInfoString(&phrase, token->source);
	scan->next++;
	for (;;)
	{
		RetentionToken *last = &scan->tokens[scan->next - 1];
		RetentionToken *word = retention_label_scan_peek(scan, 0);
		bool		hyphen = false;

		if (retention_label_scan_is(word, "-") && word->start == last->end)
		{
			word = retention_label_scan_peek(scan, 1);
			if (word->start != last->end + 1)
				break;
			hyphen = true;
		}
		if (!is_digits(word) &&
			(word->kind != RETENTION_TOKEN_WORD || (!hyphen && is_own_word(word))))
			break;
		appendStringInfoChar(&phrase, hyphen ? '-' : ' ');
		appendStringInfoString(&phrase, word->source);
		scan->next += hyphen ? 2 : 1;
	}
	return phrase.data;
}

bool
retention_label_scan_phrase_is_clean(const char *phrase)
{
	size_t		length = strlen(phrase);

	if (length == 0 || phrase[0] == ' ' || phrase[length - 1] == ' ')
		return false;
	for (const char *c = phrase; *c != '\0'; c++)
		if ((unsigned char) *c < ' ' || *c == 0x7f)
			return false;
	return true;
}

void
retention_label_scan_check_phrase(RetentionScan *scan, const RetentionToken *token,
								  const char *phrase)
{
	if (!retention_label_scan_phrase_is_clean(phrase))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("name %s is not clean", token->source),
				 errdetail("Blanks at the ends and control characters are not part of a name."),
				 errhint("Write for example: \"account data\"."),
				 retention_label_scan_errposition(scan->text, token->start)));
}

static char *
double_quote(const char *text)
{
	StringInfoData quoted;

	initStringInfo(&quoted);
	appendStringInfoChar(&quoted, '"');
	for (; *text != '\0'; text++)
	{
		if (*text == '"')
			appendStringInfoChar(&quoted, '"');
		appendStringInfoChar(&quoted, *text);
	}
	appendStringInfoChar(&quoted, '"');
	return quoted.data;
}

static bool
is_letter(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || IS_HIGHBIT_SET(c);
}

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

char *
retention_label_scan_quote_phrase(const char *phrase)
{
	const char *c = phrase;
	RetentionScan *scan;
	char	   *read;

	/* Only words, digits, single blanks and single hyphens: safe to scan. */
	if (!is_letter(*c))
		return double_quote(phrase);
	while (*c != '\0')
	{
		if (is_digit(*c))
		{
			c += strspn(c, "0123456789");
			if (is_letter(*c))
				return double_quote(phrase);
		}
		else
		{
			while (is_letter(*c) || is_digit(*c))
				c++;
		}
		if (*c == '\0')
			break;
		if ((*c != ' ' && *c != '-') || (!is_letter(c[1]) && !is_digit(c[1])))
			return double_quote(phrase);
		c++;
	}
	scan = retention_label_scan_tokens(phrase);
	read = retention_label_scan_phrase(scan);
	if (read == NULL || strcmp(read, phrase) != 0 ||
		retention_label_scan_peek(scan, 0)->kind != RETENTION_TOKEN_END)
		return double_quote(phrase);
	return pstrdup(phrase);
}

char *
retention_label_scan_quote_name(const char *name)
{
	if (name[0] == '\0' || is_digit(name[0]) ||
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name))
		return double_quote(name);
	for (int i = 0; i < lengthof(path_words); i++)
		if (strcmp(name, path_words[i]) == 0)
			return double_quote(name);
	return pstrdup(name);
}

int
retention_label_scan_errposition(const char *text, int location)
{
	if (location < 0)
		return 0;
	internalerrquery(text);
	return internalerrposition(pg_mbstrlen_with_len(text, location) + 1);
}

void
retention_label_scan_expected(RetentionScan *scan, const char *what,
							  const char *where, const char *hint)
{
	RetentionToken *token = retention_label_scan_peek(scan, 0);

	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("expected %s %s", what, where),
			 token->kind == RETENTION_TOKEN_END ?
			 errdetail("The label ends here.") :
			 errdetail("The label has \"%s\" here.", token->source),
			 hint ? errhint("%s", hint) : 0,
			 retention_label_scan_errposition(scan->text, token->start)));
}

void
retention_label_scan_expect(RetentionScan *scan, const char *what,
							const char *where, const char *hint)
{
	if (!retention_label_scan_accept(scan, what))
		retention_label_scan_expected(scan, psprintf("\"%s\"", what), where, hint);
}

void
retention_label_scan_refuse(RetentionScan *scan, int location, int code,
							const char *message, const char *hint)
{
	ereport(ERROR,
			(errcode(code),
			 errmsg("%s", message),
			 errhint("%s", hint),
			 retention_label_scan_errposition(scan->text, location)));
}
