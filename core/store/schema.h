/*
 * schema.h - inside core/store only: the tables, and how an older store becomes this one.
 *
 * Shapes   PRAGMA user_version is the number of migrations that ran; each runs once, all in one
 *          transaction. A migration that was ever shipped is never edited: a new one is added.
 * Rules    rows of "issued", "crl" and "log" are never deleted, and a revocation is never taken
 *          back: triggers hold that against our own mistakes too.
 */
#ifndef PGSEAL_STORE_SCHEMA_H
#define PGSEAL_STORE_SCHEMA_H

#include "core/store/db.h"

#define SCHEMA_APPLICATION_ID 0x7067736c /* "pgsl": file(1) and we know the file by it */

int schema_version(void); /* what this program writes */
/* Brings the store to schema_version(); ERR_STORE_NEWER when it is beyond. */
bool schema_migrate(struct store *store, struct err *err) MUST_CHECK;
/* For a reader: ERR_STORE_NEWER, ERR_NO_STORE (empty file), ERR_STORE (older, or not ours). */
bool schema_check(struct store *store, struct err *err) MUST_CHECK;

#endif
