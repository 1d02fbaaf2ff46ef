/* plan_pages.c - changes to a real PostgreSQL through the wizard's pages, key by key. */
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
#include "core/store/journal.h"
#include "core/store/server.h"
#include "screens/pages.h"
#include "screens/plan_page.h"
#include "tests/harness/page_box.h"
#include "tests/pg/need_pg.h"

struct story {
    struct page_box box;
    struct demo *demo;
    char *auto_conf, *hba; /* as they were */
};

/* ---- a fresh server for each test ---- */

static char *read_data(const struct story *story, const char *name)
{
    char *path = fs_join(demo_data(story->demo), name);
    char *text = box_read(path);

    free(path);
    return text;
}

static void keep_for(struct story *story, int seconds)
{
    char *folder = mem_strdup(app_store_folder(story->box.app));

    app_free(story->box.app);
    story->box.app = app_new(&(struct app_options){
        .store_folder = folder, .server = "db1", .demo = true, .keep_seconds = seconds});
    app_set_loop(story->box.app, story->box.loop);
    free(folder);
}

static void add_server(struct story *story, bool production)
{
    char name[] = "db1", host[] = "127.0.0.1", provider[] = "self-managed", none[] = "";
    struct server server = {.name = name,
                            .tls_host = host,
                            .tls_port = demo_port(story->demo),
                            .provider = provider,
                            .production = production,
                            .system_identifier = none};
    struct err err = ERR_INIT;

    server.conninfo = mem_strdup(demo_admin_conninfo(story->demo));
    BOX_OK(server_add(story->box.box.store, &server, &err));
    free(server.conninfo);
}

static int begin(void **state)
{
    struct story *story = mem_zalloc(sizeof(*story));
    struct err err = ERR_INIT;

    story->demo = demo_start(&(struct demo_options){0}, &err);
    if (story->demo == NULL)
        fail_msg("PS-%d %s", (int)err.code, err.msg);
    page_box_open(&story->box, "db1", NULL, &ui_ascii);
    clock_replace(NULL); /* certificates are for a server that has the real time */
    keep_for(story, 60);
    add_server(story, false);
    authority_free(box_authority(&story->box.box, "Lab Root", NULL));
    story->auto_conf = read_data(story, "postgresql.auto.conf");
    story->hba = read_data(story, "pg_hba.conf");
    *state = story;
    return 0;
}

static int end(void **state)
{
    struct story *story = *state;

    page_box_close(&story->box);
    demo_free(story->demo);
    free(story->auto_conf);
    free(story->hba);
    free(story);
    return 0;
}

/* ---- looking ---- */

static void is_as_before(const struct story *story)
{
    char *auto_conf = read_data(story, "postgresql.auto.conf");
    char *hba = read_data(story, "pg_hba.conf");

    assert_string_equal(auto_conf, story->auto_conf);
    assert_string_equal(hba, story->hba);
    free(auto_conf);
    free(hba);
}

static bool has(const struct story *story, const char *file, const char *text)
{
    char *all = read_data(story, file);
    bool found = strstr(all, text) != NULL;

    free(all);
    return found;
}

static enum journal_plan_state last_plan(const struct story *story)
{
    struct journal_plan_list list = {.n = 0};
    struct err err = ERR_INIT;
    enum journal_plan_state state;

    BOX_OK(journal_list(story->box.box.store, "db1", 1, &list, &err));
    assert_int_equal(list.n, 1);
    state = list.rows[0]->state;
    journal_plan_list_clear(&list);
    return state;
}

static bool speaks_tls(const struct story *story)
{
    struct handshake_request request = {.host = "127.0.0.1", .port = demo_port(story->demo)};
    struct handshake handshake;
    struct err err = ERR_INIT;
    bool tls;

    BOX_OK(handshake_run(&request, &handshake, &err));
    tls = handshake.verdict != HANDSHAKE_NO_TLS;
    handshake_clear(&handshake);
    return tls;
}

/* ---- keys ---- */

static void key(struct story *story, uint32_t code)
{
    ui_key(story->box.navigator, code);
}

/* From the TLS page to its plan. */
static void plan_tls(struct story *story)
{
    navigator_push(story->box.navigator, page_server_tls(story->box.app));
    page_box_wait(&story->box, "Names of the server");
    page_box_keys(&story->box, KEY_CODE_TAB, 2);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Apply...");
}

static void apply(struct story *story)
{
    key(story, 'a');
    assert_true(ui_shows(story->box.navigator, "Apply this plan?"));
    key(story, 'y');
}

static void keep(struct story *story)
{
    page_box_wait(&story->box, "Keep the change");
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Kept.");
}

static void tls_kept(struct story *story)
{
    plan_tls(story);
    apply(story);
    keep(story);
    key(story, KEY_CODE_ENTER);
}

/* ---- tests ---- */

static void gives_tls(void **state)
{
    struct story *story = *state;

    navigator_push(story->box.navigator, page_home(story->box.app));
    plan_tls(story);
    key(story, 'a');
    key(story, KEY_CODE_ENTER); /* the safe answer is marked */
    assert_true(ui_shows(story->box.navigator, "Not applied yet."));
    key(story, 't');
    page_box_wait(&story->box, "To do by hand: turn TLS on");
    key(story, KEY_CODE_ESC);
    assert_true(ui_shows(story->box.navigator, "Not applied yet."));
    is_as_before(story);
    apply(story);
    page_box_wait(&story->box, "Keep the change");
    assert_int_equal(last_plan(story), JOURNAL_DONE);
    assert_true(speaks_tls(story));
    key(story, KEY_CODE_ESC); /* nobody leaves while it is open */
    key(story, KEY_CODE_F10);
    assert_false(navigator_done(story->box.navigator));
    assert_true(ui_shows(story->box.navigator, "First choose"));
    keep(story);
    assert_int_equal(last_plan(story), JOURNAL_KEPT);
    assert_true(has(story, "postgresql.auto.conf", "ssl = 'on'"));
    key(story, KEY_CODE_ENTER); /* page and form go together */
    assert_true(ui_shows(story->box.navigator, "What do you want to do?"));
    page_box_wait(&story->box, "TLS on, no CA");
}

static void undoes_when_asked(void **state)
{
    struct story *story = *state;

    plan_tls(story);
    apply(story);
    page_box_wait(&story->box, "Undo now");
    key(story, KEY_CODE_RIGHT);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "db1 is as it was before.");
    is_as_before(story);
    assert_false(speaks_tls(story));
    assert_int_equal(last_plan(story), JOURNAL_UNDONE);
}

static void undoes_when_nobody_keeps_it(void **state)
{
    struct story *story = *state;

    keep_for(story, 2);
    plan_tls(story);
    apply(story);
    page_box_wait(&story->box, "Keep the change");
    page_box_wait(&story->box, "Nobody kept it in time");
    is_as_before(story);
    assert_int_equal(last_plan(story), JOURNAL_UNDONE);
}

/* The window is gone: the page is freed, and the job takes back by itself. */
static void undoes_when_the_page_goes(void **state)
{
    struct story *story = *state;

    plan_tls(story);
    apply(story);
    page_box_wait(&story->box, "Keep the change");
    navigator_clear(story->box.navigator);
    assert_true(loop_drain(story->box.loop, 20000));
    is_as_before(story);
    assert_int_equal(last_plan(story), JOURNAL_UNDONE);
}

/* SIGHUP and SIGTERM come as EVENT_STOP. */
static void undoes_on_a_signal(void **state)
{
    struct story *story = *state;
    struct event stop = {.type = EVENT_STOP};

    plan_tls(story);
    apply(story);
    page_box_wait(&story->box, "Keep the change");
    navigator_event(story->box.navigator, NULL, &stop);
    page_box_wait(&story->box, "Everything was taken back.");
    is_as_before(story);
}

/* Ctrl-C while the steps run: the step is finished, then all is taken back. */
static void stops_between_steps(void **state)
{
    struct story *story = *state;

    plan_tls(story);
    apply(story);
    page_box_wait(&story->box, " done   [");
    key(story, KEY_CODE_CTRL('c'));
    assert_false(navigator_done(story->box.navigator));
    page_box_wait(&story->box, "as it was before");
    is_as_before(story);
    assert_true(last_plan(story) == JOURNAL_UNDONE || last_plan(story) == JOURNAL_FAILED);
}

static void production_wants_its_name(void **state)
{
    struct story *story = *state;
    struct err err = ERR_INIT;

    BOX_OK(server_remove(story->box.box.store, "db1", &err));
    add_server(story, true);
    plan_tls(story);
    key(story, 'a');
    assert_true(ui_shows(story->box.navigator, "PRODUCTION"));
    ui_type(story->box.navigator, "y");
    key(story, KEY_CODE_ENTER); /* means No */
    assert_true(ui_shows(story->box.navigator, "Not applied yet."));
    is_as_before(story);
    key(story, 'a');
    ui_type(story->box.navigator, "db1");
    page_box_keys(&story->box, KEY_CODE_TAB, 2);
    key(story, KEY_CODE_ENTER);
    keep(story);
}

static void read_only_changes_nothing(void **state)
{
    struct story *story = *state;
    char *folder = mem_strdup(app_store_folder(story->box.app));

    app_free(story->box.app);
    story->box.app = app_new(&(struct app_options){
        .store_folder = folder, .server = "db1", .read_only = true, .demo = true});
    app_set_loop(story->box.app, story->box.loop);
    plan_tls(story);
    key(story, 'a');
    assert_false(ui_shows(story->box.navigator, "Apply this plan?"));
    assert_true(ui_shows(story->box.navigator, "--read-only"));
    is_as_before(story);
    free(folder);
}

/* The CA's key has a passphrase: asked for on the plan's page, until it is right. */
static void asks_for_the_passphrase(void **state)
{
    struct story *story = *state;
    struct err err = ERR_INIT;
    struct secret *passphrase = box_secret("seven yellow lamps");
    struct authority_spec spec = {
        .name = "Other Root", .key_type = KEY_EC_P256, .passphrase = passphrase};
    struct authority *other = authority_create(story->box.box.store, &spec, &err);

    assert_non_null(other);
    authority_free(other);
    secret_free(passphrase);
    navigator_push(story->box.navigator, page_server_tls(story->box.app));
    page_box_wait(&story->box, "Other Root");
    key(story, KEY_CODE_BACK_TAB);
    key(story, KEY_CODE_DOWN);
    page_box_keys(&story->box, KEY_CODE_TAB, 3);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Passphrase of the CA \"Other Root\"");
    ui_type(story->box.navigator, "wrong");
    key(story, KEY_CODE_TAB);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "this was not the right one");
    ui_type(story->box.navigator, "seven yellow lamps");
    key(story, KEY_CODE_TAB);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Apply...");
    assert_false(ui_shows(story->box.navigator, "yellow"));
    apply(story); /* the wrong one is no error of the change */
    page_box_wait(&story->box, "Undo now");
    key(story, KEY_CODE_RIGHT);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "db1 is as it was before.");
}

static void trust_kept(struct story *story)
{
    navigator_push(story->box.navigator, page_trust(story->box.app));
    page_box_wait(&story->box, "Lab Root");
    page_box_keys(&story->box, KEY_CODE_TAB, 3);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Apply...");
    apply(story);
    keep(story);
    key(story, KEY_CODE_ENTER);
}

/* All changes, then the last one is taken back by the log page, from what the journal knows. */
static void requires_and_takes_back(void **state)
{
    struct story *story = *state;

    navigator_push(story->box.navigator, page_home(story->box.app));
    tls_kept(story);
    trust_kept(story);
    page_box_wait(&story->box, "TLS on, CA ok");
    navigator_push(story->box.navigator, page_require(story->box.app));
    page_box_keys(&story->box, KEY_CODE_TAB, 1);
    ui_type(story->box.navigator, "alice");
    page_box_wait(&story->box, "today line 6 decides for \"alice\":");
    page_box_keys(&story->box, KEY_CODE_TAB, 5);
    page_box_keys(&story->box, KEY_CODE_RIGHT, 2);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "none now");
    assert_true(ui_shows(story->box.navigator, "then: is refused by line 7, cert"));
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "->   7  hostssl all alice all cert # pgseal");
    assert_true(ui_shows(story->box.navigator, "(is for TCP without TLS)"));
    page_box_keys(&story->box, KEY_CODE_ESC, 2);
    page_box_keys(&story->box, KEY_CODE_LEFT, 2);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Apply...");
    key(story, 's'); /* for later: this time it is taken from the file */
    page_box_keys(&story->box, KEY_CODE_TAB, 1);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Written: ");
    page_box_keys(&story->box, KEY_CODE_ESC, 2);
    key(story, '9');
    page_box_wait(&story->box, "2 changes");
    key(story, 'a');
    page_box_wait(&story->box, "Plan file");
    ui_type(story->box.navigator, "db1.plan");
    key(story, KEY_CODE_TAB);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Apply...");
    apply(story);
    keep(story);
    assert_true(has(story, "pg_hba.conf", "hostssl"));
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "3 changes");
    key(story, 'u');
    page_box_wait(&story->box, "Take it back...");
    key(story, KEY_CODE_ENTER);
    key(story, 'y');
    page_box_wait(&story->box, "db1 is as it was before.");
    assert_false(has(story, "pg_hba.conf", "hostssl"));
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "[--] undone");
}

/* Another CA signs: a request first, its answer by the same page; then a map of pg_ident.conf. */
static void another_ca_and_a_map(void **state)
{
    struct story *story = *state;
    struct navigator *navigator = story->box.navigator;
    char *output;

    navigator_push(navigator, page_home(story->box.app));
    navigator_push(navigator, page_server_tls(story->box.app));
    page_box_wait(&story->box, "Names of the server");
    key(story, KEY_CODE_BACK_TAB);
    key(story, KEY_CODE_DOWN);
    assert_true(ui_shows(navigator, "[db1.csr "));
    page_box_keys(&story->box, KEY_CODE_TAB, 3);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Nothing is reloaded.");
    assert_false(fs_exists("db1.csr")); /* not before "yes" */
    apply(story);
    keep(story);
    key(story, KEY_CODE_ENTER);
    if (box_run(&output,
                "openssl req -x509 -newkey rsa:2048 -nodes -subj '/CN=Other CA' -keyout other.key "
                "-out other.crt -days 9 2>&1 && openssl x509 -req -in db1.csr -CA other.crt -CAkey "
                "other.key -days 8 -copy_extensions copy -out db1.crt 2>&1") != 0)
        fail_msg("%s", output);
    free(output);

    navigator_push(navigator, page_server_tls(story->box.app));
    page_box_wait(&story->box, "Names of the server");
    key(story, KEY_CODE_BACK_TAB);
    page_box_keys(&story->box, KEY_CODE_DOWN, 2);
    page_box_keys(&story->box, KEY_CODE_TAB, 2);
    ui_type(navigator, "db1.crt");
    page_box_keys(&story->box, KEY_CODE_TAB, 2);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Apply...");
    apply(story);
    keep(story);
    key(story, KEY_CODE_ENTER);
    assert_true(speaks_tls(story));
    trust_kept(story);

    navigator_push(navigator, page_require(story->box.app));
    page_box_keys(&story->box, KEY_CODE_TAB, 1);
    ui_type(navigator, "alice");
    page_box_wait(&story->box, "decides for \"alice\":");
    page_box_keys(&story->box, KEY_CODE_TAB, 3);
    ui_type(navigator, "people");
    key(story, KEY_CODE_TAB);
    ui_type(navigator, "alice.laptop");
    assert_true(ui_shows(navigator, "NAME=role, with commas between"));
    ui_type(navigator, "=alice");
    page_box_keys(&story->box, KEY_CODE_TAB, 2);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Apply...");
    apply(story);
    keep(story);
    assert_true(has(story, "pg_hba.conf", "map=people"));
    assert_true(has(story, "pg_ident.conf", "alice.laptop"));
}

/* The CA of the server's own certificate is named as that, and another one is proposed. */
static void proposes_the_clients_ca(struct story *story)
{
    struct err err = ERR_INIT;
    struct authority_spec spec = {.name = "Users Root", .key_type = KEY_EC_P256};
    struct authority *other = authority_create(story->box.box.store, &spec, &err);

    assert_non_null(other);
    authority_free(other);
    navigator_push(story->box.navigator, page_trust(story->box.app));
    page_box_wait(&story->box, "signed the server's own");
    assert_true(ui_shows(story->box.navigator, "( ) Lab Root"));
    assert_true(ui_shows(story->box.navigator, "(*) Users Root"));
}

/* Rules and CA go again by their pages; each says so first. */
static void takes_all_away(void **state)
{
    struct story *story = *state;

    navigator_push(story->box.navigator, page_home(story->box.app));
    tls_kept(story);
    trust_kept(story);
    navigator_push(story->box.navigator, page_require(story->box.app));
    page_box_keys(&story->box, KEY_CODE_TAB, 1);
    ui_type(story->box.navigator, "alice");
    page_box_wait(&story->box, "decides for \"alice\":");
    page_box_keys(&story->box, KEY_CODE_TAB, 5);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Apply...");
    apply(story);
    keep(story);
    key(story, KEY_CODE_ENTER);

    /* all CAs while a rule wants a certificate: refused, and nothing is changed */
    navigator_push(story->box.navigator, page_trust(story->box.app));
    page_box_wait(&story->box, "Lab Root");
    page_box_keys(&story->box, KEY_CODE_DOWN, 4);
    assert_true(ui_shows(story->box.navigator, "all of them"));
    key(story, KEY_CODE_TAB);
    key(story, KEY_CODE_DOWN);
    key(story, KEY_CODE_TAB);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "What now?");
    assert_true(has(story, "postgresql.auto.conf", "ssl_ca_file"));
    key(story, KEY_CODE_ESC);
    key(story, KEY_CODE_ESC);

    navigator_push(story->box.navigator, page_require(story->box.app));
    page_box_wait(&story->box, "decides for \"alice\":");
    page_box_keys(&story->box, KEY_CODE_TAB, 3);
    page_box_keys(&story->box, KEY_CODE_DOWN, 3);
    assert_true(ui_shows(story->box.navigator, "[x] line 7: hostssl all alice all cert"));
    key(story, KEY_CODE_TAB);
    key(story, ' '); /* one of them may stay */
    assert_true(ui_shows(story->box.navigator, "1 of pgseal's 2 rules go"));
    key(story, ' ');
    page_box_keys(&story->box, KEY_CODE_TAB, 2);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Apply...");
    apply(story);
    keep(story);
    key(story, KEY_CODE_ENTER);
    assert_false(has(story, "pg_hba.conf", "hostssl"));

    navigator_push(story->box.navigator, page_trust(story->box.app));
    page_box_wait(&story->box, "Lab Root");
    page_box_keys(&story->box, KEY_CODE_DOWN, 4);
    key(story, KEY_CODE_TAB);
    page_box_keys(&story->box, KEY_CODE_DOWN, 1);
    key(story, KEY_CODE_TAB);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Apply...");
    apply(story);
    keep(story);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "TLS on, no CA");
    proposes_the_clients_ca(story);
}

/* A CA of somebody else: while the server checks CRLs, it comes with its list or not at all. */
static void pastes_a_foreign_ca(void **state)
{
    struct story *story = *state;
    struct handshake_request request = {.host = "127.0.0.1", .port = demo_port(story->demo)};
    struct handshake handshake;
    struct err err = ERR_INIT;
    char *output, *ca, *crl, *path;

    if (box_run(&output,
                "exec 2>&1; cd '%s' && set -e; "
                "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out f.key; "
                "openssl req -x509 -new -key f.key -subj '/CN=Foreign CA' -days 900 -out f.crt; "
                "touch index.txt; echo 01 > crlnumber; "
                "printf '[ca]\\ndefault_ca=x\\n[x]\\ndatabase=index.txt\\ncrlnumber=crlnumber\\n"
                "default_md=sha256\\ndefault_crl_days=300\\n' > f.cnf; "
                "openssl ca -config f.cnf -gencrl -keyfile f.key -cert f.crt -out f.crl",
                story->box.box.folder) != 0)
        fail_msg("%s", output);
    free(output);
    path = fs_join(story->box.box.folder, "f.crt");
    ca = box_read(path);
    free(path);
    path = fs_join(story->box.box.folder, "f.crl");
    crl = box_read(path);
    free(path);

    navigator_push(story->box.navigator, page_home(story->box.app));
    tls_kept(story);
    trust_kept(story);
    navigator_push(story->box.navigator, page_trust(story->box.app));
    page_box_wait(&story->box, "the server has it");
    key(story, KEY_CODE_DOWN);
    key(story, KEY_CODE_TAB);
    ui_paste(story->box.navigator, ca);
    assert_true(ui_shows(story->box.navigator, "CN=Foreign CA"));
    page_box_keys(&story->box, KEY_CODE_TAB, 2);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "has no CRL, and the server checks");
    key(story, KEY_CODE_ESC);
    page_box_keys(&story->box, KEY_CODE_BACK_TAB, 2);
    ui_paste(story->box.navigator, crl);
    assert_true(ui_shows(story->box.navigator, "1 certificate, 1 CRL"));
    page_box_keys(&story->box, KEY_CODE_TAB, 2);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Apply...");
    apply(story);
    keep(story);

    BOX_OK(handshake_run(&request, &handshake, &err));
    assert_int_equal(handshake.n_accepted_cas, 2); /* ours stayed */
    handshake_clear(&handshake);
    free(ca);
    free(crl);
}

/* Asked for in a field that shows stars; kept nowhere. */
static void adds_a_server_with_a_password(void **state)
{
    struct story *story = *state;
    const char *password = demo_password(story->demo, "alice");
    char *port = mem_printf("%d", demo_port(story->demo)), *output;
    struct server *server;
    struct err err = ERR_INIT;

    navigator_push(story->box.navigator, page_server_add(story->box.app));
    ui_type(story->box.navigator, "by-tcp");
    page_box_keys(&story->box, KEY_CODE_TAB, 2);
    ui_type(story->box.navigator, "127.0.0.1");
    key(story, KEY_CODE_TAB);
    key(story, KEY_CODE_CTRL('u'));
    ui_type(story->box.navigator, port);
    page_box_keys(&story->box, KEY_CODE_TAB, 2);
    key(story, KEY_CODE_CTRL('u'));
    ui_type(story->box.navigator, "alice");
    page_box_keys(&story->box, KEY_CODE_TAB, 4);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Password         [");
    ui_type(story->box.navigator, "wrong");
    key(story, KEY_CODE_TAB);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "the server did not take this one");
    ui_type(story->box.navigator, password);
    assert_false(ui_shows(story->box.navigator, password));
    key(story, KEY_CODE_TAB);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "The login works.");
    assert_true(ui_shows(story->box.navigator, "role \"alice\" may look, but not change"));
    navigator_push(story->box.navigator, page_home(story->box.app));
    key(story, KEY_CODE_ESC);
    navigator_clear(story->box.navigator);

    /* once more, up to the end: added, chosen, and the password is nowhere */
    navigator_push(story->box.navigator, page_home(story->box.app));
    navigator_push(story->box.navigator, page_server_add(story->box.app));
    assert_true(ui_shows(story->box.navigator, "[by-tcp")); /* answers are kept */
    page_box_keys(&story->box, KEY_CODE_TAB, 3);
    key(story, KEY_CODE_CTRL('u'));
    ui_type(story->box.navigator, port);
    page_box_keys(&story->box, KEY_CODE_TAB, 2);
    key(story, KEY_CODE_CTRL('u'));
    ui_type(story->box.navigator, "alice");
    page_box_keys(&story->box, KEY_CODE_TAB, 2);
    ui_type(story->box.navigator, "main");
    page_box_keys(&story->box, KEY_CODE_TAB, 2);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Password         [");
    ui_type(story->box.navigator, password);
    key(story, KEY_CODE_TAB);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Add it");
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "What do you want to do?");
    assert_string_equal(app_server(story->box.app), "by-tcp");
    server = server_load(story->box.box.store, "by-tcp", &err);
    assert_non_null(server);
    assert_int_equal(server->tls_port, demo_port(story->demo));
    assert_true(server->system_identifier[0] != '\0');
    assert_string_equal(server->cluster, "main");
    server_free(server);
    assert_int_not_equal(
        box_run(&output, "grep -rqF '%s' '%s'", password, story->box.box.store_folder), 0);
    free(output);
    free(port);
}

/* What a killed pgseal left: the first page is the log, and "undo" or "keep" end it. */
static void offers_what_was_left_open(void **state)
{
    struct story *story = *state;
    struct journal_plan_list open = {.n = 0};
    struct err err = ERR_INIT;

    plan_tls(story);
    apply(story);
    page_box_wait(&story->box, "Keep the change");
    BOX_OK(journal_open_plans(story->box.box.store, &open, &err));
    assert_int_equal(open.n, 1);
    journal_plan_list_clear(&open);
    /* another start of pgseal, while this one still asks */
    navigator_push(story->box.navigator, page_home(story->box.app));
    page_box_wait(&story->box, "1 change is open");
    key(story, 'k');
    page_box_wait(&story->box, "Keep it...");
    key(story, KEY_CODE_ENTER);
    key(story, 'y');
    page_box_wait(&story->box, "Kept.");
    assert_int_equal(last_plan(story), JOURNAL_KEPT);
    key(story, KEY_CODE_ENTER); /* back to the log, then Home, then the page that asks */
    page_box_wait(&story->box, "[ok] kept");
    assert_true(speaks_tls(story));
}

static void refuses_a_second_change(void **state)
{
    struct story *story = *state;

    plan_tls(story);
    apply(story);
    page_box_wait(&story->box, "Keep the change");
    navigator_push(story->box.navigator, page_trust(story->box.app));
    page_box_wait(&story->box, "Lab Root");
    page_box_keys(&story->box, KEY_CODE_TAB, 3);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "plan 1 on \"db1\" is not finished");
    assert_true(ui_shows(story->box.navigator, "What now?"));
}

/* A finding opens the page that mends it, and is gone when one comes back. */
static void checks_and_mends(void **state)
{
    struct story *story = *state;

    navigator_push(story->box.navigator, page_check(story->box.app));
    page_box_wait(&story->box, "PS-2002");
    assert_true(ui_shows(story->box.navigator, "1 wrong"));
    key(story, 'f');
    page_box_wait(&story->box, "Names of the server");
    page_box_keys(&story->box, KEY_CODE_TAB, 2);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "Apply...");
    apply(story);
    keep(story);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "0 wrong");
    assert_false(ui_shows(story->box.navigator, "PS-2002"));
}

/* An application without its certificate: each sslmode has its own answer. */
static void explains_a_login(void **state)
{
    struct story *story = *state;
    char *conninfo = mem_printf("host=127.0.0.1 port=%d user=alice dbname=app sslmode=verify-full",
                                demo_port(story->demo));

    navigator_push(story->box.navigator, page_doctor(story->box.app, conninfo));
    page_box_keys(&story->box, KEY_CODE_TAB, 3);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "<- the application's");
    assert_true(ui_shows(story->box.navigator, "TLS was never switched on"));
    page_box_keys(&story->box, KEY_CODE_UP, 5);
    assert_true(ui_shows(story->box.navigator, "as far as the password"));
    free(conninfo);
}

static void says_when_the_server_is_away(void **state)
{
    struct story *story = *state;
    struct err err = ERR_INIT;

    BOX_OK(demo_stop(story->demo, NULL, &err));
    navigator_push(story->box.navigator, page_server_tls(story->box.app));
    page_box_wait(&story->box, "Names of the server");
    page_box_keys(&story->box, KEY_CODE_TAB, 2);
    key(story, KEY_CODE_ENTER);
    page_box_wait(&story->box, "error PS-2001");
    assert_true(ui_shows(story->box.navigator, "Back: the answers are kept"));
    key(story, '2');
    assert_true(ui_shows(story->box.navigator, "Names of the server"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gives_tls, begin, end),
        cmocka_unit_test_setup_teardown(undoes_when_asked, begin, end),
        cmocka_unit_test_setup_teardown(undoes_when_nobody_keeps_it, begin, end),
        cmocka_unit_test_setup_teardown(undoes_when_the_page_goes, begin, end),
        cmocka_unit_test_setup_teardown(undoes_on_a_signal, begin, end),
        cmocka_unit_test_setup_teardown(stops_between_steps, begin, end),
        cmocka_unit_test_setup_teardown(production_wants_its_name, begin, end),
        cmocka_unit_test_setup_teardown(read_only_changes_nothing, begin, end),
        cmocka_unit_test_setup_teardown(asks_for_the_passphrase, begin, end),
        cmocka_unit_test_setup_teardown(requires_and_takes_back, begin, end),
        cmocka_unit_test_setup_teardown(another_ca_and_a_map, begin, end),
        cmocka_unit_test_setup_teardown(takes_all_away, begin, end),
        cmocka_unit_test_setup_teardown(pastes_a_foreign_ca, begin, end),
        cmocka_unit_test_setup_teardown(adds_a_server_with_a_password, begin, end),
        cmocka_unit_test_setup_teardown(offers_what_was_left_open, begin, end),
        cmocka_unit_test_setup_teardown(refuses_a_second_change, begin, end),
        cmocka_unit_test_setup_teardown(checks_and_mends, begin, end),
        cmocka_unit_test_setup_teardown(explains_a_login, begin, end),
        cmocka_unit_test_setup_teardown(says_when_the_server_is_away, begin, end),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests_name("plan pages", tests, NULL, NULL);
}
