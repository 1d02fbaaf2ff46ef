/* plan_box.c - a fresh PostgreSQL with a store that knows it. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/settings.h"
#include "tests/pg/plan_box.h"

static void must(bool good, const struct err *err)
{
    if (!good)
        fail_msg("PS-%d %s / %s / %s", (int)err->code, err->msg, err->cause, err->state);
}

static void saw(void *arg, const char *line)
{
    struct plan_box *box = arg;

    strbuf_printf(&box->seen, "%s\n", line);
}

static void open_admin(struct plan_box *box)
{
    struct err err = ERR_INIT;
    struct params *params = params_parse(demo_admin_conninfo(box->demo), &err);
    struct conn_options options = {.connect_timeout_ms = 10000};

    must(params != NULL, &err);
    box->admin = conn_open(params, &options, &err);
    must(box->admin != NULL, &err);
    params_free(params);
    box->target.admin = box->admin;
}

static void add_server(struct plan_box *box)
{
    struct err err = ERR_INIT;
    char name[] = "db1", host[] = "127.0.0.1", provider[] = "self-managed", none[] = "";
    struct server server = {.name = name,
                            .conninfo = mem_strdup(demo_admin_conninfo(box->demo)),
                            .tls_host = host,
                            .tls_port = demo_port(box->demo),
                            .provider = provider,
                            .system_identifier = none};

    must(server_add(box->store, &server, &err), &err);
    free(server.conninfo);
    box->server = server_load(box->store, "db1", &err);
    must(box->server != NULL, &err);
}

struct authority *plan_box_authority(struct plan_box *box, const char *name, struct key **ret_key)
{
    struct err err = ERR_INIT;
    struct authority_spec spec = {.name = name, .key_type = KEY_EC_P256};
    struct authority *authority = authority_create(box->store, &spec, &err);

    must(authority != NULL, &err);
    *ret_key = authority_unlock(box->store, authority, NULL, &err);
    must(*ret_key != NULL, &err);
    return authority;
}

void plan_box_open(struct plan_box *box)
{
    struct demo_options options = {.bindir = NULL};
    struct err err = ERR_INIT;

    signal(SIGPIPE, SIG_IGN);
    *box = (struct plan_box){.n_kits = 0};
    strbuf_init(&box->seen);
    box->demo = demo_start(&options, &err);
    must(box->demo != NULL, &err);
    box->store = store_open(demo_store(box->demo), STORE_CREATE, &err);
    must(box->store != NULL, &err);
    add_server(box);
    open_admin(box);
    box->target.store = box->store;
    box->target.server = box->server;
    box->target.tls_host = "127.0.0.1";
    box->target.tls_port = demo_port(box->demo);
    box->watch = (struct plan_watch){.saw = saw, .arg = box};
    box->ca = plan_box_authority(box, "Test CA", &box->ca_key);
}

void plan_box_close(struct plan_box *box)
{
    bool nothing_left = false;
    struct err err = ERR_INIT;

    authority_free(box->ca);
    key_free(box->ca_key);
    conn_close(box->admin);
    server_free(box->server);
    store_close(box->store);
    strbuf_clear(&box->seen);
    must(demo_stop(box->demo, &nothing_left, &err), &err);
    demo_free(box->demo);
    assert_true(nothing_left);
}

int64_t plan_box_keep(struct plan_box *box, struct plan *plan)
{
    struct err err = ERR_INIT;
    int64_t id;

    strbuf_reset(&box->seen);
    must(plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, &box->watch, &err), &err);
    assert_int_equal(plan_state(plan), JOURNAL_KEPT);
    id = plan_id(plan);
    plan_free(plan);
    return id;
}

void plan_box_tls(struct plan_box *box)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1"};
    struct server_tls_intent intent = {
        .authority = box->ca, .authority_key = box->ca_key, .hosts = hosts, .n_hosts = 2};
    struct err err = ERR_INIT;
    struct plan *plan = plan_server_tls(&box->target, &intent, &err);

    must(plan != NULL, &err);
    plan_box_keep(box, plan);
}

void plan_box_trust(struct plan_box *box)
{
    const struct authority *authorities[] = {box->ca};
    struct trust_ca_intent intent = {.authorities = authorities, .n_authorities = 1};
    struct err err = ERR_INIT;
    struct plan *plan = plan_trust_ca(&box->target, &intent, &err);

    must(plan != NULL, &err);
    plan_box_keep(box, plan);
}

void plan_box_kit(struct plan_box *box, const struct authority *ca, const struct key *key,
                  const char *role, struct kit_files *ret)
{
    struct err err = ERR_INIT;
    struct key *own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct issue_spec spec = {.kind = ISSUED_CLIENT, .role = role, .key = own};
    struct issued *issued = issued_make(box->store, ca, key, &spec, &err);
    char *folder = mem_printf("%s/kit-%u", demo_store(box->demo), ++box->n_kits);
    struct kit_spec kit = {
        .folder = folder, .formats = KIT_PEM, .issued = issued, .key = own, .ca = ca->cert};

    must(issued != NULL, &err);
    must(kit_write(&kit, ret, &err), &err);
    free(folder);
    issued_free(issued);
    key_free(own);
}

void plan_box_saw(const struct plan_box *box, const char *part)
{
    if (!strstr(box->seen.data, part))
        fail_msg("not seen: \"%s\" in\n%s", part, box->seen.data);
}

#define LISTS "lists"

void plan_box_use_lists(struct plan_box *box)
{
    char *path = fs_join(demo_data(box->demo), LISTS);
    struct err err = ERR_INIT;
    bool loaded = false;
    struct stat st;

    assert_int_equal(stat(demo_data(box->demo), &st), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    if (geteuid() == 0)
        assert_int_equal(chown(path, st.st_uid, st.st_gid), 0);
    must(settings_alter(box->admin, "ssl_crl_file", "", &err) &&
             settings_alter(box->admin, "ssl_crl_dir", LISTS, &err) &&
             settings_reload(box->admin, &err),
         &err);
    for (int i = 0; i < 200 && !loaded; i++) {
        char *value = plan_box_value(box, "ssl_crl_dir");

        loaded = strcmp(value, LISTS) == 0;
        free(value);
        if (!loaded)
            poll(NULL, 0, 20);
    }
    assert_true(loaded);
    free(path);
}

/* ---- what is on the disk ---- */

static char *read_file(const struct plan_box *box, const char *name)
{
    char *path = fs_join(demo_data(box->demo), name);
    struct strbuf bytes = STRBUF_INIT;
    struct err err = ERR_INIT;

    must(fs_read(path, 1 << 20, &bytes, &err), &err);
    free(path);
    return strbuf_steal(&bytes);
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static char *read_lists(const struct plan_box *box)
{
    char *path = fs_join(demo_data(box->demo), LISTS);
    struct strbuf all = STRBUF_INIT;
    struct dirent **names = NULL;
    int n = scandir(path, &names, not_hidden, alphasort);

    for (int i = 0; i < n; i++) {
        char *name = fs_join(LISTS, names[i]->d_name);
        char *text = read_file(box, name);

        strbuf_printf(&all, "%s\n%s", name, text);
        free(text);
        free(name);
        free(names[i]);
    }
    free(names);
    free(path);
    return all.data ? strbuf_steal(&all) : mem_strdup("");
}

struct plan_files plan_box_files(const struct plan_box *box)
{
    return (struct plan_files){.auto_conf = read_file(box, "postgresql.auto.conf"),
                               .hba = read_file(box, "pg_hba.conf"),
                               .ident = read_file(box, "pg_ident.conf"),
                               .lists = read_lists(box)};
}

void plan_files_clear(struct plan_files *files)
{
    free(files->auto_conf);
    free(files->hba);
    free(files->ident);
    free(files->lists);
}

void plan_box_same_files(const struct plan_box *box, const struct plan_files *before)
{
    struct plan_files now = plan_box_files(box);

    assert_string_equal(now.auto_conf, before->auto_conf);
    assert_string_equal(now.hba, before->hba);
    assert_string_equal(now.ident, before->ident);
    assert_string_equal(now.lists, before->lists);
    plan_files_clear(&now);
}

size_t plan_box_count_files(const struct plan_box *box, const char *prefix)
{
    DIR *dir = opendir(demo_data(box->demo));
    struct dirent *entry;
    size_t n = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)))
        n += text_starts_with(entry->d_name, prefix);
    closedir(dir);
    return n;
}

char *plan_box_value(struct plan_box *box, const char *setting)
{
    struct settings settings;
    struct err err = ERR_INIT;
    char *value;

    must(settings_read(box->admin, &settings, &err), &err);
    value = mem_strdup(settings_value(&settings, setting));
    settings_clear(&settings);
    return value;
}

struct handshake plan_box_handshake(const struct plan_box *box)
{
    struct handshake_request request = {.host = box->target.tls_host, .port = box->target.tls_port};
    struct handshake handshake;
    struct err err = ERR_INIT;

    must(handshake_run(&request, &handshake, &err), &err);
    return handshake;
}

void plan_box_restart(struct plan_box *box)
{
    struct err err = ERR_INIT;

    conn_close(box->admin);
    must(demo_restart(box->demo, &err), &err);
    open_admin(box);
}
