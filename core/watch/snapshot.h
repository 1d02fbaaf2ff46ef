/*
 * snapshot.h - the sessions of one poll with what is to be said about them: judged, counted, exported.
 *
 * Shapes   design/cli.md "sessions --json"; CSV with a header, RFC 4180, formulas defused. JSON text is
 *          ASCII, times RFC 3339 UTC, serials hex with serial_decimal beside them.
 * Cost     judging 1,000 sessions: under 0.5 ms.
 */
#ifndef PGSEAL_WATCH_SNAPSHOT_H
#define PGSEAL_WATCH_SNAPSHOT_H

#include <jansson.h>

#include "core/watch/finding.h"

struct snapshot_totals {
    size_t all;
    size_t tls, tls13, tls12, tls_old; /* tls: of any version */
    size_t with_certificate;
    size_t clear, gss, socket, hidden;
    size_t workers;
    size_t need_look;      /* [!!] or [xx] */
    size_t act;            /* [xx] */
    size_t by_finding[16]; /* snapshot_with() reads it */
};
_Static_assert(FINDING_SYSTEM < 1 << 16, "by_finding has a place for each");

/* How many have this finding. */
size_t snapshot_with(const struct snapshot_totals *totals, enum finding finding);

struct snapshot {       /* all borrowed */
    const char *server; /* its name */
    bool managed;       /* run by a provider: its own roles are marked FINDING_SYSTEM */
    const struct sessions *sessions;
    const struct session_book *book;
    const unsigned *findings; /* of each row: snapshot_judge() */
    int64_t now;              /* seconds UTC: what "soon" is counted from */
};

/* Fills findings[n] and adds to totals (zeroed by the caller before the first server). */
void snapshot_judge(const struct snapshot *snapshot, unsigned *findings,
                    struct snapshot_totals *totals);

/* Which rows: NULL for all. */
typedef bool snapshot_choose(const void *arg, size_t row);
json_t *snapshot_json(const struct snapshot *snapshot, snapshot_choose *choose,
                      const void *arg) MUST_CHECK;
/* The same as text, with "v":1; for who has no JSON library. */
void snapshot_json_text(const struct snapshot *snapshot, snapshot_choose *choose, const void *arg,
                        struct strbuf *out);
void snapshot_csv_header(struct strbuf *out);
void snapshot_csv(const struct snapshot *snapshot, snapshot_choose *choose, const void *arg,
                  struct strbuf *out);

#endif
