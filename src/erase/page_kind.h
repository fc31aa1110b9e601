/*
 * page_kind.h
 *		What a page holds, as its access method tells by its special space.
 *
 * Invariant: an access method's page of a kind that is not known here is insane
 * or private, never anything that could be wiped.
 */
#ifndef RETENTION_PAGE_KIND_H
#define RETENTION_PAGE_KIND_H

#include "erase/page.h"

typedef enum RetentionPageKind
{
	RETENTION_PAGE_OF_ITEMS,	/* line pointers and their items */
	RETENTION_PAGE_OF_DATA,		/* no line pointers; free from pd_lower on */
	RETENTION_PAGE_LEFT,		/* items that nobody looks at any more */
	RETENTION_PAGE_NO_KIND,		/* insane */
	RETENTION_PAGE_CLOSED		/* private */
} RetentionPageKind;

/* Caller has seen that pd_lower <= pd_upper <= pd_special <= BLCKSZ, aligned. */
extern RetentionPageKind retention_page_kind(const char *page,
											 RetentionPageFormat format);

#endif							/* RETENTION_PAGE_KIND_H */
