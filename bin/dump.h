/*
 * dump.h
 *		Reads the ledger from a dump that pg_dump made, as text.
 *
 * Invariant: any file: what it cannot read is a problem with a line's number, and
 * nothing that it reads is executed.
 */
#ifndef RETENTION_DUMP_H
#define RETENTION_DUMP_H

#include <stdbool.h>
#include <stdio.h>

#include "evidence/entry.h"

typedef struct DumpedEntry
{
	int64_t		seq;
	bool		has_prev_hash;
	bool		has_hash;
	uint8_t		prev_hash[RETENTION_DIGEST_LENGTH];
	uint8_t		hash[RETENTION_DIGEST_LENGTH];
	RetentionEntry entry;		/* its texts are in "line" */
	bool		proper;			/* its values are such as entries are written
								 * with */
	char	   *line;
}			DumpedEntry;

typedef struct Dump
{
	DumpedEntry *entries;		/* sealed, by place */
	size_t		count;
	size_t		room;
	size_t		unsealed;
	bool		has_ledger;		/* the dump has the table */
	bool		has_head;
	int64_t		head_seq;
	bool		has_head_hash;
	uint8_t		head_hash[RETENTION_DIGEST_LENGTH];
	char		problem[160];	/* "" = none */
}			Dump;

/* Reads to the end of the file; false and a problem. */
extern bool dump_read(Dump * dump, FILE *file);

#endif							/* RETENTION_DUMP_H */
