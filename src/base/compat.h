/*
 * compat.h
 *		Differences between PostgreSQL 15 and 19, in one place.
 *
 * Invariant: no other file tests PG_VERSION_NUM.
 */
#ifndef RETENTION_COMPAT_H
#define RETENTION_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "privacy_retention needs PostgreSQL 15 or later"
#endif

#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "utils/acl.h"

#if PG_VERSION_NUM < 160000
#define retention_compat_owns_relation(relid, roleid) \
	pg_class_ownercheck((relid), (roleid))
#else
#define retention_compat_owns_relation(relid, roleid) \
	object_ownercheck(RelationRelationId, (relid), (roleid))
#endif

/* A scanner (parser/scanner.h) that reads strings as the standard says, in any session. */
#if PG_VERSION_NUM < 190000
#define retention_compat_scan_standard(extra) \
	((extra)->standard_conforming_strings = true, \
	 (extra)->escape_string_warning = false)
#else
#define retention_compat_scan_standard(extra) ((void) (extra))
#endif

#endif							/* RETENTION_COMPAT_H */
