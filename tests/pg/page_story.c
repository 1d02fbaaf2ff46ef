/* page_story.c - a page over a real server that trusts our CA. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/kit/kit.h"
#include "core/plan/fleet.h"
#include "tests/pg/page_story.h"

static void add_server(struct page_story *story)
{
    char name[] = "db1", host[] = "127.0.0.1", provider[] = "self-managed", none[] = "";
    struct server server = {.name = name,
                            .tls_host = host,
                            .tls_port = demo_port(story->demo),
                            .provider = provider,
                            .system_identifier = none};
    struct err err = ERR_INIT;

    server.conninfo = mem_strdup(demo_admin_conninfo(story->demo));
    BOX_OK(server_add(story->box.box.store, &server, &err));
    free(server.conninfo);
}

static struct plan *make_tls(void *arg, const struct plan_target *target, struct err *err)
{
    const struct page_story *story = arg;
    bool own = story->servers_ca != NULL;
    struct server_tls_intent intent = {.authority = own ? story->servers_ca : story->ca,
                                       .authority_key = own ? story->servers_key : story->key,
                                       .hosts = &target->tls_host,
                                       .n_hosts = 1};

    return plan_server_tls(target, &intent, err);
}

static struct plan *make_trust(void *arg, const struct plan_target *target, struct err *err)
{
    const struct page_story *story = arg;
    const struct authority *ca = story->ca;
    struct trust_ca_intent intent = {.authorities = &ca, .n_authorities = 1};

    return plan_trust_ca(target, &intent, err);
}

static void change(struct page_story *story,
                   struct plan *(*make)(void *, const struct plan_target *, struct err *))
{
    struct fleet_order order = {.make = make, .arg = story};
    struct err err = ERR_INIT;
    struct fleet *fleet = fleet_load(story->box.box.store, "db1", &err);

    assert_non_null(fleet);
    BOX_OK(fleet_run(fleet, &order, NULL, NULL, &err));
    fleet_free(fleet);
}

/* Its kit is in the box's folder. */
static void issue(struct page_story *story, const char *role)
{
    struct err err = ERR_INIT;
    struct key *key = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct issue_spec issue = {.kind = ISSUED_CLIENT, .role = role, .key = key};
    struct issued *issued = issued_make(story->box.box.store, story->ca, story->key, &issue, &err);
    char *folder = fs_join(story->box.box.folder, role);
    struct kit_spec spec = {
        .folder = folder, .formats = KIT_PEM, .issued = issued, .key = key, .ca = story->ca->cert};
    struct kit_files files = {0};

    if (issued == NULL)
        fail_msg("%s", err.msg);
    BOX_OK(kit_write(&spec, &files, &err));
    kit_files_clear(&files);
    issued_free(issued);
    key_free(key);
    free(folder);
}

static int begin(void **state, bool two_cas)
{
    struct page_story *story = mem_zalloc(sizeof(*story));
    struct err err = ERR_INIT;

    story->demo = demo_start(&(struct demo_options){0}, &err);
    if (story->demo == NULL)
        fail_msg("PS-%d %s", (int)err.code, err.msg);
    page_box_open(&story->box, "db1", NULL, &ui_ascii);
    clock_replace(NULL); /* certificates are for a server that has the real time */
    add_server(story);
    story->ca = box_authority(&story->box.box, "Lab Root", &story->key);
    if (two_cas)
        story->servers_ca = box_authority(&story->box.box, "Servers", &story->servers_key);
    change(story, make_tls);
    change(story, make_trust);
    issue(story, "alice");
    issue(story, "bob");
    *state = story;
    return 0;
}

int page_story_begin(void **state)
{
    return begin(state, false);
}

int page_story_begin_two(void **state)
{
    return begin(state, true);
}

int page_story_end(void **state)
{
    struct page_story *story = *state;

    authority_free(story->ca);
    authority_free(story->servers_ca);
    key_free(story->key);
    key_free(story->servers_key);
    page_box_close(&story->box);
    demo_free(story->demo);
    free(story);
    return 0;
}

struct conn *page_story_session(struct page_story *story, const char *role)
{
    struct err err = ERR_INIT;
    const char *folder = story->box.box.folder, *word = demo_password(story->demo, role);
    char *text = mem_printf("host=127.0.0.1 port=%d user=%s dbname=app sslmode=require "
                            "sslcert='%s/%s/%s.crt' sslkey='%s/%s/%s.key'",
                            demo_port(story->demo), role, folder, role, role, folder, role, role);
    struct params *params = params_parse(text, &err);
    struct secret *password = secret_new(SECRET_PASSPHRASE_MAX);
    struct conn *conn;

    assert_non_null(params);
    assert_true(secret_set(password, word, strlen(word)));
    conn = conn_open(params, &(struct conn_options){.password = password}, &err);
    if (conn == NULL)
        fail_msg("%s", err.msg);
    secret_free(password);
    params_free(params);
    free(text);
    return conn;
}
