/* server_record.c - what a rotation of servers' certificates remembers: which members, and what each had
 * before. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/files.h"
#include "core/pg/settings.h"
#include "core/rotate/server_part.h"

#define CERT_FILE_MAX (1u << 20)
#define CLOCK_APART   (30 * 60) /* half of what certificates are back-dated by */

/* ---- whose certificates ---- */

/* One that was removed from the store meanwhile is no part of it any more. */
static bool push_server(struct store *store, const char *name, struct server_list *list,
                        struct err *err)
{
    struct err why = ERR_INIT;
    struct server *server = server_load(store, name, &why);

    if (server == NULL && why.code == ERR_SERVER_UNKNOWN)
        return true;
    if (server == NULL) {
        *err = why;
        return false;
    }
    list->rows = mem_realloc_array(list->rows, list->n + 1, sizeof(struct server *));
    list->rows[list->n++] = server;
    return true;
}

static bool push_members(struct store *store, const char *name, struct server_list *list,
                         struct err *err)
{
    struct err why = ERR_INIT;

    if (server_members(store, name, list, &why) || why.code == ERR_SERVER_UNKNOWN)
        return true;
    *err = why;
    return false;
}

bool server_scope(struct store *store, const struct rotation *rotation, struct server_list *ret,
                  struct err *err)
{
    json_t *options = rotate_options(rotation);
    const json_t *names = json_object_get(options, "servers");
    struct server_list list = {.n = 0};
    bool good = true;

    if (json_array_size(names) == 0)
        good = push_members(store, rotation->name, &list, err);
    for (size_t i = 0; good && i < json_array_size(names); i++)
        good = push_server(store, json_string_value(json_array_get(names, i)), &list, err);
    json_decref(options);
    if (good)
        *ret = list;
    else
        server_list_clear(&list);
    return good;
}

/* ---- what a member had ---- */

void server_record_clear(struct server_record *record)
{
    free(record->cert_file);
    free(record->key_file);
    cert_list_clear(&record->chain);
    *record = (struct server_record){.known = false};
}

bool server_record_load(const struct rotation *rotation, const struct server *server,
                        struct server_record *ret, struct err *err)
{
    json_t *options = rotate_options(rotation);
    json_t *members = json_object_get(options, "members");
    json_t *row = json_object_get(members, server->name);
    const json_t *id = json_object_get(row, "id");
    const char *chain = json_string_value(json_object_get(row, "chain"));
    const char *cert_file = json_string_value(json_object_get(row, "cert_file"));
    const char *key_file = json_string_value(json_object_get(row, "key_file"));
    bool good = true;

    *ret = (struct server_record){.known = false};
    cert_list_init(&ret->chain);
    if (json_is_integer(id) && json_integer_value(id) != server->id)
        chain = NULL; /* removed, and another one added that is called so */
    if (chain && cert_file && key_file) {
        struct pem pem;

        pem_scan(chain, strlen(chain), &pem);
        good = pem_take_certs(&pem, &ret->chain, err);
        pem_clear(&pem);
        ret->known = good && ret->chain.n > 0;
        ret->cert_file = mem_strdup(cert_file);
        ret->key_file = mem_strdup(key_file);
    }
    json_decref(options);
    if (!good)
        server_record_clear(ret);
    return good;
}

/* ---- what is on its disk ---- */

enum on_disk { DISK_UNKNOWN, DISK_MISSING, DISK_OTHER, DISK_SAME };

static bool is_in(const struct strbuf *text, const struct cert *leaf, bool *ret)
{
    struct cert_list certs;
    struct err unreadable = ERR_INIT; /* such as one with its key in it */
    struct pem pem;
    bool good;

    cert_list_init(&certs);
    pem_scan(text->data, text->len, &pem);
    good = pem_take_certs(&pem, &certs, &unreadable);
    pem_clear(&pem);
    *ret = false;
    for (size_t i = 0; good && i < certs.n; i++)
        *ret = *ret || cert_equal(certs.certs[i], leaf);
    cert_list_clear(&certs);
    return good;
}

static enum on_disk look_at_file(struct files *files, const char *path, const struct cert *leaf)
{
    enum on_disk found = DISK_UNKNOWN;
    struct strbuf text = STRBUF_INIT;
    struct err may_not = ERR_INIT;
    bool there = false, same = false;

    if (!files_exists(files, path, &there, &may_not))
        return DISK_UNKNOWN;
    if (!there)
        return DISK_MISSING;
    if (leaf == NULL)
        return DISK_SAME;
    if (files_read(files, path, CERT_FILE_MAX, &text, &may_not) && is_in(&text, leaf, &same))
        found = same ? DISK_SAME : DISK_OTHER;
    if (text.len > 0)
        explicit_bzero(text.data, text.len); /* a key may stand in the same file */
    strbuf_clear(&text);
    return found;
}

/* leaf NULL: being there is enough. What the role may not look at is not known. */
static bool look_on_disk(const struct plan_target *target, const char *name,
                         const struct cert *leaf, enum on_disk *ret, struct err *err)
{
    struct settings settings;
    struct files *files;
    char *path;

    if (!settings_read(target->admin, &settings, err))
        return false;
    files = files_new(target->admin, settings.data_directory, err);
    if (*name == '\0' && leaf != NULL)
        name = settings_value(&settings, "ssl_cert_file");
    path = *name == '/' ? mem_strdup(name) : mem_printf("%s/%s", settings.data_directory, name);
    if (files != NULL)
        *ret = *name == '/' || *settings.data_directory != '\0' ? look_at_file(files, path, leaf)
                                                                : DISK_UNKNOWN;
    free(path);
    settings_clear(&settings);
    if (files == NULL)
        return false;
    files_free(files);
    return true;
}

bool server_check_own(const struct plan_target *target, const struct cert_list *chain,
                      bool *ret_gone, struct err *err)
{
    const char *name = target->server->name;
    enum on_disk found = DISK_UNKNOWN;

    if (!look_on_disk(target, "", chain->certs[0], &found, err))
        return false;
    *ret_gone = found == DISK_MISSING;
    if (found != DISK_OTHER)
        return true;
    err_set(err, ERR_TLS_STALE, _("\"%s\" does not show the certificate of its ssl_cert_file"),
            name);
    err_cause(err,
              _("Something else answers at %.80s:%d (a pooler, a proxy), or the file was changed "
                "and not loaded."),
              target->tls_host, target->tls_port);
    err_state(err, _("Nothing was changed on \"%s\"."), name);
    return err_hint(err,
                    _("\"pgseal server check %s\" tells which: reload it, or give it the address "
                      "that leads to itself (--address)."),
                    name);
}

bool server_check_return(const struct plan_target *target, const struct server_record *record,
                         struct err *err)
{
    const char *name = target->server->name;
    const char *file = record->cert_file;
    enum on_disk cert = DISK_UNKNOWN, key = DISK_UNKNOWN;

    if (!look_on_disk(target, file, record->chain.certs[0], &cert, err) ||
        !look_on_disk(target, record->key_file, NULL, &key, err))
        return false;
    if (cert == DISK_SAME && key == DISK_MISSING)
        file = record->key_file;
    else if (cert != DISK_MISSING && cert != DISK_OTHER)
        return true;
    err_set(err, ERR_UNDO, _("the former certificate of \"%s\" is not there any more: \"%.120s\""),
            name, file);
    if (cert == DISK_OTHER)
        err_cause(err, _("The file holds another one now: it was renewed or replaced by somebody "
                         "else."));
    else
        err_cause(err, _("The file is gone."));
    err_state(err, _("\"%s\" keeps its new certificate."), name);
    return err_hint(
        err,
        _("Bring the file back, or give it what you have: \"pgseal server tls %s --cert "
          "FILE --key FILE\"; then go back again."),
        name);
}

/* Its clients' clocks are more likely like the server's than like one that is wrong here: with a wrong one
 * a certificate is issued that nobody takes yet, or that ends too early. */
bool server_check_clock(const struct plan_target *target, struct err *err)
{
    struct result *result =
        conn_exec(target->admin, "SELECT extract(epoch FROM pg_catalog.clock_timestamp())::bigint",
                  0, NULL, err);
    int64_t ahead;

    if (result == NULL)
        return false;
    ahead = clock_now() - result_int(result, 0, 0, clock_now());
    result_free(result);
    if (ahead <= CLOCK_APART && ahead >= -CLOCK_APART)
        return true;
    err_set(err, ERR_CLOCKS, _("the clock here is %lld minutes %s that of \"%s\""),
            (long long)((ahead < 0 ? -ahead : ahead) / 60), ahead < 0 ? _("behind") : _("ahead of"),
            target->server->name);
    err_cause(err, _("A certificate that is issued now would not be valid yet for its clients, or "
                     "end too early."));
    err_state(err, _("Nothing was changed on \"%s\"."), target->server->name);
    return err_hint(err, _("Set both clocks by NTP; then \"pgseal rotate next\" again."));
}

/* ---- noted ---- */

bool server_record_save(struct rotate_work *work, const struct plan_target *target,
                        const struct cert_list *chain, struct err *err)
{
    json_t *options = rotate_options(work->rotation);
    json_t *members = json_object_get(options, "members");
    struct settings settings;
    struct strbuf pem = STRBUF_INIT;
    bool good = true;

    for (size_t i = 0; i < chain->n && good; i++) {
        if (i == 0 || !cert_is_self_signed(chain->certs[i]))
            good = cert_to_pem(chain->certs[i], &pem, err);
    }
    if (!good || !settings_read(target->admin, &settings, err)) {
        strbuf_clear(&pem);
        json_decref(options);
        return false;
    }
    if (!json_is_object(members)) {
        json_object_set_new(options, "members", json_object());
        members = json_object_get(options, "members");
    }
    /* a name that JSON cannot hold: without a note there would be no way back */
    good = json_object_set_new(
               members, target->server->name,
               json_pack("{s:I, s:s, s:s, s:s}", "id", (json_int_t)target->server->id, "chain",
                         pem.data, "cert_file", settings_value(&settings, "ssl_cert_file"),
                         "key_file", settings_value(&settings, "ssl_key_file"))) == 0;
    settings_clear(&settings);
    strbuf_clear(&pem);
    if (!good) {
        json_decref(options);
        return err_set(err, ERR_BAD_VALUE, _("the names of the files of \"%s\" are no text"),
                       target->server->name);
    }
    return rotate_save_options(work, options, "a server's present certificate is noted", err);
}
