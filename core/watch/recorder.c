/* recorder.c - from live sessions to sightings. */
#include "config.h"

#include "core/watch/recorder.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/strbuf.h"

#define WRITE_EVERY_MS 10000
#define MANY           1000 /* that wait: written at once */

struct id { /* one session of the last snapshot, which is in this order */
    int64_t start_us;
    int pid;
};

struct look { /* polls that saw all, not far apart */
    int64_t from, until, longest_gap;
};

struct record_batch {
    char *server;
    struct sighting_item *items;
    size_t n, room;
    struct look *looks;
    size_t n_looks;
    int64_t full_at, hidden_at;
    int hidden;
    struct strbuf text; /* of the items: offsets until it is written, for it moves as it grows */
    struct offsets {
        size_t at[10];
    } * offsets;
};

struct recorder {
    char *server;
    struct id *last;
    size_t n_last;
    struct record_batch *batch; /* NULL: nothing waits */
    bool written;               /* at_ms counts */
    int64_t written_ms;
    int64_t all_ms; /* when all sessions were noted last; 0: never */
};

struct recorder *recorder_new(const char *server)
{
    struct recorder *recorder = mem_zalloc(sizeof(*recorder));

    recorder->server = mem_strdup(server);
    return recorder;
}

void record_batch_free(struct record_batch *batch)
{
    if (!batch)
        return;
    free(batch->server);
    free(batch->items);
    free(batch->looks);
    free(batch->offsets);
    strbuf_clear(&batch->text);
    free(batch);
}

void recorder_free(struct recorder *recorder)
{
    if (!recorder)
        return;
    record_batch_free(recorder->batch);
    free(recorder->last);
    free(recorder->server);
    free(recorder);
}

/* ---- notes ---- */

static size_t keep(struct record_batch *batch, const char *text)
{
    size_t at = batch->text.len;

    strbuf_add(&batch->text, text, strlen(text) + 1);
    return at;
}

static struct record_batch *need_batch(struct recorder *recorder)
{
    if (!recorder->batch) {
        recorder->batch = mem_zalloc(sizeof(*recorder->batch));
        recorder->batch->server = mem_strdup(recorder->server);
        strbuf_init(&recorder->batch->text);
    }
    return recorder->batch;
}

/* False: no room. */
static bool note(struct recorder *recorder, const struct session *session,
                 const struct session_certificate *certificate, int64_t seen_at, bool full)
{
    struct record_batch *batch = recorder->batch;
    struct offsets *offsets;
    char hex[SERIAL_HEX_MAX];
    struct serial serial;
    struct err ignored = ERR_INIT;
    const char *number = session->client_serial;

    if (batch->n >= RECORDER_MAX)
        return false;
    if (batch->n == batch->room) {
        batch->room = batch->room ? batch->room * 2 : 64;
        batch->items = mem_realloc_array(batch->items, batch->room, sizeof(*batch->items));
        batch->offsets = mem_realloc_array(batch->offsets, batch->room, sizeof(*batch->offsets));
    }
    if (number[0] != '\0' && serial_parse_decimal(&serial, number, &ignored))
        number = serial_format_hex(hex, &serial);
    offsets = &batch->offsets[batch->n];
    offsets->at[0] = keep(batch, recorder->server);
    offsets->at[1] = keep(batch, session->role);
    offsets->at[2] = keep(batch, session->database);
    offsets->at[3] = keep(batch, session->address);
    offsets->at[4] = keep(batch, session_class_name(session->class));
    offsets->at[5] = keep(batch, session->version);
    offsets->at[6] = keep(batch, session->issuer_dn);
    offsets->at[7] = keep(batch, number);
    offsets->at[8] = keep(batch, session->application);
    offsets->at[9] = keep(batch, certificate && certificate->known ? certificate->authority : "");
    batch->items[batch->n++] =
        (struct sighting_item){.start = session->backend_start,
                               .seen_at = seen_at,
                               .full = full,
                               .walsender = strcmp(session->backend_type, "walsender") == 0};
    return true;
}

/* The poll saw everybody. One that comes long after the one before begins a new period. */
static void note_look(struct record_batch *batch, int64_t at)
{
    struct look *last = batch->n_looks > 0 ? &batch->looks[batch->n_looks - 1] : NULL;
    int64_t gap = last ? at - last->until : 0;

    if (last && gap >= 0 && gap <= SIGHTING_LOOK_JOIN) {
        last->until = at;
        last->longest_gap = gap > last->longest_gap ? gap : last->longest_gap;
        return;
    }
    batch->looks = mem_realloc_array(batch->looks, batch->n_looks + 1, sizeof(*batch->looks));
    batch->looks[batch->n_looks++] = (struct look){.from = at, .until = at};
}

static void note_end(struct record_batch *batch, const struct sessions *sessions, bool all,
                     bool complete)
{
    if (sessions->hidden > 0) {
        batch->hidden_at = sessions->taken_at;
        batch->hidden = sessions->hidden;
    } else if (complete) {
        note_look(batch, sessions->taken_at);
    }
    if (all && complete)
        batch->full_at = sessions->taken_at;
}

static bool is_before(const struct id *id, const struct session *session)
{
    return id->start_us != session->start_us ? id->start_us < session->start_us
                                             : id->pid < session->pid;
}

static bool may_note(const struct session *session)
{
    return session->class != SESSION_HIDDEN && session->role[0] != '\0' && !session->own;
}

void recorder_add(struct recorder *recorder, const struct sessions *sessions,
                  const struct session_book *book)
{
    int64_t now_ms = clock_mono_ms();
    bool all = recorder->all_ms == 0 || now_ms - recorder->all_ms >= SIGHTING_EXACT_SECONDS * 1000;
    struct id *ids = mem_array(sessions->n + 1, sizeof(*ids));
    struct record_batch *batch = need_batch(recorder);
    bool complete = true;
    size_t n = 0;
    size_t at = 0; /* in the last snapshot */

    for (size_t i = 0; i < sessions->n; i++) {
        const struct session *session = &sessions->rows[i];
        bool known;

        if (!may_note(session))
            continue;
        while (at < recorder->n_last && is_before(&recorder->last[at], session))
            at++;
        known = at < recorder->n_last && recorder->last[at].pid == session->pid &&
                recorder->last[at].start_us == session->start_us;
        ids[n++] = (struct id){session->start_us, session->pid};
        if (!known || all)
            complete &=
                note(recorder, session, session_book_find(book, session), sessions->taken_at, all);
    }
    note_end(batch, sessions, all, complete);
    if (all)
        recorder->all_ms = now_ms;
    free(recorder->last);
    recorder->last = ids;
    recorder->n_last = n;
}

/* ---- writing ---- */

bool recorder_is_due(const struct recorder *recorder, int64_t now_ms)
{
    int64_t every_ms =
        recorder->batch && recorder->batch->n > 0 ? WRITE_EVERY_MS : SIGHTING_EXACT_SECONDS * 1000;

    return recorder->batch && (!recorder->written || recorder->batch->n >= MANY ||
                               now_ms - recorder->written_ms >= every_ms);
}

struct record_batch *recorder_take(struct recorder *recorder, int64_t now_ms)
{
    struct record_batch *batch = recorder->batch;

    recorder->batch = NULL;
    recorder->written = true;
    recorder->written_ms = now_ms;
    return batch;
}

void recorder_lost(struct recorder *recorder)
{
    recorder->all_ms = 0;
}

static bool write_looks(const struct record_batch *batch, struct sightings *sightings,
                        struct err *err)
{
    struct sighting_look look = {.server = batch->server,
                                 .full_at = batch->full_at,
                                 .hidden_at = batch->hidden_at,
                                 .hidden = batch->hidden};
    bool ok = batch->n_looks > 0 || sightings_add_look(sightings, &look, err);

    for (size_t i = 0; ok && i < batch->n_looks; i++) {
        look.from = batch->looks[i].from;
        look.until = batch->looks[i].until;
        look.longest_gap = batch->looks[i].longest_gap;
        ok = sightings_add_look(sightings, &look, err);
    }
    return ok;
}

bool record_batch_write(struct record_batch *batch, const char *store_folder, struct err *err)
{
    struct sightings *sightings = sightings_open(store_folder, true, err);
    bool ok;

    if (!sightings)
        return false;
    for (size_t i = 0; i < batch->n; i++) {
        const size_t *at = batch->offsets[i].at;
        const char *text = batch->text.data;

        batch->items[i].key = (struct sighting_key){.server = text + at[0],
                                                    .role = text + at[1],
                                                    .database = text + at[2],
                                                    .address = text + at[3],
                                                    .class = text + at[4],
                                                    .version = text + at[5],
                                                    .issuer = text + at[6],
                                                    .serial = text + at[7],
                                                    .application = text + at[8]};
        batch->items[i].authority = text + at[9];
    }
    /* The look counts only when what it saw is written. */
    ok = (batch->n == 0 || sightings_add(sightings, batch->items, batch->n, err)) &&
         write_looks(batch, sightings, err);
    sightings_close(sightings);
    return ok;
}
