/*
 * residue_gist.h
 *		Union keys of a GiST index that are wider than what is below them.
 *
 * Invariant: a key that is as wide as the union of its children is none.
 */
#ifndef RETENTION_RESIDUE_GIST_H
#define RETENTION_RESIDUE_GIST_H

#include "postgres.h"

#include "erase/residue_judge.h"

/* Fills in how an index of this kind is judged; for residue_judge only. */
extern void retention_residue_gist_begin(RetentionJudge *judge);

#endif							/* RETENTION_RESIDUE_GIST_H */
