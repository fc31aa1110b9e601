/*
 * page_kind.c
 *		What a page holds, as its access method tells by its special space.
 *
 * Invariant: a page is believed only as far as it identifies itself; pd_lower is
 * believed on pages without line pointers only where it lies behind all that
 * their access method keeps there (releases of long ago left it at the header).
 */
#include "postgres.h"

#include "access/brin_page.h"
#include "access/ginblock.h"
#include "access/gist.h"
#include "access/hash.h"
#include "access/nbtree.h"
#include "access/spgist_private.h"

#include "erase/page_kind.h"

/* contrib/bloom installs no headers. */
#define BLOOM_PAGE_ID 0xFF83
#define BLOOM_META 0x01
#define BLOOM_DELETED 0x02

typedef struct BloomSpecial
{
	uint16		maxoff;
	uint16		flags;
	uint16		unused;
	uint16		page_id;
} BloomSpecial;

#define CONTENTS MAXALIGN(SizeOfPageHeaderData)

/* Data behind the header, "size" bytes of it at least: free from pd_lower on? */
static RetentionPageKind
data_of(const char *page, Size size)
{
	return ((const PageHeaderData *) page)->pd_lower >= CONTENTS + size ?
		RETENTION_PAGE_OF_DATA : RETENTION_PAGE_CLOSED;
}

static const void *
special(const char *page, Size size)
{
	const PageHeaderData *header = (const PageHeaderData *) page;

	return BLCKSZ - header->pd_special == MAXALIGN(size) ?
		page + header->pd_special : NULL;
}

/* A meta page, if its magic number says so, too. */
static RetentionPageKind
meta_of(const char *page, Size size, bool known)
{
	return known ? data_of(page, size) : RETENTION_PAGE_NO_KIND;
}

static RetentionPageKind
btree_kind(const char *page)
{
	const BTPageOpaqueData *opaque = special(page, sizeof(BTPageOpaqueData));

	if (opaque == NULL || (opaque->btpo_flags & ~0x01FF) != 0 ||
		opaque->btpo_cycleid > MAX_BT_CYCLE_ID)
		return RETENTION_PAGE_NO_KIND;
	if (opaque->btpo_flags & BTP_META)
		return meta_of(page, offsetof(BTMetaPageData, btm_last_cleanup_num_heap_tuples),
					   ((const BTMetaPageData *) (page + CONTENTS))->btm_magic == BTREE_MAGIC);
	if (opaque->btpo_flags & BTP_DELETED)
		return data_of(page, opaque->btpo_flags & BTP_HAS_FULLXID ?
					   sizeof(BTDeletedPageData) : 0);
	return RETENTION_PAGE_OF_ITEMS;
}

static RetentionPageKind
hash_kind(const char *page)
{
	const HashPageOpaqueData *opaque = special(page, sizeof(HashPageOpaqueData));
	Size		bitmap = 1;

	if (opaque == NULL || opaque->hasho_page_id != HASHO_PAGE_ID)
		return RETENTION_PAGE_NO_KIND;
	switch (opaque->hasho_flag & LH_PAGE_TYPE)
	{
		case LH_META_PAGE:
			return meta_of(page, sizeof(HashMetaPageData),
						   ((const HashMetaPageData *) (page + CONTENTS))->hashm_magic == HASH_MAGIC);
		case LH_BITMAP_PAGE:
			while (bitmap * 2 <= BLCKSZ - CONTENTS - MAXALIGN(sizeof(HashPageOpaqueData)))
				bitmap *= 2;
			return data_of(page, bitmap);
		case LH_UNUSED_PAGE:
		case LH_BUCKET_PAGE:
		case LH_OVERFLOW_PAGE:
			return RETENTION_PAGE_OF_ITEMS;
		default:
			return RETENTION_PAGE_NO_KIND;
	}
}

static RetentionPageKind
gin_kind(const char *page)
{
	const GinPageOpaqueData *opaque = special(page, sizeof(GinPageOpaqueData));
	const Size	bound = MAXALIGN(sizeof(ItemPointerData));

	if (opaque == NULL || (opaque->flags & ~0x00FF) != 0)
		return RETENTION_PAGE_NO_KIND;
	if (opaque->flags & GIN_META)
		return meta_of(page, sizeof(GinMetaPageData), opaque->flags == GIN_META);
	if (opaque->flags & GIN_DATA)
	{
		if (!(opaque->flags & GIN_LEAF))
			return data_of(page, bound + opaque->maxoff * sizeof(PostingItem));
		/* Uncompressed leaves are of releases before 9.4. */
		return opaque->flags & GIN_COMPRESSED ?
			data_of(page, bound) : RETENTION_PAGE_CLOSED;
	}

	/* Of pages without data, only those of the pending list are ever deleted. */
	if (opaque->flags & GIN_DELETED)
		return RETENTION_PAGE_LEFT;
	return RETENTION_PAGE_OF_ITEMS;
}

static RetentionPageKind
gist_kind(const char *page)
{
	const GISTPageOpaqueData *opaque = special(page, sizeof(GISTPageOpaqueData));

	if (opaque == NULL || opaque->gist_page_id != GIST_PAGE_ID ||
		(opaque->flags & ~0x001F) != 0)
		return RETENTION_PAGE_NO_KIND;

	/* Since 13 a deleted page keeps the transaction that deleted it. */
	return opaque->flags & F_DELETED ? data_of(page, 0) : RETENTION_PAGE_OF_ITEMS;
}

static RetentionPageKind
spgist_kind(const char *page)
{
	const SpGistPageOpaqueData *opaque = special(page, sizeof(SpGistPageOpaqueData));

	if (opaque == NULL || opaque->spgist_page_id != SPGIST_PAGE_ID ||
		(opaque->flags & ~0x000F) != 0)
		return RETENTION_PAGE_NO_KIND;
	if (opaque->flags & SPGIST_META)
		return meta_of(page, sizeof(SpGistMetaPageData),
					   ((const SpGistMetaPageData *) (page + CONTENTS))->magicNumber == SPGIST_MAGIC_NUMBER);
	return RETENTION_PAGE_OF_ITEMS;
}

/* The revmap's array fills the page from the header on, and pd_lower knows nothing of it. */
static RetentionPageKind
brin_kind(const char *page)
{
	const BrinSpecialSpace *opaque = special(page, sizeof(BrinSpecialSpace));

	if (opaque == NULL)
		return RETENTION_PAGE_NO_KIND;
	switch (opaque->vector[lengthof(opaque->vector) - 1])
	{
		case BRIN_PAGETYPE_META:
			return meta_of(page, sizeof(BrinMetaPageData),
						   ((const BrinMetaPageData *) (page + CONTENTS))->brinMagic == BRIN_META_MAGIC);
		case BRIN_PAGETYPE_REVMAP:
			return RETENTION_PAGE_CLOSED;
		case BRIN_PAGETYPE_REGULAR:
			return RETENTION_PAGE_OF_ITEMS;
		default:
			return RETENTION_PAGE_NO_KIND;
	}
}

static RetentionPageKind
bloom_kind(const char *page)
{
	const BloomSpecial *opaque = special(page, sizeof(BloomSpecial));

	if (opaque == NULL || opaque->page_id != BLOOM_PAGE_ID ||
		(opaque->flags & ~(BLOOM_META | BLOOM_DELETED)) != 0)
		return RETENTION_PAGE_NO_KIND;
	return data_of(page, opaque->flags & BLOOM_META ? 1 : opaque->maxoff);
}

RetentionPageKind
retention_page_kind(const char *page, RetentionPageFormat format)
{
	switch (format)
	{
		case RETENTION_PAGE_HEAP:
			return special(page, 0) ? RETENTION_PAGE_OF_ITEMS : RETENTION_PAGE_NO_KIND;
		case RETENTION_PAGE_BTREE:
			return btree_kind(page);
		case RETENTION_PAGE_HASH:
			return hash_kind(page);
		case RETENTION_PAGE_GIN:
			return gin_kind(page);
		case RETENTION_PAGE_GIST:
			return gist_kind(page);
		case RETENTION_PAGE_SPGIST:
			return spgist_kind(page);
		case RETENTION_PAGE_BRIN:
			return brin_kind(page);
		case RETENTION_PAGE_BLOOM:
			return bloom_kind(page);
		case RETENTION_PAGE_STANDARD:
			/* pd_lower at the header: it is empty, or does not use pd_lower. */
			return data_of(page, 1);
		case RETENTION_PAGE_UNKNOWN:
			break;
	}
	return RETENTION_PAGE_CLOSED;
}
