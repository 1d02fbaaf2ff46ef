/* home_state.c - what the store holds, and what its servers do now. */
#include "config.h"

#include "screens/home_state.h"

#include <string.h>

#include "core/base/text.h"
#include "core/store/issued.h"
#include "core/store/journal.h"
#include "core/store/published.h"
#include "core/store/rotation.h"
#include "screens/rotation_job.h"

static int64_t count(struct store *store, enum issued_state state, struct err *err)
{
    struct issued_filter filter = {.state = (int)state, .within_days = 30, .limit = 1};
    struct issued_list list;
    int64_t total;

    if (!issued_list(store, &filter, &list, err))
        return 0;
    total = list.total;
    issued_list_clear(&list);
    return total;
}

static size_t count_open(struct store *store, struct err *err)
{
    struct journal_plan_list plans = {.n = 0};
    size_t n;

    if (!journal_open_plans(store, &plans, err))
        return 0;
    n = plans.n;
    journal_plan_list_clear(&plans);
    return n;
}

static void read_rotations(struct store *store, struct home_state *ret)
{
    struct rotation_list list = {.n = 0};
    struct rotation_counts counts = {0};

    if (!rotation_list(store, false, &list, &ret->err))
        return;
    ret->n_rotations = list.n;
    if (list.n > 0) {
        text_clean_copy(ret->rotation, sizeof(ret->rotation), list.rows[0]->name);
        if (rotation_count_items(store, list.rows[0]->id, &counts, &ret->err))
            ret->not_moved = rotation_waits_for(list.rows[0]->kind, &counts);
    }
    rotation_list_clear(&list);
}

/* One that an older pgseal wrote is brought up to date, as every command that writes does it: the pages
 * read only, and none of them could be used. */
static struct store *open_store(const char *folder, struct err *err)
{
    struct err ignored = ERR_INIT; /* then what reading said stands */
    struct store *store = store_open(folder, STORE_READ, err);

    if (store != NULL || err->code != ERR_STORE)
        return store;
    store = store_open(folder, STORE_WRITE, &ignored);
    if (store != NULL)
        *err = (struct err)ERR_INIT;
    return store;
}

void home_state_read(const char *store_folder, bool probe, struct home_state *ret)
{
    struct server_list *all = &ret->all;
    struct store *store;

    memset(ret, 0, sizeof(*ret));
    store = open_store(store_folder, &ret->err);
    if (store == NULL) {
        if (ret->err.code == ERR_NO_STORE)
            ret->err = (struct err)ERR_INIT;
        else
            ret->have_store = true;
        return;
    }
    ret->have_store = true;
    if (authority_list(store, &ret->authorities, &ret->err) && server_list(store, all, &ret->err)) {
        ret->valid = count(store, ISSUED_VALID, &ret->err);
        ret->expiring = count(store, ISSUED_EXPIRING, &ret->err);
        ret->revoked = count(store, ISSUED_REVOKED, &ret->err);
        ret->n_open = count_open(store, &ret->err);
        read_rotations(store, ret);
        (void)!published_count_behind(store, &ret->n_behind, &ret->err);
    }
    store_close(store);
    ret->n_servers = all->n;
    for (size_t i = 0; i < all->n && i < HOME_STATE_SERVERS; i++) {
        struct home_server *shown = &ret->servers[ret->n_shown++];

        text_clean_copy(shown->name, sizeof(shown->name), all->rows[i]->name);
        shown->state = probe ? server_state_ask(all->rows[i], &ret->authorities) : SERVER_AWAY;
    }
}

void home_state_clear(struct home_state *state)
{
    authority_list_clear(&state->authorities);
    server_list_clear(&state->all);
    memset(state, 0, sizeof(*state));
}
