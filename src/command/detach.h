/*
 * detach.h
 *		A partition, or an inheritance child, that leaves its labelled root.
 *
 * Invariant: no table leaves a labelled root silently without its labels, nor a
 * protected one without its protection.
 */
#ifndef RETENTION_DETACH_H
#define RETENTION_DETACH_H

#include "postgres.h"

#include "access/attnum.h"

/*
 * The label of a column of the root (0: of the root itself), as it must read on a
 * table that leaves it, or that comes to it and agrees; NULL if there is none.
 */
extern char *retention_detach_label(Oid root, Oid part, AttrNumber attnum);

#endif							/* RETENTION_DETACH_H */
