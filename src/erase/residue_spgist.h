/*
 * residue_spgist.h
 *		Prefixes and labels of an SP-GiST index of which no row is left.
 *
 * Invariant: where a prefix is not a part of each value below it, it is not judged.
 */
#ifndef RETENTION_RESIDUE_SPGIST_H
#define RETENTION_RESIDUE_SPGIST_H

#include "postgres.h"

#include "erase/residue_judge.h"

/* Fills in how an index of this kind is judged; for residue_judge only. */
extern void retention_residue_spgist_begin(RetentionJudge *judge);

#endif							/* RETENTION_RESIDUE_SPGIST_H */
