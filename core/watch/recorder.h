/*
 * recorder.h - from live sessions to sightings.
 *
 * Does     a session that was not in the last snapshot is noted; all that are there are noted once in
 *          SIGHTING_EXACT_SECONDS, so that they were "last seen" then. Hidden sessions, and those that
 *          have no role yet, are not noted: nothing is known of them. Nor is the panel's own.
 * Looks    each poll that saw all sessions is a look, also where nobody is there (sighting.h): it is
 *          written with the rest, or after SIGHTING_EXACT_SECONDS by itself.
 * Use      recorder_add() after each poll; when recorder_is_due(): recorder_take(), and in a job
 *          record_batch_write().
 * Bounds   RECORDER_MAX sessions wait to be written; what comes beyond is counted and left out.
 * Cost     recorder_add() compares two sorted lists.
 * Threads  a recorder: one. A batch: any, one at a time.
 * Errors   those of sighting.h, by record_batch_write() alone.
 */
#ifndef PGSEAL_WATCH_RECORDER_H
#define PGSEAL_WATCH_RECORDER_H

#include "core/pg/sessions.h"
#include "core/store/sighting.h"
#include "core/watch/session_book.h"

#define RECORDER_MAX 20000

struct recorder;
struct record_batch;

struct recorder *recorder_new(const char *server) MUST_CHECK;
void recorder_free(struct recorder *recorder);
void recorder_add(struct recorder *recorder, const struct sessions *sessions,
                  const struct session_book *book);
/* now_ms: clock_mono_ms(). Something is there, and the last writing is 10 s ago. */
bool recorder_is_due(const struct recorder *recorder, int64_t now_ms);
/* NULL: nothing. The caller writes and frees it. */
struct record_batch *recorder_take(struct recorder *recorder, int64_t now_ms) MUST_CHECK;
/* What was taken could not be written: the next poll notes all sessions anew. */
void recorder_lost(struct recorder *recorder);
bool record_batch_write(struct record_batch *batch, const char *store_folder,
                        struct err *err) MUST_CHECK;
void record_batch_free(struct record_batch *batch);

#endif
