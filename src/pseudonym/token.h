/*
 * token.h
 *		Pseudonyms: marked tokens by type.
 *
 * Invariant: a token is never tokenised again.
 */
#ifndef RETENTION_TOKEN_H
#define RETENTION_TOKEN_H

#include "postgres.h"

/* NULL if values of the type can be tokenised; else why not. */
extern char *retention_token_problem(Oid type, int32 typmod, char **hint);

/*
 * The engine's statements run as the table's owner, who has no right to ask for
 * pseudonyms: they may be made only while this is true.  Set and cleared by
 * enforce/batch; cleared also when a transaction ends.
 */
extern void retention_token_permit(bool permitted);

#endif							/* RETENTION_TOKEN_H */
