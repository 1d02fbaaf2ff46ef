/* simulate_job.c - who gets in now, and who by the rules of a draft. */
#include "config.h"

#include "screens/simulate_job.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/pg/files.h"
#include "core/pg/settings.h"
#include "core/plan/who_certs.h"
#include "core/plan/who_seen.h"
#include "screens/admin_login.h"
#include "screens/server_state.h"

#define HBA_MAX ((size_t)4 << 20)

/* The text that the plan of the draft would write; the plan is thrown away. */
static bool read_wanted(struct simulate_job *self, struct plan_target *target,
                        struct strbuf *wanted)
{
    struct attempt_tools tools = {.target = target};
    char *host = NULL;
    struct plan *plan = NULL;
    const struct strbuf *text;

    if (self->draft == NULL)
        return true;
    if (server_tls_address(target->server, &host, &target->tls_port, &self->err)) {
        target->tls_host = host;
        plan = require_intent.build(self->draft, &tools, &self->err);
    }
    free(host);
    if (plan == NULL)
        return false;
    text = plan_wanted_hba(plan);
    self->changes = text != NULL;
    if (text != NULL)
        strbuf_add(wanted, text->data, text->len);
    plan_free(plan);
    return true;
}

static bool read_present(struct simulate_job *self, struct conn *conn, struct strbuf *present)
{
    struct settings settings;
    struct files *files;
    bool good;

    if (!settings_read(conn, &settings, &self->err))
        return false;
    files = files_new(conn, settings.data_directory, &self->err);
    good = files != NULL && files_read(files, settings.hba_file, HBA_MAX, present, &self->err) &&
           simulate_read(conn, settings.ident_file, &self->who, &self->err);
    files_free(files);
    settings_clear(&settings);
    return good;
}

static bool reckon(struct simulate_job *self, struct plan_target *target)
{
    struct strbuf present = STRBUF_INIT, wanted = STRBUF_INIT;
    int64_t since = clock_now() - (int64_t)WHO_SEEN_DAYS * CLOCK_DAY;
    bool good = read_present(self, target->admin, &present) &&
                who_certs(target->store, target->admin, &self->who, &self->err) &&
                who_seen(target->store, self->server, since, &self->who, &self->err) &&
                read_wanted(self, target, &wanted);

    if (good)
        simulate(&self->who, present.data, present.len, self->changes ? wanted.data : NULL,
                 wanted.len, &self->simulation);
    strbuf_clear(&present);
    strbuf_clear(&wanted);
    return good;
}

static void simulate_run(struct job *job, void *data)
{
    struct simulate_job *self = data;
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);
    struct server *server = store != NULL ? server_load(store, self->server, &self->err) : NULL;
    struct conn *conn =
        server != NULL ? admin_login(server, self->password, job, &self->wants_password, &self->err)
                       : NULL;
    struct plan_target target = {.store = store, .server = server, .admin = conn};

    if (conn != NULL)
        self->ok = reckon(self, &target);
    conn_close(conn);
    server_free(server);
    store_close(store);
}

void simulate_job_free(void *data)
{
    struct simulate_job *self = data;

    if (self == NULL)
        return;
    simulation_clear(&self->simulation);
    simulate_who_clear(&self->who);
    if (self->draft != NULL)
        require_data_free(self->draft);
    secret_free(self->password);
    free(self->store_folder);
    free(self->server);
    free(self);
}

static const struct job_ops simulate_ops = {"who gets in", simulate_run, simulate_job_free};

struct job *simulate_job_start(struct app *app, void *owner, const struct require_data *draft,
                               struct secret *password)
{
    struct simulate_job *self = mem_zalloc(sizeof(*self));

    self->store_folder = mem_strdup(app_store_folder(app));
    self->server = mem_strdup(app_server(app));
    self->draft = draft != NULL ? require_intent.copy(draft) : NULL;
    self->password = password;
    return job_start(app_loop(app), owner, &simulate_ops, self);
}
