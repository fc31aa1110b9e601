/*
 * statement.h
 *		Which statement is the engine's own, while users' code runs around it.
 *
 * Invariant: what a user's function, trigger or index expression executes inside a
 * statement of the engine, or while that is being planned, is not the engine's.
 */
#ifndef RETENTION_STATEMENT_H
#define RETENTION_STATEMENT_H

#include "postgres.h"

#include "executor/spi.h"

/*
 * The statement that the caller is about to execute through SPI is the engine's: a
 * prepared plan, or, for SPI_execute_with_args(), this very text.  Ends with done()
 * or with the (sub)transaction.
 */
extern void retention_statement_expect_plan(SPIPlanPtr plan);
extern void retention_statement_expect_text(const char *text);
extern void retention_statement_done(void);

/* Asked by triggers: is the statement that they fire for the engine's? */
extern bool retention_statement_is_ours(void);

#endif							/* RETENTION_STATEMENT_H */
