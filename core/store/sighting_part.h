/*
 * sighting_part.h - inside core/store/sighting*.c only: the file of what was seen, and SQL over it.
 */
#ifndef PGSEAL_STORE_SIGHTING_PART_H
#define PGSEAL_STORE_SIGHTING_PART_H

#include "core/store/sighting.h"

struct sqlite3;
struct sqlite3_stmt;

struct sightings {
    struct sqlite3 *db;
    char *path;
};

bool sightings_run(const struct sightings *self, const char *sql, struct err *err) MUST_CHECK;
struct sqlite3_stmt *sightings_prepare(const struct sightings *self, const char *sql,
                                       struct err *err) MUST_CHECK;
/* One row further; *ret_row false at the end. */
bool sightings_step(const struct sightings *self, struct sqlite3_stmt *stmt, bool *ret_row,
                    struct err *err) MUST_CHECK;
void sightings_bind(struct sqlite3_stmt *stmt, int at, const char *text);
bool sightings_read_int(const struct sightings *self, const char *sql, int64_t *ret,
                        struct err *err) MUST_CHECK;

/* Looks of before say nothing any more: the sightings of that time are gone. In a transaction. */
bool sightings_cut_looks(const struct sightings *self, int64_t before, struct err *err) MUST_CHECK;

#endif
