/*
 * procedure.c
 *		What a procedure needs that commits by itself.
 *
 * Invariant: nothing is committed under another identity than the caller's: it
 * would outlive the call.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"

#include "base/identity.h"
#include "base/procedure.h"

void
retention_procedure_require_nonatomic(FunctionCallInfo fcinfo, const char *name,
									  const char *piece)
{
	if (IsA(fcinfo->context, CallContext) &&
		!((CallContext *) fcinfo->context)->atomic)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
			 errmsg("%s() cannot run inside a transaction block", name),
			 errdetail("It commits each %s by itself.", piece),
			 errhint("Send CALL %s() as a statement of its own: no BEGIN, no function, no other statement beside it.",
					 name)));
}

void
retention_procedure_connect(void)
{
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
}

void
retention_procedure_commit(void)
{
	retention_identity_assert_none();
	SPI_commit();
	XactIsoLevel = XACT_READ_COMMITTED;
}
