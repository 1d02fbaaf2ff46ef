/* require_job.c - the rules of a server as they are, and the intent to require certificates. */
#include "config.h"

#include "screens/require_job.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/files.h"
#include "core/pg/settings.h"
#include "screens/admin_login.h"

#define HBA_MAX ((size_t)4 << 20)

/* ---- facts ---- */

static struct conn *log_in(struct rules_facts *self, struct job *job)
{
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);
    struct server *server = store != NULL ? server_load(store, self->server, &self->err) : NULL;
    struct conn *conn =
        server != NULL ? admin_login(server, NULL, job, &self->wants_password, &self->err) : NULL;

    store_close(store);
    server_free(server);
    return conn;
}

static bool read_rules(struct rules_facts *self, struct conn *conn)
{
    struct settings settings;
    struct files *files = NULL;
    struct strbuf bytes = STRBUF_INIT;
    bool good = false;

    if (!settings_read(conn, &settings, &self->err))
        return false;
    files = files_new(conn, settings.data_directory, &self->err);
    if (files != NULL && files_read(files, settings.hba_file, HBA_MAX, &bytes, &self->err) &&
        simulate_read(conn, settings.ident_file, &self->who, &self->err)) {
        hba_parse(bytes.data, bytes.len, conn_server_version(conn), &self->hba);
        good = true;
    }
    strbuf_clear(&bytes);
    files_free(files);
    settings_clear(&settings);
    return good;
}

static void facts_run(struct job *job, void *data)
{
    struct rules_facts *self = data;
    struct conn *conn = log_in(self, job);

    self->ok = conn != NULL && read_rules(self, conn);
    conn_close(conn);
}

void rules_facts_free(void *data)
{
    struct rules_facts *self = data;

    if (self == NULL)
        return;
    if (self->ok) {
        hba_clear(&self->hba);
        simulate_who_clear(&self->who);
    }
    free(self->store_folder);
    free(self->server);
    free(self);
}

static const struct job_ops facts_ops = {"rules: facts", facts_run, rules_facts_free};

struct job *rules_facts_start(struct app *app, void *owner)
{
    struct rules_facts *self = mem_zalloc(sizeof(*self));

    self->store_folder = mem_strdup(app_store_folder(app));
    self->server = mem_strdup(app_server(app));
    return job_start(app_loop(app), owner, &facts_ops, self);
}

/* ---- the intent ---- */

void require_data_free(void *data)
{
    struct require_data *self = data;

    for (size_t i = 0; i < self->n_roles; i++)
        free(self->roles[i]);
    free(self->roles);
    free(self->lines);
    for (size_t i = 0; i < self->n_map; i++) {
        free(self->map_cns[i]);
        free(self->map_roles[i]);
    }
    for (size_t i = 0; i < self->n_lines; i++)
        free(self->texts[i]);
    free(self->texts);
    free(self->lines_of);
    free(self->map_cns);
    free(self->map_roles);
    free(self->map);
    free(self->database);
    free(self->address);
    free(self->probe_role);
    free(self->probe_cert);
    free(self->probe_key);
    free(self->probe_root);
    free(self);
}

static void *require_copy(const void *data)
{
    const struct require_data *from = data;
    struct require_data *to = mem_zalloc(sizeof(*to));

    to->remove = from->remove;
    to->n_lines = from->n_lines;
    to->lines = mem_array(from->n_lines + 1, sizeof(*to->lines));
    for (size_t i = 0; i < from->n_lines; i++)
        to->lines[i] = from->lines[i];
    to->texts = mem_array(from->n_lines + 1, sizeof(*to->texts));
    for (size_t i = 0; i < from->n_lines; i++)
        to->texts[i] = mem_strdup(from->texts[i]);
    to->lines_of = mem_strdup(from->lines_of);
    to->database = mem_strdup(from->database);
    to->address = mem_strdup(from->address);
    to->method = from->method;
    to->n_roles = from->n_roles;
    to->roles = mem_array(from->n_roles + 1, sizeof(*to->roles));
    for (size_t i = 0; i < from->n_roles; i++)
        to->roles[i] = mem_strdup(from->roles[i]);
    to->map = mem_strdup(from->map);
    to->n_map = from->n_map;
    to->map_cns = mem_array(from->n_map + 1, sizeof(*to->map_cns));
    to->map_roles = mem_array(from->n_map + 1, sizeof(*to->map_roles));
    for (size_t i = 0; i < from->n_map; i++) {
        to->map_cns[i] = mem_strdup(from->map_cns[i]);
        to->map_roles[i] = mem_strdup(from->map_roles[i]);
    }
    to->probe_role = mem_strdup(from->probe_role);
    to->probe_cert = mem_strdup(from->probe_cert);
    to->probe_key = mem_strdup(from->probe_key);
    to->probe_root = mem_strdup(from->probe_root);
    return to;
}

static struct plan *require_build(const void *data, const struct attempt_tools *tools,
                                  struct err *err)
{
    const struct require_data *self = data;
    struct access_map_line *lines = mem_array(self->n_map + 1, sizeof(*lines));
    struct access_rules_probe probe = {
        .role = self->probe_role,
        .database = text_equal(self->database, "all") ? "postgres" : self->database,
        .cert_file = self->probe_cert,
        .key_file = self->probe_key,
        .root_file = self->probe_root};
    struct access_rules_intent intent = {.database = self->database,
                                         .roles = (const char *const *)self->roles,
                                         .n_roles = self->n_roles,
                                         .address = self->address,
                                         .method = self->method,
                                         .map = self->map,
                                         .map_lines = lines,
                                         .n_map_lines = self->n_map,
                                         .probes = &probe,
                                         .n_probes = self->probe_role != NULL ? 1 : 0};

    struct plan *plan;

    for (size_t i = 0; i < self->n_map; i++)
        lines[i] = (struct access_map_line){self->map_cns[i], self->map_roles[i]};
    if (self->remove)
        plan = plan_remove_rules(
            tools->target,
            &(struct remove_rules_intent){.texts = (const char *const *)self->texts,
                                          .n_texts = self->n_lines},
            err);
    else
        plan = plan_access_rules(tools->target, &intent, err);
    free(lines);
    return plan;
}

/* "cert": as the command takes it. */
static const char *method_word(enum access_method method)
{
    switch (method) {
    case ACCESS_CERT:
        break;
    case ACCESS_VERIFY_FULL:
        return "verify-full";
    case ACCESS_VERIFY_CA:
        return "verify-ca";
    }
    return "cert";
}

static void option(struct strbuf *out, const char *name, const char *value)
{
    strbuf_printf(out, " \\\n    --%s ", name);
    if (!text_quote_shell(out, value))
        strbuf_add_str(out, "''");
}

static void require_command(const void *data, const char *server, struct strbuf *out)
{
    const struct require_data *self = data;

    if (self->remove) {
        bool elsewhere = self->n_lines > 0 && !text_equal(self->lines_of, server);

        if (elsewhere) /* the same rules may have other numbers there */
            strbuf_printf(out, _("# the numbers are those of \"%s\"; here: the same lines\n"),
                          self->lines_of);
        strbuf_printf(out, "pgseal server unrequire %s", elsewhere ? self->lines_of : server);
        for (size_t i = 0; i < self->n_lines; i++)
            strbuf_printf(out, " %d", self->lines[i]);
        strbuf_add_char(out, '\n');
        return;
    }
    strbuf_printf(out, "pgseal server require %s", server);
    require_options(self, out);
    strbuf_add_char(out, '\n');
}

void require_options(const struct require_data *self, struct strbuf *out)
{
    option(out, "database", self->database);
    for (size_t i = 0; i < self->n_roles; i++)
        option(out, "role", self->roles[i]);
    option(out, "from", self->address);
    option(out, "method", method_word(self->method));
    if (self->map != NULL)
        option(out, "map", self->map);
    for (size_t i = 0; i < self->n_map; i++) {
        char *line = mem_printf("%s=%s", self->map_cns[i], self->map_roles[i]);

        option(out, "map-role", line);
        free(line);
    }
}

const struct attempt_intent require_intent = {.name = "server require",
                                              .members = attempt_for_members,
                                              .build = require_build,
                                              .command = require_command,
                                              .copy = require_copy,
                                              .free = require_data_free};
