/*
 * full_disk.h - what must hold of a store on a disk that is full, or that can only be read.
 *
 * Errors   what does not hold ends the test.
 */
#ifndef PGSEAL_TESTS_FULL_DISK_H
#define PGSEAL_TESTS_FULL_DISK_H

#include "core/store/authority.h"
#include "tests/harness/store_box.h"

/* Issues until the disk is full; returns how many were issued. */
int64_t issue_until_full(struct box *box, const struct authority *authority, const struct key *key);
/* With room again: what was issued is there, the store is sound and goes on. */
void after_full(struct box *box, struct authority *authority, const struct key *key, int64_t made);
/* A store with one client's certificate, closed: it can be read, and takes nothing. */
void check_reading(struct box *box);
void check_writing_is_refused(struct box *box);

#endif
