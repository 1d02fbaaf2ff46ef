/* member_pages.c - one change to a primary and its standby, through the wizard's pages. */
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
#include "core/demo/demo.h"
#include "core/pg/handshake.h"
#include "core/plan/fleet.h"
#include "screens/pages.h"
#include "tests/harness/page_box.h"
#include "tests/pg/need_pg.h"

struct story {
    struct page_box box;
    struct demo *primary, *standby;
    struct authority *ca;
    struct key *key;
};

static char *identifier_of(const struct demo *demo)
{
    struct err err = ERR_INIT;
    struct params *params = params_parse(demo_admin_conninfo(demo), &err);
    struct conn *conn = params != NULL ? conn_open(params, NULL, &err) : NULL;
    char identifier[32] = "";

    if (conn == NULL || !conn_system_identifier(conn, identifier, &err))
        fail_msg("%s", err.msg);
    conn_close(conn);
    params_free(params);
    return mem_strdup(identifier);
}

static void add_member(struct story *story, const char *name, const struct demo *demo)
{
    char host[] = "127.0.0.1", provider[] = "self-managed", cluster[] = "main";
    struct server server = {
        .tls_host = host, .tls_port = demo_port(demo), .provider = provider, .cluster = cluster};
    struct err err = ERR_INIT;

    server.name = mem_strdup(name);
    server.conninfo = mem_strdup(demo_admin_conninfo(demo));
    server.system_identifier = identifier_of(demo);
    BOX_OK(server_add(story->box.box.store, &server, &err));
    free(server.name);
    free(server.conninfo);
    free(server.system_identifier);
}

static struct plan *make_tls(void *arg, const struct plan_target *target, struct err *err)
{
    const struct story *story = arg;
    struct server_tls_intent intent = {.authority = story->ca,
                                       .authority_key = story->key,
                                       .hosts = &target->tls_host,
                                       .n_hosts = 1};

    return plan_server_tls(target, &intent, err);
}

/* Without a page: what a job does that nobody reviews. */
static void give_tls(struct story *story)
{
    struct fleet_order order = {.make = make_tls, .arg = story, .what = "server certificate"};
    struct err err = ERR_INIT;
    struct fleet *fleet = fleet_load(story->box.box.store, "main", &err);

    assert_non_null(fleet);
    BOX_OK(fleet_run(fleet, &order, NULL, NULL, &err));
    assert_int_equal(fleet_end(fleet), FLEET_END_DONE);
    assert_string_equal(fleet_member(fleet, 0)->server->name, "db2"); /* the standby first */
    assert_true(fleet_member(fleet, 0)->standby);
    assert_false(fleet_member(fleet, 1)->standby);
    assert_int_equal(fleet_count_state(fleet, FLEET_KEPT), 2);
    fleet_free(fleet);
}

static int begin(void **state)
{
    struct story *story = mem_zalloc(sizeof(*story));
    struct err err = ERR_INIT;

    story->primary = demo_start(&(struct demo_options){.replicated = true}, &err);
    if (story->primary != NULL)
        story->standby = demo_start(
            &(struct demo_options){.quiet_roles = true, .standby_of = story->primary}, &err);
    if (story->standby == NULL)
        fail_msg("PS-%d %s", (int)err.code, err.msg);
    page_box_open(&story->box, "db1", NULL, &ui_ascii);
    clock_replace(NULL); /* certificates are for a server that has the real time */
    add_member(story, "db1", story->primary);
    add_member(story, "db2", story->standby);
    story->ca = box_authority(&story->box.box, "Lab Root", &story->key);
    give_tls(story);
    *state = story;
    return 0;
}

static int end(void **state)
{
    struct story *story = *state;

    authority_free(story->ca);
    key_free(story->key);
    page_box_close(&story->box);
    demo_free(story->standby);
    demo_free(story->primary);
    free(story);
    return 0;
}

static void key(struct story *story, uint32_t code)
{
    ui_key(story->box.navigator, code);
}

static bool accepts(const struct demo *demo, const struct authority *ca)
{
    struct handshake_request request = {.host = "127.0.0.1", .port = demo_port(demo)};
    struct handshake seen;
    struct err err = ERR_INIT;
    bool found;

    BOX_OK(handshake_run(&request, &seen, &err));
    found = handshake_accepts_ca(&seen, ca->cert);
    handshake_clear(&seen);
    return found;
}

/* Its certificate is of this CA. */
static bool shows(const struct demo *demo, const struct authority *ca)
{
    struct handshake_request request = {.host = "127.0.0.1", .port = demo_port(demo)};
    struct handshake seen;
    struct err err = ERR_INIT;
    bool found;

    BOX_OK(handshake_run(&request, &seen, &err));
    found = seen.chain.n > 0 && cert_issued_by(seen.chain.certs[0], ca->cert);
    handshake_clear(&seen);
    return found;
}

static void apply(struct story *story)
{
    key(story, 'a');
    assert_true(ui_shows(story->box.navigator, "Apply this plan?"));
    key(story, 'y');
    page_box_wait(&story->box, "Keep the change");
}

static void to_the_plan(struct story *story)
{
    navigator_push(story->box.navigator, page_trust(story->box.app));
    page_box_wait(&story->box, "Lab Root");
    page_box_keys(&story->box, KEY_CODE_TAB, 3);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "On db2:"); /* db1 was chosen; the standby comes first */
    assert_true(ui_shows(story->box.navigator, "member 1 of 2"));
}

static void one_after_the_other(void **state)
{
    struct story *story = *state;

    to_the_plan(story);
    apply(story);
    assert_true(accepts(story->standby, story->ca));
    assert_false(accepts(story->primary, story->ca));
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "On db1:");
    assert_true(ui_shows(story->box.navigator, "member 2 of 2; db2 (standby): kept"));
    apply(story);
    key(story, KEY_CODE_RIGHT); /* not on the primary */
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "db1 has not got it, and 1 member before it has.");
    key(story, KEY_CODE_ESC); /* is no answer */
    assert_true(ui_shows(story->box.navigator, "a failover would find that"));
    key(story, KEY_CODE_RIGHT);
    key(story, KEY_CODE_ENTER); /* it stays so */
    page_box_wait(&story->box, "The members differ now");
    assert_true(ui_shows(story->box.navigator, "db2 (standby): kept"));
    assert_true(ui_shows(story->box.navigator, "db1 (primary): taken back"));
    assert_true(accepts(story->standby, story->ca));
    assert_false(accepts(story->primary, story->ca));
    navigator_clear(story->box.navigator);

    /* the check of one of them sees both */
    navigator_push(story->box.navigator, page_check(story->box.app));
    page_box_wait(&story->box, "db2: trusts a CA that");
    navigator_clear(story->box.navigator);

    /* once more: the standby has it, so it is the primary's turn at once */
    navigator_push(story->box.navigator, page_trust(story->box.app));
    page_box_wait(&story->box, "Lab Root");
    page_box_keys(&story->box, KEY_CODE_TAB, 3);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "On db1:");
    assert_true(ui_shows(story->box.navigator, "member 2 of 2; db2 (standby): it was so already"));
    apply(story);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Kept.");
    assert_true(ui_shows(story->box.navigator, "db1 (primary): kept"));
    assert_true(accepts(story->primary, story->ca));
    navigator_clear(story->box.navigator);

    navigator_push(story->box.navigator, page_servers(story->box.app));
    page_box_wait(&story->box, "main: db2");
    assert_true(ui_shows(story->box.navigator, "member of main"));
    navigator_clear(story->box.navigator);
}

/* One failed, those before it have it: all go back in one act. */
static void all_or_none(void **state)
{
    struct story *story = *state;

    to_the_plan(story);
    apply(story);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "On db1:");
    key(story, KEY_CODE_ESC); /* not on the primary */
    page_box_wait(&story->box, "Shall it go back on those, too?");
    assert_true(accepts(story->standby, story->ca));
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Everything was taken back.");
    assert_true(ui_shows(story->box.navigator, "db2 (standby): taken back, too"));
    assert_true(ui_shows(story->box.navigator, "db1 (primary): not done, nothing was changed"));
    assert_false(accepts(story->standby, story->ca));
    assert_false(accepts(story->primary, story->ca));
    navigator_clear(story->box.navigator);
}

static void text_for_each(void **state)
{
    struct story *story = *state;

    to_the_plan(story);
    key(story, 't');
    page_box_wait(&story->box, "==== db2 (standby) ====");
    assert_true(ui_shows(story->box.navigator, "has 2 members"));
    for (int i = 0; i < 20 && !ui_shows(story->box.navigator, "==== db1 (primary) ===="); i++)
        key(story, KEY_CODE_PAGE_DOWN);
    assert_true(ui_shows(story->box.navigator, "==== db1 (primary) ===="));
    navigator_clear(story->box.navigator);
    assert_false(accepts(story->standby, story->ca));
}

/* Each its own key and certificate; the CA's passphrase is asked for once. */
static void tls_for_each(void **state)
{
    struct story *story = *state;
    struct err err = ERR_INIT;
    struct secret *passphrase = box_secret("seven yellow lamps");
    struct authority_spec spec = {
        .name = "Other Root", .key_type = KEY_EC_P256, .passphrase = passphrase};
    struct authority *other = authority_create(story->box.box.store, &spec, &err);

    assert_non_null(other);
    navigator_push(story->box.navigator, page_server_tls(story->box.app));
    page_box_wait(&story->box, "Other Root");
    key(story, KEY_CODE_BACK_TAB);
    key(story, KEY_CODE_DOWN);
    page_box_keys(&story->box, KEY_CODE_TAB, 3);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Passphrase of the CA \"Other Root\"");
    ui_type(story->box.navigator, "seven yellow lamps");
    key(story, KEY_CODE_TAB);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "On db2:");
    apply(story);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "On db1:");
    apply(story);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Kept.");
    assert_true(shows(story->standby, other));
    assert_true(shows(story->primary, other));
    navigator_clear(story->box.navigator);
    authority_free(other);
    secret_free(passphrase);
}

struct rules {
    const char *const *roles;
    size_t n;
};

static struct plan *make_rules(void *arg, const struct plan_target *target, struct err *err)
{
    const struct rules *rules = arg;
    struct access_rules_intent intent = {.database = "app",
                                         .roles = rules->roles,
                                         .n_roles = rules->n,
                                         .address = "127.0.0.1/32",
                                         .method = ACCESS_CERT};

    return plan_access_rules(target, &intent, err);
}

static void give_rules(struct story *story, const char *name, const char *const *roles, size_t n)
{
    struct rules rules = {.roles = roles, .n = n};
    struct fleet_order order = {.make = make_rules, .arg = &rules};
    struct err err = ERR_INIT;
    struct fleet *fleet = fleet_load(story->box.box.store, name, &err);

    assert_non_null(fleet);
    BOX_OK(fleet_run(fleet, &order, NULL, NULL, &err));
    fleet_free(fleet);
}

/* The number of the first line with this in pg_hba.conf; 0: there is none. */
static int line_of(const struct demo *demo, const char *text)
{
    char *path = fs_join(demo_data(demo), "pg_hba.conf");
    struct strbuf bytes = STRBUF_INIT;
    struct err err = ERR_INIT;
    const char *found;
    int line = 1;

    BOX_OK(fs_read(path, 1 << 20, &bytes, &err));
    found = strstr(bytes.data, text);
    for (const char *at = bytes.data; at < found; at++)
        line += *at == '\n';
    strbuf_clear(&bytes);
    free(path);
    return found ? line : 0;
}

/* The rule has another number on the other member: it goes by what it says. */
static void rules_by_what_they_say(void **state)
{
    static const char *const bob[] = {"bob"}, *const both[] = {"alice", "bob"};
    struct story *story = *state;

    give_rules(story, "db1", bob, 1);
    give_rules(story, "main", both, 2);
    assert_true(line_of(story->primary, "app alice") > line_of(story->primary, "app bob"));
    assert_true(line_of(story->standby, "app alice") < line_of(story->standby, "app bob"));
    navigator_push(story->box.navigator, page_require(story->box.app));
    page_box_wait(&story->box, "Who gets in?");
    page_box_keys(&story->box, KEY_CODE_TAB, 3);
    page_box_keys(&story->box, KEY_CODE_DOWN, 3);
    page_box_wait(&story->box, "hostssl app alice");
    for (int i = 0; i < 2; i++) { /* bob's stay */
        key(story, KEY_CODE_TAB);
        key(story, ' ');
    }
    assert_true(ui_shows(story->box.navigator, "2 of pgseal's 4 rules go"));
    page_box_keys(&story->box, KEY_CODE_TAB, 3);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "On db2:");
    apply(story);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "On db1:");
    apply(story);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Kept.");
    assert_int_equal(line_of(story->primary, "app alice"), 0);
    assert_int_equal(line_of(story->standby, "app alice"), 0);
    assert_true(line_of(story->primary, "hostssl app bob") > 0);
    assert_true(line_of(story->standby, "hostssl app bob") > 0);
    navigator_clear(story->box.navigator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_for_each),       cmocka_unit_test(all_or_none),
        cmocka_unit_test(one_after_the_other), cmocka_unit_test(rules_by_what_they_say),
        cmocka_unit_test(tls_for_each),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests_name("member pages", tests, begin, end);
}
