/* app.c - what all pages share. */
#include "config.h"

#include "screens/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

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

char *const *app_watched(const struct app *app, size_t *ret_n)
{
    *ret_n = app->n_watched;
    return app->watched;
}

bool app_read_only(const struct app *app)
{
    return app->read_only;
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

void app_short_path(const char *path, char *out, size_t size)
{
    const char *home = getenv("HOME");
    size_t len = home != NULL ? strlen(home) : 0;

    if (len > 1 && strncmp(path, home, len) == 0 && path[len] == '/')
        snprintf(out, size, "~%s", path + len);
    else
        snprintf(out, size, "%s", path);
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
