/*
 * page.c
 *		What of a page's bytes is free, and whether anything is left in it.
 *
 * Invariant: free is what lies between pd_lower and pd_special and in no item, and
 * items must be as the server lays them out (aligned, between pd_upper and
 * pd_special, none in another), or nothing is free.
 */
#include "postgres.h"

#include "erase/page.h"
#include "erase/page_kind.h"

/* Words of MAXALIGN, of which an item has whole ones. */
#define WORDS (BLCKSZ / MAXIMUM_ALIGNOF)

static bool
is_zero(const char *bytes, int length)
{
	return length <= 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

static int
count_bytes(const char *bytes, int length)
{
	int			count = 0;

	for (int i = 0; i < length; i++)
		count += bytes[i] != 0;
	return count;
}

/* Notes free bytes; returns how many of them are not zero. */
static int
note(RetentionPageFree *free, const char *page, int begin, int end)
{
	int			bytes;

	free->room += end - begin;
	if (is_zero(page + begin, end - begin))
		return 0;
	Assert(free->extents < RETENTION_PAGE_MOST_EXTENTS);
	free->extent[free->extents].begin = begin;
	free->extent[free->extents].end = end;
	free->extents++;
	bytes = count_bytes(page + begin, end - begin);
	free->bytes += bytes;
	return bytes;
}

static bool
is_laid_out(const PageHeaderData *header)
{
	return header->pd_pagesize_version == (BLCKSZ | PG_PAGE_LAYOUT_VERSION) &&
		(header->pd_flags & ~PD_VALID_FLAG_BITS) == 0 &&
		header->pd_lower >= SizeOfPageHeaderData &&
		header->pd_lower <= header->pd_upper &&
		header->pd_upper <= header->pd_special &&
		header->pd_special <= BLCKSZ &&
		header->pd_special == MAXALIGN(header->pd_special);
}

/* Takes the words of an item; false if one is taken already. */
static bool
take(uint8 *taken, int begin, int end)
{
	for (int word = begin / MAXIMUM_ALIGNOF; word < end / MAXIMUM_ALIGNOF; word++)
	{
		if (taken[word])
			return false;
		taken[word] = 1;
	}
	return true;
}

/* The gaps behind items and between them; false: the page is insane. */
static bool
survey_items(RetentionPageFree *free, const char *page, bool heap)
{
	const PageHeaderData *header = (const PageHeaderData *) page;
	int			upper = header->pd_upper;
	int			special = header->pd_special;
	int			pointers = (header->pd_lower - SizeOfPageHeaderData) / sizeof(ItemIdData);
	int			used = 0;
	uint8		taken[WORDS];

	if (upper != MAXALIGN(upper) ||
		(header->pd_lower - SizeOfPageHeaderData) % sizeof(ItemIdData) != 0)
		return false;
	memset(taken + upper / MAXIMUM_ALIGNOF, 0, (special - upper) / MAXIMUM_ALIGNOF);
	for (int i = 0; i < pointers; i++)
	{
		const ItemIdData *pointer = &header->pd_linp[i];
		int			begin = ItemIdGetOffset(pointer);
		int			end = begin + ItemIdGetLength(pointer);

		if (!ItemIdHasStorage(pointer))
		{
			if (ItemIdIsNormal(pointer) ||
				(ItemIdIsRedirected(pointer) &&
				 (!heap || begin < 1 || begin > pointers)))
				return false;
			free->dead_items += ItemIdIsDead(pointer);
			continue;
		}
		if (!(ItemIdIsNormal(pointer) || ItemIdIsDead(pointer)) ||
			begin != MAXALIGN(begin) || begin < upper || end > special ||
			!take(taken, begin, MAXALIGN(end)))
			return false;
		used += MAXALIGN(end) - begin;
		free->items += ItemIdIsNormal(pointer);
		free->dead_items += ItemIdIsDead(pointer);
		if (end != MAXALIGN(end))
			note(free, page, end, MAXALIGN(end));
	}
	for (int word = upper / MAXIMUM_ALIGNOF; used < special - upper; word++)
	{
		int			first = word;

		while (word < special / MAXIMUM_ALIGNOF && !taken[word])
			word++;
		if (word == first)
			continue;
		note(free, page, first * MAXIMUM_ALIGNOF, word * MAXIMUM_ALIGNOF);
		used += (word - first) * MAXIMUM_ALIGNOF;
	}
	return true;
}

static void
nothing_free(RetentionPageFree *free, RetentionPageVerdict verdict)
{
	free->verdict = verdict;
	free->room = 0;
	free->bytes = 0;
	free->hole_bytes = 0;
	free->items = 0;
	free->dead_items = 0;
	free->left = false;
	free->extents = 0;
}

void
retention_page_judge(const char *page, RetentionPageFormat format,
					 RetentionPageFree *free)
{
	const PageHeaderData *header = (const PageHeaderData *) page;

	nothing_free(free, RETENTION_PAGE_JUDGED);
	if (header->pd_upper == 0)
	{
		free->verdict = is_zero(page, BLCKSZ) ? RETENTION_PAGE_NEW : RETENTION_PAGE_INSANE;
		return;
	}
	if (!is_laid_out(header))
	{
		free->verdict = RETENTION_PAGE_INSANE;
		return;
	}
	switch (retention_page_kind(page, format))
	{
		case RETENTION_PAGE_OF_ITEMS:
			if (!survey_items(free, page, format == RETENTION_PAGE_HEAP))
			{
				nothing_free(free, RETENTION_PAGE_INSANE);
				return;
			}
			free->hole_bytes = note(free, page, header->pd_lower, header->pd_upper);
			break;
		case RETENTION_PAGE_OF_DATA:
			free->hole_bytes = note(free, page, header->pd_lower, header->pd_upper);
			break;
		case RETENTION_PAGE_LEFT:
			free->left = header->pd_lower != SizeOfPageHeaderData ||
				header->pd_upper != header->pd_special;
			free->hole_bytes = note(free, page, SizeOfPageHeaderData, header->pd_special);
			break;
		case RETENTION_PAGE_NO_KIND:
			free->verdict = RETENTION_PAGE_INSANE;
			break;
		case RETENTION_PAGE_CLOSED:
			free->verdict = RETENTION_PAGE_PRIVATE;
			break;
	}
}

void
retention_page_wipe(char *page, const RetentionPageFree *free)
{
	PageHeader	header = (PageHeader) page;

	for (int i = 0; i < free->extents; i++)
		memset(page + free->extent[i].begin, 0,
			   free->extent[i].end - free->extent[i].begin);
	if (free->left)
	{
		header->pd_lower = SizeOfPageHeaderData;
		header->pd_upper = header->pd_special;
	}
}
