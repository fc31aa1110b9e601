/*
 * mark.c
 *		The mark by which a token is known to be one.
 *
 * Invariant: the mark key belongs to no epoch; whatever happens to those, a
 * token is recognised.
 */
#include "postgres.h"

#include "pseudonym/keyring.h"
#include "pseudonym/mark.h"

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";

void
retention_mark_make(char what, const uint8 payload[RETENTION_PAYLOAD_LENGTH],
					uint8 mark[RETENTION_MARK_LENGTH])
{
	uint8		input[1 + RETENTION_PAYLOAD_LENGTH];
	uint8		digest[32];

	input[0] = (uint8) what;
	memcpy(input + 1, payload, RETENTION_PAYLOAD_LENGTH);
	retention_keyring_mark_hmac(input, sizeof(input), digest);
	memcpy(mark, digest, RETENTION_MARK_LENGTH);
}

bool
retention_mark_check(char what, const uint8 token[RETENTION_TOKEN_LENGTH])
{
	uint8		mark[RETENTION_MARK_LENGTH];

	retention_mark_make(what, token, mark);
	return memcmp(mark, token + RETENTION_PAYLOAD_LENGTH, RETENTION_MARK_LENGTH) == 0;
}

void
retention_mark_encode(const uint8 token[RETENTION_TOKEN_LENGTH], char text[RETENTION_TEXT_LENGTH])
{
	uint32		bits = 0;
	int			nbits = 0;
	int			at = 0;

	for (int i = 0; i < RETENTION_TOKEN_LENGTH; i++)
	{
		bits = bits << 8 | token[i];
		for (nbits += 8; nbits >= 5; nbits -= 5)
			text[at++] = base32[bits >> (nbits - 5) & 31];
	}
	text[at++] = base32[bits << (5 - nbits) & 31];
	Assert(at == RETENTION_TEXT_LENGTH);
}

bool
retention_mark_decode(const char *text, uint8 token[RETENTION_TOKEN_LENGTH])
{
	uint32		bits = 0;
	int			nbits = 0;
	int			at = 0;

	for (int i = 0; i < RETENTION_TEXT_LENGTH; i++)
	{
		char		c = text[i];

		if (c >= 'a' && c <= 'z')
			bits = bits << 5 | (c - 'a');
		else if (c >= '2' && c <= '7')
			bits = bits << 5 | (c - '2' + 26);
		else
			return false;
		nbits += 5;
		if (nbits >= 8)
		{
			nbits -= 8;
			token[at++] = (uint8) (bits >> nbits);
		}
	}
	return (bits & ((1 << nbits) - 1)) == 0;
}

void
retention_mark_prefix(uint8 prefix[RETENTION_ULA_LENGTH])
{
	static const char what[] = "inet prefix v1";
	uint8		digest[32];

	retention_keyring_mark_hmac(what, sizeof(what) - 1, digest);
	prefix[0] = 0xfd;
	memcpy(prefix + 1, digest, RETENTION_ULA_LENGTH - 1);
}
