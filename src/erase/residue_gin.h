/*
 * residue_gin.h
 *		Keys of a GIN index without a row.
 *
 * Invariant: keys are counted, not compared: nothing of the operator class is called.
 */
#ifndef RETENTION_RESIDUE_GIN_H
#define RETENTION_RESIDUE_GIN_H

#include "postgres.h"

#include "erase/residue_judge.h"

/* Fills in how an index of this kind is judged; for residue_judge only. */
extern void retention_residue_gin_begin(RetentionJudge *judge);

#endif							/* RETENTION_RESIDUE_GIN_H */
