/*
 * db_state.h - inside core/store only: what an open store is.
 *
 * Rule     included by db.c, db_open.c and what stands below them: sql.c, delivered.c.
 */
#ifndef PGSEAL_STORE_DB_STATE_H
#define PGSEAL_STORE_DB_STATE_H

#include "core/store/delivered.h"

struct sqlite3;

struct store {
    struct sqlite3 *db;
    char *folder;
    enum store_mode mode;
    int depth;              /* of store_begin() */
    bool doomed;            /* a rollback inside: the outermost commit fails */
    bool ready;             /* its tables are there */
    struct delivered taken; /* over by the present transaction */
};

#endif
