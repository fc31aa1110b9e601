/*
 * procedure.h
 *		What a procedure needs that commits by itself.
 *
 * Invariant: nothing is committed under another identity than the caller's.
 */
#ifndef RETENTION_PROCEDURE_H
#define RETENTION_PROCEDURE_H

#include "postgres.h"

#include "fmgr.h"

/*
 * ERROR unless the call may commit: CALL as a statement of its own.  name: as it is
 * called; piece: of what it commits each by itself.
 */
extern void retention_procedure_require_nonatomic(FunctionCallInfo fcinfo, const char *name,
												  const char *piece);

/* Connects to SPI so that it may commit; ended by SPI_finish(). */
extern void retention_procedure_connect(void);

/* Commits.  The next transaction is READ COMMITTED, and has no snapshot yet. */
extern void retention_procedure_commit(void);

#endif							/* RETENTION_PROCEDURE_H */
