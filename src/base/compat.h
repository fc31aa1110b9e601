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

#endif							/* RETENTION_COMPAT_H */
