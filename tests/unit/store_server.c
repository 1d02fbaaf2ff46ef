/* store_server.c - servers of the store: what is refused, what is remembered, what they trust. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/mem.h"
#include "core/store/server.h"
#include "tests/harness/store_box.h"

static struct err err;

static char db1[] = "db1";
static char self_managed[] = "self-managed";
static char conninfo[80] = "host=db1";

static struct server a_server(void)
{
    struct server server = {.name = db1,
                            .conninfo = conninfo,
                            .tls_port = 5433,
                            .provider = self_managed,
                            .production = true};

    return server;
}

static void test_added_and_found(void **state)
{
    struct box *box = *state;
    struct server spec = a_server();
    struct server *server;
    struct server_list list;

    strcpy(conninfo, "host=/run/postgresql dbname=postgres");
    BOX_OK(server_add(box->store, &spec, &err));
    server = server_load(box->store, "db1", &err);
    assert_non_null(server);
    assert_string_equal(server->name, "db1");
    assert_string_equal(server->conninfo, conninfo);
    assert_string_equal(server->tls_host, "");
    assert_int_equal(server->tls_port, 5433);
    assert_string_equal(server->provider, "self-managed");
    assert_true(server->production);
    assert_string_equal(server->system_identifier, "");
    assert_int_equal(server->created_at, BOX_NOW);
    server_free(server);

    assert_false(server_add(box->store, &spec, &err));
    box_assert_err(&err, ERR_BAD_NAME);
    BOX_OK(server_list(box->store, &list, &err));
    assert_int_equal(list.n, 1);
    server_list_clear(&list);
    BOX_OK(server_remove(box->store, "db1", &err));
    assert_null(server_load(box->store, "db1", &err));
    box_assert_err(&err, ERR_SERVER_UNKNOWN);
    assert_false(server_remove(box->store, "db1", &err));
    box_assert_err(&err, ERR_SERVER_UNKNOWN);
}

static void refuse(struct box *box, const char *text, enum err_code code)
{
    struct server spec = a_server();

    spec.conninfo = mem_strdup(text);
    assert_false(server_add(box->store, &spec, &err));
    assert_null(strstr(err.msg, "hunter2"));
    assert_null(strstr(err.hint, "hunter2"));
    box_assert_err(&err, code);
    free(spec.conninfo);
}

static void test_no_passwords(void **state)
{
    struct box *box = *state;
    struct server spec = a_server();

    refuse(box, "host=db1 password=hunter2", ERR_USAGE);
    refuse(box, "host=db1 sslpassword=hunter2", ERR_USAGE);
    refuse(box, "postgresql://me:hunter2@db1/app", ERR_USAGE);
    refuse(box, "postgresql://db1/app?sslpassword=hunter2", ERR_USAGE);
    refuse(box, "dbname='postgresql://me:hunter2@db1/app'", ERR_USAGE);
    refuse(box, "dbname='host=db1 password=hunter2'", ERR_USAGE);
    refuse(box, "host=db1 hunter2", ERR_USAGE); /* not parsed: not repeated */
    spec.conninfo = mem_strdup("postgresql://me@db1:5432/app?sslmode=verify-full");
    BOX_OK(server_add(box->store, &spec, &err));
    free(spec.conninfo);
}

static void test_names(void **state)
{
    struct box *box = *state;
    static const char *const bad[] = {"",     "-x",       ".x",  "a b", "a/b",
                                      "a\nb", "\303\244", "a;b", "a'b"};

    strcpy(conninfo, "host=db1");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct server spec = a_server();

        spec.name = mem_strdup(bad[i]);
        assert_false(server_add(box->store, &spec, &err));
        box_assert_err(&err, ERR_BAD_NAME);
        free(spec.name);
    }
}

static void test_provider_and_port(void **state)
{
    struct box *box = *state;
    struct server spec = a_server();

    strcpy(conninfo, "host=db1");
    spec.tls_port = 65536;
    assert_false(server_add(box->store, &spec, &err));
    box_assert_err(&err, ERR_BAD_VALUE);
    spec = a_server();
    spec.provider = mem_strdup("elsewhere");
    assert_false(server_add(box->store, &spec, &err));
    box_assert_err(&err, ERR_BAD_VALUE);
    free(spec.provider);
}

static void test_identifier_is_set_once(void **state)
{
    struct box *box = *state;
    struct server spec = a_server();
    struct server *server;
    struct server *stale;

    strcpy(conninfo, "host=db1");
    BOX_OK(server_add(box->store, &spec, &err));
    server = server_load(box->store, "db1", &err);
    stale = server_load(box->store, "db1", &err);
    assert_false(server_check_identifier(box->store, server, "", &err));
    box_assert_err(&err, ERR_INTERNAL);
    BOX_OK(server_check_identifier(box->store, server, "7300000000000000001", &err));
    BOX_OK(server_check_identifier(box->store, server, "7300000000000000001", &err));
    assert_false(server_check_identifier(box->store, server, "7300000000000000002", &err));
    box_assert_err(&err, ERR_OTHER_SERVER);
    /* a process that read the row before the other one set it */
    assert_false(server_check_identifier(box->store, stale, "7300000000000000002", &err));
    box_assert_err(&err, ERR_OTHER_SERVER);
    BOX_OK(server_check_identifier(box->store, stale, "7300000000000000001", &err));
    server_free(server);
    server_free(stale);
}

static void test_reader_does_not_set_identifier(void **state)
{
    struct box *box = *state;
    struct server spec = a_server();
    struct server *server;

    strcpy(conninfo, "host=db1");
    BOX_OK(server_add(box->store, &spec, &err));
    box_reopen(box, STORE_READ);
    server = server_load(box->store, "db1", &err);
    BOX_OK(server_check_identifier(box->store, server, "73", &err));
    server_free(server);
    server = server_load(box->store, "db1", &err);
    assert_string_equal(server->system_identifier, "");
    server_free(server);
}

static void test_trust(void **state)
{
    struct box *box = *state;
    struct server spec = a_server();
    struct authority *one = box_authority(box, "One", NULL);
    struct authority *two = box_authority(box, "Two", NULL);
    struct authority_list list;
    struct server *server;

    strcpy(conninfo, "host=db1");
    BOX_OK(server_add(box->store, &spec, &err));
    server = server_load(box->store, "db1", &err);
    BOX_OK(server_set_trust(box->store, server, one->id, true, &err));
    BOX_OK(server_set_trust(box->store, server, one->id, true, &err));
    BOX_OK(server_set_trust(box->store, server, two->id, true, &err));
    BOX_OK(server_trusts(box->store, server, &list, &err));
    assert_int_equal(list.n, 2);
    assert_string_equal(list.rows[0]->name, "One");
    authority_list_clear(&list);
    BOX_OK(server_set_trust(box->store, server, one->id, false, &err));
    BOX_OK(server_trusts(box->store, server, &list, &err));
    assert_int_equal(list.n, 1);
    assert_string_equal(list.rows[0]->name, "Two");
    authority_list_clear(&list);
    assert_false(server_set_trust(box->store, server, 12345, true, &err)); /* a foreign key */
    box_assert_err(&err, ERR_STORE);
    BOX_OK(server_remove(box->store, "db1", &err)); /* its trust goes with it */
    BOX_OK(server_trusts(box->store, server, &list, &err));
    assert_int_equal(list.n, 0);
    server_free(server);
    authority_free(one);
    authority_free(two);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_added_and_found),
        TEST(test_no_passwords),
        TEST(test_names),
        TEST(test_provider_and_port),
        TEST(test_identifier_is_set_once),
        TEST(test_reader_does_not_set_identifier),
        TEST(test_trust),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
