/*
 * token.c
 *		Pseudonyms: marked tokens by type.
 *
 * Invariant: a token is never tokenised again: whoever makes one asks first
 * whether the value is one, by the same code as retention.is_pseudonym().
 */
#include "postgres.h"

#include <sys/socket.h>

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/inet.h"
#include "utils/lsyscache.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "pseudonym/keyring.h"
#include "pseudonym/mark.h"
#include "pseudonym/token.h"

#define BIGINT_FIRST (INT64CONST(1) << 62)
#define IPV6_LENGTH 16

/* The level of the transaction that was permitted to make tokens; 0 = none. */
static int	permitted_level = 0;

/* What a call site knows of its argument. */
typedef struct Site
{
	RetentionPseudonymKind kind;
	bool		folds;			/* citext: Bob and bob are one value */
	bool		pads;			/* char(n): blanks at the end do not count */
} Site;

PG_FUNCTION_INFO_V1(retention_token_pseudonym_sql);
PG_FUNCTION_INFO_V1(retention_token_pseudonymised_sql);
PG_FUNCTION_INFO_V1(retention_token_decorrelated_sql);
PG_FUNCTION_INFO_V1(retention_token_is_pseudonym_sql);

/* ---- Types ---- */

/* citext is an extension's type: it has no OID that could be known before. */
bool
retention_token_is_citext(Oid type)
{
	Oid			base = getBaseType(type);
	Oid			extension;
	char	   *name;

	if (base < FirstNormalObjectId || !type_is_collatable(base))
		return false;
	extension = getExtensionOfObject(TypeRelationId, base);
	if (!OidIsValid(extension))
		return false;
	name = get_extension_name(extension);
	return name != NULL && strcmp(name, "citext") == 0;
}

RetentionPseudonymKind
retention_token_kind(Oid type)
{
	switch (getBaseType(type))
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return RETENTION_PSEUDONYM_TEXT;
		case BYTEAOID:
			return RETENTION_PSEUDONYM_BYTEA;
		case UUIDOID:
			return RETENTION_PSEUDONYM_UUID;
		case INT8OID:
			return RETENTION_PSEUDONYM_BIGINT;
		case INETOID:
			return RETENTION_PSEUDONYM_INET;
		default:
			return retention_token_is_citext(type) ? RETENTION_PSEUDONYM_TEXT :
				RETENTION_PSEUDONYM_NONE;
	}
}

static const char *
hint_for_type(Oid base)
{
	switch (base)
	{
		case INT2OID:
		case INT4OID:
			return "ALTER the column's type to bigint, or use \"set null\" or \"round to\".";
		case CIDROID:
			return "ALTER the column's type to inet, or use \"truncate to\".";
		case JSONBOID:
			return "Use \"remove\" or \"keep\" with the keys of the value.";
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case NUMERICOID:
		case FLOAT4OID:
		case FLOAT8OID:
			return "Use \"round to\" or \"set null\".";
		default:
			return "Pseudonyms can be text, varchar, citext, bytea, uuid, bigint or inet; \"call\" takes a function of yours.";
	}
}

char *
retention_token_problem(Oid type, int32 typmod, char **hint)
{
	int32		base_typmod = typmod;
	Oid			base = getBaseTypeAndTypmod(type, &base_typmod);

	*hint = NULL;
	if (retention_token_kind(base) == RETENTION_PSEUDONYM_NONE)
	{
		*hint = pstrdup(hint_for_type(base));
		return psprintf("values of type %s cannot be pseudonymised",
						format_type_be(type));
	}
	if ((base == VARCHAROID || base == BPCHAROID) &&
		base_typmod >= (int32) VARHDRSZ &&
		base_typmod - (int32) VARHDRSZ < RETENTION_TEXT_LENGTH)
	{
		*hint = psprintf("ALTER the column's type to varchar(%d) or longer.",
						 RETENTION_TEXT_LENGTH);
		return psprintf("a pseudonym has %d characters, and the column takes %d",
						RETENTION_TEXT_LENGTH, base_typmod - (int32) VARHDRSZ);
	}
	return NULL;
}

/* ---- Tokens as values ---- */

/* Bytes of a text value that count for it. */
static size_t
text_length(const Site *site, const text * value)
{
	if (site->pads)
		return bpchartruelen(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	return VARSIZE_ANY_EXHDR(value);
}

static bool
is_token(const Site *site, Datum value)
{
	uint8		token[RETENTION_TOKEN_LENGTH];
	uint8		prefix[RETENTION_ULA_LENGTH];

	switch (site->kind)
	{
		case RETENTION_PSEUDONYM_TEXT:
			{
				text	   *t = DatumGetTextPP(value);

				return text_length(site, t) == RETENTION_TEXT_LENGTH &&
					retention_mark_decode(VARDATA_ANY(t), token) && retention_mark_check('t', token);
			}
		case RETENTION_PSEUDONYM_BYTEA:
			{
				bytea	   *b = DatumGetByteaPP(value);

				return VARSIZE_ANY_EXHDR(b) == RETENTION_TOKEN_LENGTH &&
					retention_mark_check('b', (uint8 *) VARDATA_ANY(b));
			}
		case RETENTION_PSEUDONYM_UUID:
			{
				const uint8 *u = DatumGetUUIDP(value)->data;

				return (u[6] & 0xf0) == 0x80 && (u[8] & 0xc0) == 0x80 &&
					retention_mark_check('u', u);
			}
		case RETENTION_PSEUDONYM_BIGINT:
			return DatumGetInt64(value) >= BIGINT_FIRST;
		case RETENTION_PSEUDONYM_INET:
			{
				inet	   *i = DatumGetInetPP(value);

				if (ip_family(i) != PGSQL_AF_INET6 || ip_bits(i) != 128 ||
					ip_addr(i)[0] != 0xfd)
					return false;
				retention_mark_prefix(prefix);
				return memcmp(ip_addr(i), prefix, RETENTION_ULA_LENGTH) == 0;
			}
		case RETENTION_PSEUDONYM_NONE:
			break;
	}
	elog(ERROR, "unknown kind of token: %d", (int) site->kind);
	return false;
}

/* HMAC of the value's bytes; equal values have equal bytes. */
static void
hash_value(const Site *site, Datum value, const char *domain, uint8 digest[32])
{
	uint8		bytes[2 + IPV6_LENGTH];

	switch (site->kind)
	{
		case RETENTION_PSEUDONYM_TEXT:
			{
				text	   *t = DatumGetTextPP(value);
				char	   *data = VARDATA_ANY(t);
				size_t		length = text_length(site, t);

				if (site->folds)
				{
					data = str_tolower(data, length, DEFAULT_COLLATION_OID);
					length = strlen(data);
				}
				retention_keyring_hmac(domain, data, length, digest);
				return;
			}
		case RETENTION_PSEUDONYM_BYTEA:
			{
				bytea	   *b = DatumGetByteaPP(value);

				retention_keyring_hmac(domain, VARDATA_ANY(b),
									   VARSIZE_ANY_EXHDR(b), digest);
				return;
			}
		case RETENTION_PSEUDONYM_UUID:
			retention_keyring_hmac(domain, DatumGetUUIDP(value)->data, UUID_LEN,
								   digest);
			return;
		case RETENTION_PSEUDONYM_BIGINT:
			for (int i = 0; i < 8; i++)
				bytes[i] = (uint8) ((uint64) DatumGetInt64(value) >> (56 - 8 * i));
			retention_keyring_hmac(domain, bytes, 8, digest);
			return;
		case RETENTION_PSEUDONYM_INET:
			{
				inet	   *i = DatumGetInetPP(value);

				bytes[0] = ip_family(i) == PGSQL_AF_INET ? 4 : 6;
				bytes[1] = ip_bits(i);
				memcpy(bytes + 2, ip_addr(i), ip_addrsize(i));
				retention_keyring_hmac(domain, bytes, 2 + ip_addrsize(i), digest);
				return;
			}
		case RETENTION_PSEUDONYM_NONE:
			break;
	}
	elog(ERROR, "unknown kind of token: %d", (int) site->kind);
}

/* A token of the type, with these bytes, of which it uses what has room. */
static Datum
make_token(const Site *site, const uint8 bytes[32])
{
	uint8		token[RETENTION_TOKEN_LENGTH];
	char		characters[RETENTION_TEXT_LENGTH];

	memcpy(token, bytes, RETENTION_PAYLOAD_LENGTH);
	switch (site->kind)
	{
		case RETENTION_PSEUDONYM_TEXT:
			retention_mark_make('t', token, token + RETENTION_PAYLOAD_LENGTH);
			retention_mark_encode(token, characters);
			return PointerGetDatum(cstring_to_text_with_len(characters,
															RETENTION_TEXT_LENGTH));
		case RETENTION_PSEUDONYM_BYTEA:
			{
				bytea	   *b = palloc(VARHDRSZ + RETENTION_TOKEN_LENGTH);

				retention_mark_make('b', token, token + RETENTION_PAYLOAD_LENGTH);
				SET_VARSIZE(b, VARHDRSZ + RETENTION_TOKEN_LENGTH);
				memcpy(VARDATA(b), token, RETENTION_TOKEN_LENGTH);
				return PointerGetDatum(b);
			}
		case RETENTION_PSEUDONYM_UUID:
			{
				pg_uuid_t  *u = palloc(sizeof(pg_uuid_t));

				token[6] = (token[6] & 0x0f) | 0x80;
				token[8] = (token[8] & 0x3f) | 0x80;
				retention_mark_make('u', token, token + RETENTION_PAYLOAD_LENGTH);
				memcpy(u->data, token, UUID_LEN);
				return UUIDPGetDatum(u);
			}
		case RETENTION_PSEUDONYM_BIGINT:
			{
				uint64		n = 0;

				for (int i = 0; i < 8; i++)
					n = n << 8 | bytes[i];
				return Int64GetDatum((int64) (n & (BIGINT_FIRST - 1)) |
									 BIGINT_FIRST);
			}
		case RETENTION_PSEUDONYM_INET:
			{
				inet	   *i = palloc0(sizeof(inet));

				ip_family(i) = PGSQL_AF_INET6;
				ip_bits(i) = 128;
				retention_mark_prefix(ip_addr(i));
				memcpy(ip_addr(i) + RETENTION_ULA_LENGTH, token, RETENTION_PAYLOAD_LENGTH);
				SET_INET_VARSIZE(i);
				return InetPGetDatum(i);
			}
		case RETENTION_PSEUDONYM_NONE:
			break;
	}
	elog(ERROR, "unknown kind of token: %d", (int) site->kind);
	return (Datum) 0;
}

/* ---- Permission ---- */

static void
xact_ended(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
		permitted_level = 0;
}

/* Not for a subtransaction inside: a trigger that catches errors has some. */
static void
subxact_ended(SubXactEvent event, SubTransactionId mine,
			  SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB &&
		permitted_level >= GetCurrentTransactionNestLevel())
		permitted_level = 0;
}

void
retention_token_permit(bool permitted)
{
	static bool registered = false;

	if (!registered)
	{
		RegisterXactCallback(xact_ended, NULL);
		RegisterSubXactCallback(subxact_ended, NULL);
		registered = true;
	}
	permitted_level = permitted ? GetCurrentTransactionNestLevel() : 0;
}

bool
retention_token_permitted(void)
{
	return permitted_level != 0;
}

static void
require_permission(void)
{
	if (permitted_level == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only the engine of privacy_retention may call this function"),
				 errhint("Use retention.pseudonym().")));
}

/* ---- SQL ---- */

/*
 * The type of the value. A citext that the parser has made a text is still
 * looked at as citext, so that retention.pseudonym(column, domain) gives what a
 * rule on the column would give.
 */
static Oid
argument_type(FunctionCallInfo fcinfo)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Node	   *call = fcinfo->flinfo->fn_expr;

	if (type == TEXTOID && call != NULL && IsA(call, FuncExpr))
	{
		Node	   *argument = linitial(((FuncExpr *) call)->args);

		if (IsA(argument, RelabelType))
			type = exprType((Node *) ((RelabelType *) argument)->arg);
	}
	return type;
}

static Site *
site(FunctionCallInfo fcinfo)
{
	Site	   *result = fcinfo->flinfo->fn_extra;

	if (result == NULL)
	{
		Oid			type = argument_type(fcinfo);
		char	   *hint;
		char	   *problem;

		if (!OidIsValid(type))
			elog(ERROR, "could not determine the type of the value");
		problem = retention_token_problem(type, -1, &hint);
		if (problem != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("%s", problem),
					 errhint("%s", hint)));
		result = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Site));
		result->kind = retention_token_kind(type);
		result->folds = retention_token_is_citext(type);
		result->pads = getBaseType(type) == BPCHAROID;
		fcinfo->flinfo->fn_extra = result;
	}
	return result;
}

static Datum
pseudonymise(FunctionCallInfo fcinfo)
{
	uint8		digest[32];
	Site	   *here;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the domain of a pseudonym must not be null")));
	here = site(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (is_token(here, PG_GETARG_DATUM(0)))
		return PG_GETARG_DATUM(0);
	hash_value(here, PG_GETARG_DATUM(0),
			   text_to_cstring(PG_GETARG_TEXT_PP(1)), digest);
	return make_token(here, digest);
}

/* For people: whoever has EXECUTE. */
Datum
retention_token_pseudonym_sql(PG_FUNCTION_ARGS)
{
	return pseudonymise(fcinfo);
}

/* For the engine's statements. */
Datum
retention_token_pseudonymised_sql(PG_FUNCTION_ARGS)
{
	require_permission();
	return pseudonymise(fcinfo);
}

Datum
retention_token_decorrelated_sql(PG_FUNCTION_ARGS)
{
	uint8		bytes[32];
	Site	   *here;

	require_permission();
	here = site(fcinfo);
	if (is_token(here, PG_GETARG_DATUM(0)))
		return PG_GETARG_DATUM(0);
	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	return make_token(here, bytes);
}

Datum
retention_token_is_pseudonym_sql(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(is_token(site(fcinfo), PG_GETARG_DATUM(0)));
}
