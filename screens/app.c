/* app.c - what all pages share. */
#include "config.h"

#include "screens/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/server.h"

#define KEEP_SECONDS 120
#define ADMIN_FIELD  "admin.%s" /* kept under: a server's name */

struct kept {
    char *field, *value;
};

struct app {
    struct loop *loop; /* borrowed */
    char *store_folder;
    char *server;
    char **watched;
    size_t n_watched;
    bool read_only;
    bool demo;
    int keep_seconds;
    bool done;
    bool guided;
    struct kept *kept;
    size_t n_kept;
};

struct app *app_new(const struct app_options *options)
{
    struct app *app = mem_zalloc(sizeof(*app));

    app->store_folder = mem_strdup(options->store_folder);
    app->server = mem_strdup(options->server != NULL ? options->server : "");
    app->watched = mem_array(options->n_watched + 1, sizeof(*app->watched));
    for (size_t i = 0; i < options->n_watched; i++)
        app->watched[app->n_watched++] = mem_strdup(options->watched[i]);
    app->read_only = options->read_only;
    app->demo = options->demo;
    app->keep_seconds = options->keep_seconds > 0 ? options->keep_seconds : KEEP_SECONDS;
    return app;
}

void app_free(struct app *app)
{
    if (app == NULL)
        return;
    for (size_t i = 0; i < app->n_kept; i++) {
        free(app->kept[i].field);
        free(app->kept[i].value);
    }
    for (size_t i = 0; i < app->n_watched; i++)
        free(app->watched[i]);
    free(app->watched);
    free(app->kept);
    free(app->store_folder);
    free(app->server);
    free(app);
}

void app_set_loop(struct app *app, struct loop *loop)
{
    app->loop = loop;
}

struct loop *app_loop(const struct app *app)
{
    return app->loop;
}

const char *app_store_folder(const struct app *app)
{
    return app->store_folder;
}

const char *app_server(const struct app *app)
{
    return app->server;
}

void app_set_server(struct app *app, const char *name)
{
    char *copy = mem_strdup(name);

    free(app->server);
    app->server = copy;
}

void app_know_servers(struct app *app, const struct server_list *servers)
{
    for (size_t i = 0; i < servers->n; i++) {
        char *field = mem_printf(ADMIN_FIELD, servers->rows[i]->name);

        app_keep(app, field, servers->rows[i]->conninfo);
        free(field);
    }
}

const char *app_admin(const struct app *app)
{
    char *field = mem_printf(ADMIN_FIELD, app->server);
    const char *conninfo = app_kept(app, field);

    free(field);
    return conninfo;
}

char *const *app_watched(const struct app *app, size_t *ret_n)
{
    *ret_n = app->n_watched;
    return app->watched;
}

bool app_read_only(const struct app *app)
{
    return app->read_only;
}

bool app_is_demo(const struct app *app)
{
    return app->demo;
}

int app_keep_seconds(const struct app *app)
{
    return app->keep_seconds;
}

static struct kept *find_kept(const struct app *app, const char *field)
{
    for (size_t i = 0; i < app->n_kept; i++) {
        if (strcmp(app->kept[i].field, field) == 0)
            return &app->kept[i];
    }
    return NULL;
}

void app_keep(struct app *app, const char *field, const char *value)
{
    struct kept *kept = find_kept(app, field);

    if (kept == NULL) {
        app->kept = mem_realloc_array(app->kept, app->n_kept + 1, sizeof(*app->kept));
        kept = &app->kept[app->n_kept++];
        kept->field = mem_strdup(field);
        kept->value = NULL;
    }
    free(kept->value);
    kept->value = value != NULL && value[0] != '\0' ? mem_strdup(value) : NULL;
}

const char *app_kept(const struct app *app, const char *field)
{
    const struct kept *kept = find_kept(app, field);

    return kept != NULL ? kept->value : NULL;
}

void app_set_done(struct app *app)
{
    app->done = true;
}

bool app_take_done(struct app *app)
{
    bool done = app->done;

    app->done = false;
    return done;
}

void app_set_guided(struct app *app, bool guided)
{
    app->guided = guided;
}

bool app_guided(const struct app *app)
{
    return app->guided;
}

void app_short_path(const char *path, char *out, size_t size)
{
    const char *home = getenv("HOME");
    size_t len = home != NULL ? strlen(home) : 0;

    if (len > 1 && strncmp(path, home, len) == 0 && path[len] == '/')
        snprintf(out, size, "~%s", path + len);
    else
        snprintf(out, size, "%s", path);
}

char *app_full_path(const char *text)
{
    const char *home = getenv("HOME");
    char *here, *path;

    if (text[0] == '/')
        return mem_strdup(text);
    if (text[0] == '~' && text[1] == '/' && home != NULL)
        return fs_join(home, text + 2);
    here = getcwd(NULL, 0);
    path = fs_join(here != NULL ? here : "/", text);
    free(here);
    return path;
}

void app_where(const struct app *app, char *out, size_t size)
{
    char folder[256];

    app_short_path(app->store_folder, folder, sizeof(folder));
    if (app->demo)
        snprintf(out, size, "%s", _("demo: a private PostgreSQL"));
    else
        snprintf(out, size, _("store: %s"), folder);
}
