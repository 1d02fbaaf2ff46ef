/* publish_lines.c - lists on their way to the servers, as an act's job does it. */
#include "config.h"

#include "screens/publish_lines.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pg/conn.h"

#define LOGIN_MS 8000
#define TRIES    3

/* ---- login ---- */

static struct publish_password *find_password(const struct publish_known *known, int64_t server_id)
{
    for (size_t i = 0; i < known->n; i++) {
        if (known->rows[i].server_id == server_id)
            return &known->rows[i];
    }
    return NULL;
}

static void remember(struct publish_known *known, int64_t server_id, const struct secret *password)
{
    struct publish_password *row = find_password(known, server_id);

    if (row == NULL) {
        known->rows = mem_realloc_array(known->rows, known->n + 1, sizeof(known->rows[0]));
        row = &known->rows[known->n++];
        *row = (struct publish_password){.server_id = server_id};
    }
    secret_free(row->password);
    row->password = secret_dup(password);
}

void publish_known_clear(struct publish_known *known)
{
    for (size_t i = 0; i < known->n; i++)
        secret_free(known->rows[i].password);
    free(known->rows);
    *known = (struct publish_known){.n = 0};
}

static struct conn *open_with(struct publish_talk *talk, const struct server *server,
                              const struct secret *password, bool *ret_wants, struct err *err)
{
    struct params *params = params_parse(server->conninfo, err);
    struct conn_options options = {.password = password,
                                   .connect_timeout_ms = LOGIN_MS,
                                   .cancelled = act_stopped,
                                   .cancelled_arg = talk->job,
                                   .ret_needs_password = ret_wants};
    struct conn *conn = NULL;

    if (params != NULL && conn_resolve(params, err))
        conn = conn_open(params, &options, err);
    params_free(params);
    return conn;
}

static struct secret *ask_password(struct publish_talk *talk, const struct server *server,
                                   bool was_wrong)
{
    char *what = mem_printf(_("The server \"%s\" asks for a password."), server->name);
    struct secret *password = act_ask(talk->job, what, was_wrong);

    free(what);
    return password;
}

static struct conn *log_in(void *arg, struct server *server, struct secret **ret_password,
                           struct err *err)
{
    struct publish_talk *talk = arg;
    const struct publish_password *known = find_password(talk->known, server->id);
    struct secret *password = known != NULL ? secret_dup(known->password) : NULL;
    struct err why = ERR_INIT;
    bool wants = false;
    struct conn *conn = open_with(talk, server, password, &wants, &why);

    for (int i = 0; conn == NULL && wants && i < TRIES && !act_stopped(talk->job); i++) {
        bool was_wrong = password != NULL;

        secret_free(password);
        password = ask_password(talk, server, was_wrong);
        if (password == NULL)
            break;
        why = (struct err)ERR_INIT;
        conn = open_with(talk, server, password, &wants, &why);
    }
    if (conn != NULL && password != NULL)
        remember(talk->known, server->id, password);
    if (conn != NULL) {
        *ret_password = password;
        return conn;
    }
    secret_free(password);
    *err = why;
    return NULL;
}

/* ---- progress ---- */

static void begins(void *arg, size_t i, size_t n, const char *server)
{
    struct publish_talk *talk = arg;

    (void)i;
    act_progress(talk->job, talk->n_ended, n);
    act_tell(talk->job, MARK_BUSY, _("%s: logging in"), server);
}

static enum mark mark_of(const struct publish_result *row)
{
    return publish_is_good(row) ? MARK_OK : row->state == PUBLISH_LEFT ? MARK_BAD : MARK_WARN;
}

static void ended(void *arg, size_t i, size_t n, const struct publish_result *result)
{
    struct publish_talk *talk = arg;
    struct strbuf text = STRBUF_INIT;

    publish_describe(result, &text);
    (void)i;
    act_tell(talk->job, mark_of(result), "%s", text.data);
    act_progress(talk->job, ++talk->n_ended, n);
    strbuf_clear(&text);
}

static void step(void *arg, const char *server, const struct plan_step_view *view)
{
    struct publish_talk *talk = arg;

    act_tell(talk->job, MARK_BUSY, "%s: %s", server, view->title);
}

static void saw(void *arg, const char *server, const char *line)
{
    struct publish_talk *talk = arg;

    act_tell(talk->job, MARK_BUSY, "%s: %s", server, line);
}

static bool stop(void *arg)
{
    struct publish_talk *talk = arg;

    return act_stopped(talk->job);
}

void publish_talk_begin(struct publish_talk *ret, struct act_job *job, struct publish_known *known)
{
    *ret = (struct publish_talk){.job = job, .known = known};
    ret->door = (struct fleet_door){.login = log_in, .stop = stop, .arg = ret};
    ret->watch = (struct publish_watch){
        .begins = begins, .step = step, .saw = saw, .ended = ended, .stop = stop, .arg = ret};
}

/* ---- results ---- */

void publish_lines(struct lines *lines, const struct publish_results *results)
{
    struct strbuf text = STRBUF_INIT;

    for (size_t i = 0; i < results->n; i++) {
        const struct publish_result *row = &results->rows[i];

        strbuf_reset(&text);
        publish_describe(row, &text);
        lines_add(lines, 0, mark_of(row), NULL, text.data);
        if (row->sessions_ended > 0)
            lines_printf(lines, 2, MARK_NONE, NULL,
                         ngettext("%d open session ended", "%d open sessions ended",
                                  (unsigned long)row->sessions_ended),
                         row->sessions_ended);
        if (row->sessions_ended < 0)
            lines_add(lines, 2, MARK_WARN, NULL, _("open sessions could not be ended"));
        if (row->err.code != ERR_NONE)
            lines_printf(lines, 2, MARK_NONE, NULL, "PS-%d: %s", (int)row->err.code, row->err.msg);
        if (publish_is_blocked(row))
            lines_add(lines, 2, MARK_NONE, NULL, row->err.hint);
    }
    strbuf_clear(&text);
}

void publish_lines_behind(struct lines *lines)
{
    lines_add(lines, 0, MARK_WARN, NULL,
              _("Not all servers have the list: those go on accepting what is revoked. They are "
                "remembered; \"Lists of revoked certificates\" (r there) or \"pgseal crl "
                "refresh\" brings it when they are back, and Home counts them until then."));
}
