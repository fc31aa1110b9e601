/*
 * residue_brin.h
 *		Ranges of a BRIN index whose bounds no row has.
 *
 * Invariant: only the bounds of minmax classes over plain columns are judged.
 */
#ifndef RETENTION_RESIDUE_BRIN_H
#define RETENTION_RESIDUE_BRIN_H

#include "postgres.h"

#include "erase/residue_judge.h"

/* Fills in how an index of this kind is judged; for residue_judge only. */
extern void retention_residue_brin_begin(RetentionJudge *judge);

#endif							/* RETENTION_RESIDUE_BRIN_H */
