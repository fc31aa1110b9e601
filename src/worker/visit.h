/*
 * visit.h
 *		What the short-lived processes of the worker have in common: a session with
 *		settings of its own, transactions, and steps that may fail.
 *
 * Invariant: a step that fails is rolled back and said without what could be a
 * row's value; the process goes on.
 */
#ifndef RETENTION_VISIT_H
#define RETENTION_VISIT_H

#include "postgres.h"

#include "utils/portal.h"

/* Connects to the database, and settles the session; locks do not outlive it. */
extern void retention_visit_connect(Oid dbid);

/* A transaction that pg_stat_activity shows as "activity", and its commit. */
extern void retention_visit_start(const char *activity);
extern void retention_visit_commit(void);

/*
 * As autovacuum, for those who wait: while it gives way, the server cancels this
 * process when its lock is in somebody's way, and DROP DATABASE ends it.
 */
extern void retention_visit_give_way(bool yes);

/*
 * SPI keeps a snapshot for a statement and its commits with the portal in which
 * they run.  A client's CALL has one; a worker makes its own.
 */
extern Portal retention_visit_open_portal(void);
extern void retention_visit_close_portal(Portal portal);

/*
 * Runs step(arg), which begins and commits transactions.  NULL if it went well; else
 * what to say of its error, which is logged, in the caller's memory context, and
 * *sqlerrcode.
 */
extern char *retention_visit_attempt(void (*step) (void *arg), void *arg,
									 int *sqlerrcode);

#endif							/* RETENTION_VISIT_H */
