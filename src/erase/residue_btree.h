/*
 * residue_btree.h
 *		Separators of a B-tree of which no row is left.
 *
 * Invariant: values are compared as images: no operator is called.
 */
#ifndef RETENTION_RESIDUE_BTREE_H
#define RETENTION_RESIDUE_BTREE_H

#include "postgres.h"

#include "erase/residue_judge.h"

/* Fills in how an index of this kind is judged; for residue_judge only. */
extern void retention_residue_btree_begin(RetentionJudge *judge);

#endif							/* RETENTION_RESIDUE_BTREE_H */
