/* guide_state.c - how far the way from nothing to a proven login is gone. */
#include "config.h"

#include "screens/guide_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/files.h"
#include "core/pg/hba.h"
#include "core/pg/settings.h"
#include "core/store/issued.h"
#include "screens/server_state.h"

#define CONNECT_MS 4000
#define HBA_MAX    ((size_t)4 << 20)

static void set(struct guide_state *self, enum guide_step step, enum mark mark, const char *note)
{
    self->steps[step].mark = mark;
    text_clean_copy(self->steps[step].note, sizeof(self->steps[step].note), note);
}

/* ---- the store ---- */

static void look_for_ca(struct guide_state *self, const struct authority_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct authority *row = list->rows[i];

        if (row->retired || !row->has_key || cert_not_after(row->cert) <= clock_now())
            continue;
        set(self, GUIDE_CA, MARK_OK, row->name);
        return;
    }
}

static void look_for_clients(struct guide_state *self, struct store *store)
{
    static const enum issued_state states[] = {ISSUED_VALID, ISSUED_EXPIRING};

    for (size_t s = 0; s < ARRAY_LEN(states) && self->steps[GUIDE_CLIENT].mark != MARK_OK; s++) {
        struct issued_filter filter = {.state = (int)states[s], .limit = 200, .no_total = true};
        struct issued_list list;

        if (!issued_list(store, &filter, &list, &self->err))
            return;
        for (size_t i = 0; i < list.n; i++) {
            if (list.rows[i]->kind == ISSUED_CLIENT) {
                set(self, GUIDE_CLIENT, MARK_OK, list.rows[i]->role);
                break;
            }
        }
        issued_list_clear(&list);
    }
}

static struct server *choose_server(struct guide_state *self, struct store *store)
{
    struct server_list list = {.n = 0};
    struct server *server = NULL;

    if (!server_list(store, &list, &self->err))
        return NULL;
    for (size_t i = 0; i < list.n && server == NULL; i++) {
        if (self->server[0] == '\0' || text_equal(list.rows[i]->name, self->server))
            server = server_load(store, list.rows[i]->name, &self->err);
    }
    server_list_clear(&list);
    if (server != NULL)
        set(self, GUIDE_SERVER, MARK_OK, server->name);
    return server;
}

/* ---- the server ---- */

static void look_at_wire(struct guide_state *self, const struct server *server,
                         const struct authority_list *ours)
{
    enum server_state state = server_state_ask(server, ours);

    if (state == SERVER_AWAY) {
        set(self, GUIDE_TLS, MARK_WARN, server_state_text(state));
        set(self, GUIDE_TRUST, MARK_WARN, server_state_text(state));
        return;
    }
    if (state != SERVER_NO_TLS)
        set(self, GUIDE_TLS, MARK_OK, _("TLS is on"));
    if (state == SERVER_OUR_CA)
        set(self, GUIDE_TRUST, MARK_OK, _("asks for our certificates"));
}

/* A line that wants a certificate: ours, or one that somebody wrote by hand. */
static bool wants_certificate(const struct hba_line *line)
{
    if (line->kind != HBA_RULE)
        return false;
    if (text_equal(line->rule.method, "cert"))
        return true;
    for (size_t i = 0; i < line->rule.n_options; i++) {
        if (text_starts_with(line->rule.options[i], "clientcert="))
            return true;
    }
    return false;
}

static void count_rules(struct guide_state *self, const struct strbuf *bytes, int version)
{
    struct hba hba;
    size_t n = 0;
    char note[64];

    hba_parse(bytes->data, bytes->len, version, &hba);
    for (size_t i = 0; i < hba.n; i++)
        n += wants_certificate(&hba.lines[i]);
    hba_clear(&hba);
    snprintf(note, sizeof(note), ngettext("%zu rule", "%zu rules", n), n);
    if (n > 0)
        set(self, GUIDE_REQUIRE, MARK_OK, note);
}

static void look_at_rules(struct guide_state *self, const struct server *server)
{
    struct err why = ERR_INIT; /* a password is not asked for here: then it is not known */
    struct params *params = params_parse(server->conninfo, &why);
    struct conn *conn = NULL;
    struct settings settings;
    struct files *files = NULL;
    struct strbuf bytes = STRBUF_INIT;

    if (params != NULL && conn_resolve(params, &why))
        conn = conn_open(params, &(struct conn_options){.connect_timeout_ms = CONNECT_MS}, &why);
    params_free(params);
    if (conn != NULL && settings_read(conn, &settings, &why)) {
        files = files_new(conn, settings.data_directory, &why);
        if (files != NULL && files_read(files, settings.hba_file, HBA_MAX, &bytes, &why))
            count_rules(self, &bytes, conn_server_version(conn));
        files_free(files);
        settings_clear(&settings);
    }
    if (why.code != ERR_NONE)
        set(self, GUIDE_REQUIRE, MARK_WARN, _("the rules could not be read"));
    strbuf_clear(&bytes);
    conn_close(conn);
}

/* ---- the job ---- */

static void state_run(struct job *job, void *data)
{
    struct guide_state *self = data;
    struct authority_list ours = {.n = 0};
    struct server *server = NULL;
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);

    if (store == NULL) {
        if (self->err.code == ERR_NO_STORE) /* the very beginning */
            self->err = (struct err)ERR_INIT;
        return;
    }
    if (authority_list(store, &ours, &self->err)) {
        look_for_ca(self, &ours);
        look_for_clients(self, store);
        server = choose_server(self, store);
    }
    store_close(store);
    if (server != NULL && !job_cancelled(job))
        look_at_wire(self, server, &ours);
    if (server != NULL && !job_cancelled(job))
        look_at_rules(self, server);
    server_free(server);
    authority_list_clear(&ours);
}

void guide_state_free(void *data)
{
    struct guide_state *self = data;

    if (self == NULL)
        return;
    free(self->store_folder);
    free(self->server);
    free(self);
}

static const struct job_ops state_ops = {"guide: state", state_run, guide_state_free};

struct job *guide_state_start(struct app *app, void *owner)
{
    struct guide_state *self = mem_zalloc(sizeof(*self));
    const char *proven = app_kept(app, "login.proven");

    self->store_folder = mem_strdup(app_store_folder(app));
    self->server = mem_strdup(app_server(app));
    for (size_t i = 0; i < GUIDE_STEPS; i++)
        self->steps[i].mark = MARK_TODO;
    if (proven != NULL) /* the login itself leaves no trace: known as long as pgseal runs */
        set(self, GUIDE_LOGIN, MARK_OK, proven);
    return job_start(app_loop(app), owner, &state_ops, self);
}
