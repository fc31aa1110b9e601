/*
 * hkdf.c
 *		HMAC-SHA-256 with a key that is used many times, and HKDF (RFC 5869).
 *
 * Invariant: the same key and data give the same 32 bytes, whichever library
 * the server was built with; retention.hmac_self_test() proves it against the
 * vectors of RFC 4231 and RFC 5869.
 *
 * HMAC is the server's own (common/hmac.h). OpenSSL remembers the padded key of
 * a context and, given no key, begins again from it, which saves half of the
 * work; the server's fallback takes no key for an empty one. Which of the two
 * this server has is found out for each key by trying.
 */
#include "postgres.h"

#include "common/hmac.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "pseudonym/hkdf.h"
#include "pseudonym/secret.h"

StaticAssertDecl(RETENTION_HMAC_LENGTH == PG_SHA256_DIGEST_LENGTH,
				 "length of HMAC-SHA-256");

struct RetentionHmac
{
	pg_hmac_ctx *context;
	bool		remembers;		/* the context can begin again without a key */
	size_t		length;
	uint8	   *key;			/* secret; NULL where the context remembers */
};

PG_FUNCTION_INFO_V1(retention_hkdf_self_test_sql);

/*
 * The server ties a context to a resource owner, which frees it when its
 * transaction ends, with a warning. Keys are to be wiped by their own rules, so
 * theirs is an owner that belongs to no transaction.
 */
static pg_hmac_ctx *
create_context(void)
{
	static ResourceOwner keys_owner = NULL;
	ResourceOwner saved = CurrentResourceOwner;
	pg_hmac_ctx *context = NULL;

	if (keys_owner == NULL)
		keys_owner = ResourceOwnerCreate(NULL, "privacy_retention keys");

	PG_TRY();
	{
		CurrentResourceOwner = keys_owner;
		context = pg_hmac_create(PG_SHA256);
	}
	PG_FINALLY();
	{
		CurrentResourceOwner = saved;
	}
	PG_END_TRY();

	if (context == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	return context;
}

static bool
compute(pg_hmac_ctx *context, const uint8 *key, size_t key_length,
		const void *data, size_t length, uint8 *result)
{
	return pg_hmac_init(context, key, key_length) >= 0 &&
		pg_hmac_update(context, data, length) >= 0 &&
		pg_hmac_final(context, result, RETENTION_HMAC_LENGTH) >= 0;
}

/* Does the context give the same without the key as with it? */
static bool
context_remembers(RetentionHmac *hmac)
{
	static const uint8 probe[] = "privacy_retention probe";
	uint8		with_key[RETENTION_HMAC_LENGTH];
	uint8		without[RETENTION_HMAC_LENGTH];

	return compute(hmac->context, hmac->key, hmac->length,
				   probe, sizeof(probe), with_key) &&
		compute(hmac->context, NULL, 0, probe, sizeof(probe), without) &&
		memcmp(with_key, without, sizeof(with_key)) == 0;
}

RetentionHmac *
retention_hkdf_hmac_create(const uint8 *key, size_t length)
{
	RetentionHmac *hmac = MemoryContextAllocZero(TopMemoryContext, sizeof(RetentionHmac));

	PG_TRY();
	{
		hmac->length = length;
		hmac->key = retention_secret_alloc(length);
		memcpy(hmac->key, key, length);
		hmac->context = create_context();
	}
	PG_CATCH();
	{
		retention_hkdf_hmac_destroy(hmac);
		PG_RE_THROW();
	}
	PG_END_TRY();
	hmac->remembers = context_remembers(hmac);
	if (hmac->remembers)
	{
		retention_secret_free(hmac->key, hmac->length);
		hmac->key = NULL;
	}
	return hmac;
}

void
retention_hkdf_hmac(RetentionHmac *hmac, const void *data, size_t length,
					uint8 result[RETENTION_HMAC_LENGTH])
{
	if (!compute(hmac->context, hmac->key, hmac->remembers ? 0 : hmac->length,
				 data, length, result))
		elog(ERROR, "could not compute HMAC: %s",
			 pg_hmac_error(hmac->context));
}

void
retention_hkdf_hmac_destroy(RetentionHmac *hmac)
{
	if (hmac == NULL)
		return;
	if (hmac->context != NULL)
		pg_hmac_free(hmac->context);
	retention_secret_free(hmac->key, hmac->length);
	pfree(hmac);
}

/* Expands a pseudorandom key, RFC 5869 section 2.3. */
static void
expand(RetentionHmac *hmac, const uint8 *info, size_t info_length,
	   uint8 *result, size_t result_length)
{
	uint8		block[RETENTION_HMAC_LENGTH];
	size_t		block_length = 0;
	uint8		counter = 0;
	uint8	   *input = palloc(RETENTION_HMAC_LENGTH + info_length + 1);

	while (result_length > 0)
	{
		size_t		wanted = Min(result_length, sizeof(block));

		counter++;
		memcpy(input, block, block_length);
		memcpy(input + block_length, info, info_length);
		input[block_length + info_length] = counter;
		retention_hkdf_hmac(hmac, input, block_length + info_length + 1, block);
		block_length = sizeof(block);
		memcpy(result, block, wanted);
		result += wanted;
		result_length -= wanted;
	}
	explicit_bzero(input, RETENTION_HMAC_LENGTH + info_length + 1);
	explicit_bzero(block, sizeof(block));
	pfree(input);
}

void
retention_hkdf_derive(const uint8 *secret, size_t secret_length,
					  const uint8 *salt, size_t salt_length,
					  const uint8 *info, size_t info_length,
					  uint8 *result, size_t result_length)
{
	static const uint8 no_salt[RETENTION_HMAC_LENGTH] = {0};
	uint8		pseudorandom[RETENTION_HMAC_LENGTH];
	RetentionHmac *volatile hmac = NULL;

	if (result_length > 255 * RETENTION_HMAC_LENGTH)
		elog(ERROR, "HKDF of %zu bytes", result_length);

	PG_TRY();
	{
		hmac = retention_hkdf_hmac_create(salt_length > 0 ? salt : no_salt,
										  salt_length > 0 ? salt_length :
										  sizeof(no_salt));
		retention_hkdf_hmac(hmac, secret, secret_length, pseudorandom);
		retention_hkdf_hmac_destroy(hmac);
		hmac = NULL;
		hmac = retention_hkdf_hmac_create(pseudorandom, sizeof(pseudorandom));
		expand(hmac, info, info_length, result, result_length);
	}
	PG_FINALLY();
	{
		retention_hkdf_hmac_destroy(hmac);
		explicit_bzero(pseudorandom, sizeof(pseudorandom));
	}
	PG_END_TRY();
}

/* ---- Self test: RFC 4231 section 4, RFC 5869 appendix A ---- */

typedef struct HmacVector
{
	const char *name;
	uint8		key_byte;		/* repeated, or the first of a sequence */
	int			key_step;
	size_t		key_length;
	const char *key_text;		/* instead */
	uint8		data_byte;
	size_t		data_length;
	const char *data_text;		/* instead */
	const char *expected;		/* as many bytes as the RFC gives */
} HmacVector;

static const HmacVector hmac_vectors[] = {
	{"RFC 4231 test case 1", 0x0b, 0, 20, NULL, 0, 0, "Hi There",
	"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
	{"RFC 4231 test case 2", 0, 0, 0, "Jefe", 0, 0,
		"what do ya want for nothing?",
	"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	{"RFC 4231 test case 3", 0xaa, 0, 20, NULL, 0xdd, 50, NULL,
	"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
	{"RFC 4231 test case 4", 0x01, 1, 25, NULL, 0xcd, 50, NULL,
	"82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
	{"RFC 4231 test case 5", 0x0c, 0, 20, NULL, 0, 0, "Test With Truncation",
	"a3b6167473100ee06e0c796c2955552b"},
	{"RFC 4231 test case 6", 0xaa, 0, 131, NULL, 0, 0,
		"Test Using Larger Than Block-Size Key - Hash Key First",
	"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	{"RFC 4231 test case 7", 0xaa, 0, 131, NULL, 0, 0,
		"This is a test using a larger than block-size key and a larger "
		"than block-size data. The key needs to be hashed before being used "
		"by the HMAC algorithm.",
	"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

typedef struct HkdfVector
{
	const char *name;
	uint8		secret_byte;
	int			secret_step;
	size_t		secret_length;
	uint8		salt_byte;		/* salt and info are sequences */
	size_t		salt_length;
	uint8		info_byte;
	size_t		info_length;
	const char *expected;
} HkdfVector;

static const HkdfVector hkdf_vectors[] = {
	{"RFC 5869 test case 1", 0x0b, 0, 22, 0x00, 13, 0xf0, 10,
		"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
	"34007208d5b887185865"},
	{"RFC 5869 test case 2", 0x00, 1, 80, 0x60, 80, 0xb0, 80,
		"b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
		"59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
	"cc30c58179ec3e87c14c01d5c1f3434f1d87"},
	{"RFC 5869 test case 3", 0x0b, 0, 22, 0, 0, 0, 0,
		"8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
	"9d201395faa4b61a96c8"},
};

static void
fill(uint8 *bytes, uint8 first, int step, size_t length)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8) (first + step * i);
}

static void
compare(const char *name, const uint8 *actual, const char *expected)
{
	for (size_t i = 0; expected[2 * i] != '\0'; i++)
	{
		char		hex[3];

		snprintf(hex, sizeof(hex), "%02x", actual[i]);
		if (memcmp(hex, expected + 2 * i, 2) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("self test failed: %s", name),
					 errdetail("The server's HMAC-SHA-256 gives other bytes than the standard."),
					 errhint("Do not pseudonymise with this server.")));
	}
}

/*
 * Runs the vectors of both RFCs, each HMAC twice with one context, since the
 * second time takes the shorter way. Returns their number; ERROR on a mismatch.
 */
Datum
retention_hkdf_self_test_sql(PG_FUNCTION_ARGS)
{
	uint8		key[256];
	uint8		data[256];
	uint8		more[256];
	uint8		result[256];

	for (int i = 0; i < lengthof(hmac_vectors); i++)
	{
		const HmacVector *v = &hmac_vectors[i];
		size_t		key_length = v->key_text ? strlen(v->key_text) : v->key_length;
		size_t		length = v->data_text ? strlen(v->data_text) : v->data_length;
		RetentionHmac *hmac;

		fill(key, v->key_byte, v->key_step, v->key_length);
		fill(data, v->data_byte, 0, v->data_length);
		hmac = retention_hkdf_hmac_create(v->key_text ?
										  (const uint8 *) v->key_text : key,
										  key_length);
		for (int round = 0; round < 2; round++)
		{
			retention_hkdf_hmac(hmac, v->data_text ?
								(const uint8 *) v->data_text : data,
								length, result);
			compare(v->name, result, v->expected);
		}
		retention_hkdf_hmac_destroy(hmac);
	}
	for (int i = 0; i < lengthof(hkdf_vectors); i++)
	{
		const HkdfVector *v = &hkdf_vectors[i];

		fill(key, v->secret_byte, v->secret_step, v->secret_length);
		fill(data, v->salt_byte, 1, v->salt_length);
		fill(more, v->info_byte, 1, v->info_length);
		retention_hkdf_derive(key, v->secret_length, data, v->salt_length,
							  more, v->info_length,
							  result, strlen(v->expected) / 2);
		compare(v->name, result, v->expected);
	}
	PG_RETURN_INT32(lengthof(hmac_vectors) + lengthof(hkdf_vectors));
}
