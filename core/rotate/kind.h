/*
 * kind.h - inside core/rotate only: what a kind of rotation is made of.
 *
 * Rules    act() may be called again at any time: after a kill, after a part failed. It must leave what
 *          is so already as it is. It never changes rotation->phase: the frame (rotate.c) does, when
 *          look() says that nothing blocks. back() leaves the world as the phase before expects it.
 */
#ifndef PGSEAL_ROTATE_KIND_H
#define PGSEAL_ROTATE_KIND_H

#include "core/rotate/rotate.h"

struct rotate_work { /* borrowed */
    struct store *store;
    struct rotation *rotation;
    const struct rotate_request *request; /* never NULL */
    struct authority *old_ca, *new_ca;    /* loaded by the frame; NULL: none, or a foreign one */
    struct cert *old_cert, *new_cert;     /* of those, or the foreign ones; NULL: none */
    struct rotate_preview *preview;       /* not NULL: look ahead, change nothing */
};

struct rotate_kind {
    const struct rotate_phase *phases;
    size_t n_phases;
    /* Fills in what is particular to it: servers, items, left, quiet, blockers, needs, proposal. */
    bool (*look)(struct rotate_work *work, bool ask_servers, struct rotate_status *ret,
                 struct err *err);
    bool (*act)(struct rotate_work *work, struct rotate_outcome *ret, struct err *err);
    bool (*back)(struct rotate_work *work, struct rotate_outcome *ret, struct err *err);
    /* act() or back() would do that: into work->preview. NULL: it cannot be said. */
    bool (*preview)(struct rotate_work *work, bool back, struct err *err);
    /* Checks a start, and fills in the rotation's ids, name and options. */
    bool (*start)(struct store *store, const struct rotate_start *start, struct rotation *ret,
                  struct err *err);
};

extern const struct rotate_kind rotate_client_cert;
extern const struct rotate_kind rotate_client_ca;
extern const struct rotate_kind rotate_ca_life;
extern const struct rotate_kind rotate_server_cert;
extern const struct rotate_kind rotate_server_ca;
extern const struct rotate_kind rotate_emergency;

void rotate_block(struct rotate_status *status, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* One that is away or has failed: why, and what to try. */
void rotate_block_server(struct rotate_status *status, const struct rotate_server *server);
void rotate_notice(struct rotate_status *status, const char *fmt, ...) PRINTF_LIKE(2, 3);
void rotate_add_file(struct rotate_outcome *outcome, const char *path);
void rotate_preview_line(struct rotate_preview *preview, const char *fmt, ...) PRINTF_LIKE(2, 3);
void rotate_preview_kit(struct rotate_preview *preview, const char *role);
/* One more, all zero; its strings are the caller's to set. Borrowed until the next one is added. */
struct rotate_refused *rotate_preview_refused(struct rotate_preview *preview);
/* One more server, all zero. Borrowed until the next one is added. */
struct rotate_server *rotate_add_server(struct rotate_server **servers, size_t *n,
                                        const char *name);
void rotate_servers_clear(struct rotate_server **servers, size_t *n);

#endif
