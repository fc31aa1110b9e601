/*
 * personal.c
 *		Does a column look as if it held personal data?
 *
 * A name is cut into words: at underscores, blanks and other punctuation, and
 * where camelCase begins a word. The longest phrase that the lexicon knows
 * counts, unless the words after or before it make it one of something else.
 *
 * Invariant: a guess from names and types; no value is read, and none is needed.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "report/lexicon.h"
#include "report/personal.h"

#define MAX_WORDS 12
#define PHRASE_WORDS 4
#define PHRASE_SIZE 64
/* Shorter words are many things: they count only at an end of the name. */
#define SHORT_WORD 4

PG_FUNCTION_INFO_V1(retention_personal_judge_sql);

typedef struct Words
{
	int			count;
	char		word[MAX_WORDS][NAMEDATALEN];
} Words;

/* A phrase of the lexicon, and the groups that it is in. */
typedef struct Phrase
{
	char		text[PHRASE_SIZE];	/* key */
	int			count;
	const RetentionLexiconGroup *groups[4];
} Phrase;

static HTAB *phrases = NULL;

static void
learn(const RetentionLexiconGroup *group)
{
	const char *at = group->words;

	while (*++at != '\0')
	{
		const char *end = strchr(at, '|');
		char		text[PHRASE_SIZE] = {0};
		Phrase	   *phrase;
		bool		found;

		memcpy(text, at, Min(end - at, PHRASE_SIZE - 1));
		phrase = hash_search(phrases, text, HASH_ENTER, &found);
		if (!found)
			phrase->count = 0;
		if (phrase->count < lengthof(phrase->groups))
			phrase->groups[phrase->count++] = group;
		at = end;
	}
}

static void
learn_all(void)
{
	HASHCTL		control = {.keysize = PHRASE_SIZE,.entrysize = sizeof(Phrase),
	.hcxt = TopMemoryContext};

	if (phrases != NULL)
		return;
	phrases = hash_create("words of personal data", 1024, &control,
						  HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	for (int i = 0; retention_lexicon_groups[i].words != NULL; i++)
		learn(&retention_lexicon_groups[i]);
}

/* Is the word in a list of the lexicon? */
static bool
is_one_of(const char *word, const char *list)
{
	char		item[NAMEDATALEN + 2];

	snprintf(item, sizeof(item), "|%s|", word);
	return strstr(list, item) != NULL;
}

/* The ASCII spelling of a Latin letter of two bytes in UTF-8; "" for others. */
static const char *
plain_letter(unsigned char first, unsigned char second)
{
	/* U+00C0 to U+00FF, whose capitals come first */
	static const char *const latin[] = {
		"a", "a", "a", "a", "ae", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",
		"d", "n", "o", "o", "o", "o", "oe", "", "o", "u", "u", "u", "ue", "y", "th", "ss"
	};

	if (first != 0xC3 || second < 0x80)
		return "";
	return latin[(second - 0x80) % 32];
}

static void
append(Words *words, bool *open, const char *text)
{
	if (!*open)
	{
		if (words->count == MAX_WORDS)
			return;
		words->word[words->count++][0] = '\0';
		*open = true;
	}
	strlcat(words->word[words->count - 1], text, NAMEDATALEN);
}

static void
cut(const char *name, Words *words)
{
	bool		open = false;

	words->count = 0;
	for (const char *at = name; *at != '\0'; at++)
	{
		unsigned char c = (unsigned char) *at;
		char		text[2] = {(char) pg_tolower(c), '\0'};

		if (c >= 0x80)
		{
			append(words, &open, plain_letter(c, (unsigned char) at[1]));
			while (((unsigned char) at[1] & 0xC0) == 0x80)
				at++;
			continue;
		}
		if (!isalnum(c))
		{
			open = false;
			continue;
		}
		/* fooBar: a word begins; also the B of "IPBar" */
		if (isupper(c) && at > name &&
			(islower((unsigned char) at[-1]) ||
			 (isupper((unsigned char) at[-1]) && islower((unsigned char) at[1]))))
			open = false;
		append(words, &open, text);
	}
}

static Phrase *
look_up(const Words *words, int first, int count)
{
	char		text[PHRASE_SIZE] = {0};
	Phrase	   *phrase;

	for (int i = first; i < first + count; i++)
	{
		if (i > first)
			strlcat(text, " ", PHRASE_SIZE);
		strlcat(text, words->word[i], PHRASE_SIZE);
	}
	phrase = hash_search(phrases, text, HASH_FIND, NULL);
	if (phrase == NULL)
	{
		/* address2 */
		int			length = strlen(text);

		while (length > 1 && isdigit((unsigned char) text[length - 1]))
			text[--length] = '\0';
		phrase = hash_search(phrases, text, HASH_FIND, NULL);
	}
	return phrase;
}

/* Do the words around the phrase make it one of something else? */
static bool
is_of_something_else(const Words *words, int first, int count)
{
	for (int i = 0; i < first; i++)
		if (is_one_of(words->word[i], retention_lexicon_things))
			return true;
	for (int i = first + count; i < words->count; i++)
		if (is_one_of(words->word[i], retention_lexicon_heads) ||
			is_one_of(words->word[i], retention_lexicon_keys))
			return true;
	return false;
}

static bool
has_person(const Words *words)
{
	for (int i = 0; i < words->count; i++)
		if (is_one_of(words->word[i], retention_lexicon_persons))
			return true;
	return false;
}

/* Which words may count for the type; 0 = none. */
static int
type_class(Oid type)
{
	char		category;
	bool		preferred;
	Oid			base = getBaseType(type);
	Oid			element = get_element_type(base);

	if (OidIsValid(element))
		return type_class(element);
	if (base == UUIDOID)
		return RETENTION_LEXICON_UUID;
	get_type_category_preferred(base, &category, &preferred);
	switch (category)
	{
		case TYPCATEGORY_BOOLEAN:
			return RETENTION_LEXICON_CHOICE;
		case TYPCATEGORY_ENUM:
			return RETENTION_LEXICON_CHOICE | RETENTION_LEXICON_TEXT;
		case TYPCATEGORY_NUMERIC:
			return RETENTION_LEXICON_NUMBER;
		case TYPCATEGORY_DATETIME:
			return RETENTION_LEXICON_TIME;
		case TYPCATEGORY_TIMESPAN:
		case TYPCATEGORY_PSEUDOTYPE:
			return 0;
		default:
			return RETENTION_LEXICON_TEXT;
	}
}

static bool
is_key(const char *word)
{
	return is_one_of(word, retention_lexicon_keys) ||
		is_one_of(word, retention_lexicon_numbers);
}

/* user_id, customer uuid, kundennr; also a column "customer" alone. */
static bool
tells_person(const Words *words, int class)
{
	if ((class & (RETENTION_LEXICON_TEXT | RETENTION_LEXICON_NUMBER | RETENTION_LEXICON_UUID)) == 0)
		return false;
	for (int i = 0; i < words->count; i++)
	{
		char		stem[NAMEDATALEN];
		int			length = strlen(words->word[i]);

		if (is_one_of(words->word[i], retention_lexicon_persons) &&
			(words->count == 1 ||
			 (i + 2 == words->count && is_key(words->word[i + 1]))))
			return true;
		/* userid, kundennr */
		strlcpy(stem, words->word[i], NAMEDATALEN);
		if (i + 1 == words->count && length > 4 &&
			(strcmp(stem + length - 2, "id") == 0 || strcmp(stem + length - 2, "nr") == 0))
		{
			stem[length - 2] = '\0';
			if (is_one_of(stem, retention_lexicon_persons))
				return true;
		}
	}
	return false;
}

const char *
retention_personal_judge(const char *table, const char *column, Oid type)
{
	Words		words;
	Words		table_words;
	int			class = type_class(type);
	Oid			base = getBaseType(type);
	Oid			element = get_element_type(base);

	if (OidIsValid(element))
		base = getBaseType(element);
	if (base == INETOID || base == CIDROID || base == MACADDROID || base == MACADDR8OID)
		return "a network address";
	if (class == 0)
		return NULL;
	learn_all();
	cut(table, &table_words);
	cut(column, &words);

	for (int count = Min(PHRASE_WORDS, words.count); count > 0; count--)
		for (int first = 0; first + count <= words.count; first++)
		{
			Phrase	   *phrase = look_up(&words, first, count);

			if (phrase == NULL || is_of_something_else(&words, first, count) ||
				(count == 1 && strlen(words.word[first]) <= SHORT_WORD &&
				 first > 0 && first + 1 < words.count))
				continue;
			for (int i = 0; i < phrase->count; i++)
			{
				const RetentionLexiconGroup *group = phrase->groups[i];

				if ((group->types & class) != 0 &&
					((group->types & RETENTION_LEXICON_OF_PERSON) == 0 ||
					 has_person(&table_words)))
					return group->meaning;
			}
		}
	return tells_person(&words, class) ? "whoever the row is about" : NULL;
}

Datum
retention_personal_judge_sql(PG_FUNCTION_ARGS)
{
	const char *meaning = retention_personal_judge(NameStr(*PG_GETARG_NAME(0)),
												   NameStr(*PG_GETARG_NAME(1)),
												   PG_GETARG_OID(2));

	if (meaning == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(meaning));
}
