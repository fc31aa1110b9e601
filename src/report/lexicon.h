/*
 * lexicon.h
 *		Words of column names that tell of persons, in six languages.
 *
 * Invariant: nothing but names and types is looked at, never a value.
 */
#ifndef RETENTION_LEXICON_H
#define RETENTION_LEXICON_H

#include "postgres.h"

/* Of which types a column must be for the words to count: a set. */
#define RETENTION_LEXICON_TEXT 1	/* text, bytes, documents, arrays of them */
#define RETENTION_LEXICON_NUMBER 2
#define RETENTION_LEXICON_TIME 4	/* dates and times */
#define RETENTION_LEXICON_UUID 8
#define RETENTION_LEXICON_CHOICE 16 /* also booleans and enumerations */
/* The words count only in tables of persons. */
#define RETENTION_LEXICON_OF_PERSON 32

/* Lists of words are one string: "|word|two words|". */
typedef struct RetentionLexiconGroup
{
	const char *meaning;		/* what such a column looks like */
	int			types;
	const char *words;
} RetentionLexiconGroup;

/* Ends with a group whose words are NULL. */
extern const RetentionLexiconGroup retention_lexicon_groups[];

/* Words for persons. */
extern const char *const retention_lexicon_persons;

/* Words that, after a word for a person, say which one. */
extern const char *const retention_lexicon_keys;
extern const char *const retention_lexicon_numbers;

/*
 * Words at the end of a name by which it is about something else: the count of
 * the telephones, the type of the token.
 */
extern const char *const retention_lexicon_heads;

/* Words before others by which those are no person's: the name of a file. */
extern const char *const retention_lexicon_things;

#endif							/* RETENTION_LEXICON_H */
