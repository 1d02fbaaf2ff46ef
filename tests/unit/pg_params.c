/* pg_params.c - connection strings: read, guarded, written. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/pg/params.h"

static struct params *parse(const char *text)
{
    struct err err = ERR_INIT;
    struct params *params = params_parse(text, &err);

    if (!params)
        fail_msg("%s: %s", text, err.msg);
    return params;
}

static void assert_formats(const struct params *params, const char *expected)
{
    struct err err = ERR_INIT;
    struct strbuf out = STRBUF_INIT;

    assert_true(params_format(params, &out, &err));
    assert_string_equal(out.data, expected);
    strbuf_clear(&out);
}

static void reads_a_conninfo_string(void **state)
{
    struct params *params = parse("user = admin  host='/tmp/a b' port=5433 connect_timeout=3");

    (void)state;
    assert_string_equal(params_get(params, "host"), "/tmp/a b");
    assert_string_equal(params_get(params, "port"), "5433");
    assert_null(params_get(params, "dbname"));
    assert_int_equal(params_count(params), 4);
    assert_true(params_is_local(params));
    assert_formats(params, "host='/tmp/a b' port=5433 user=admin connect_timeout=3");
    params_free(params);
}

static void reads_a_uri(void **state)
{
    struct params *params = parse("postgresql://al%20ice@db1:6543/app?sslmode=verify-full");

    (void)state;
    assert_string_equal(params_get(params, "user"), "al ice");
    assert_string_equal(params_get(params, "sslmode"), "verify-full");
    assert_false(params_is_local(params));
    assert_formats(params, "host=db1 port=6543 user='al ice' dbname=app sslmode=verify-full");
    params_free(params);
}

static void takes_a_word_for_a_service(void **state)
{
    struct params *params = parse("prod");

    (void)state;
    assert_formats(params, "service=prod");
    params_free(params);
}

static void what_it_writes_it_reads(void **state)
{
    static const char nasty[] = "it's \\ \"here\"";
    struct err err = ERR_INIT;
    struct strbuf out = STRBUF_INIT;
    struct params *params = params_new();
    struct params *again = NULL;

    (void)state;
    params_set(params, "dbname", nasty);
    params_set(params, "host", "");
    assert_true(params_format(params, &out, &err));
    again = parse(out.data);
    assert_string_equal(params_get(again, "dbname"), nasty);
    assert_string_equal(params_get(again, "host"), "");
    strbuf_clear(&out);
    params_free(again);
    params_free(params);
}

static void refuses_secrets(void **state)
{
    static const char *const texts[] = {
        "host=db1 password=hunter2",       "host=db1 sslpassword=hunter2",
        "postgresql://alice:hunter2@db1/", "postgresql://db1/?password=hunter2",
        "password=hunter2 nonsense",       "host=db1 password='hunter2",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct err err = ERR_INIT;

        assert_null(params_parse(texts[i], &err));
        assert_int_equal(err.code, ERR_USAGE);
        assert_null(strstr(err.msg, "hunter2"));
        assert_null(strstr(err.cause, "hunter2"));
        assert_null(strstr(err.hint, "hunter2"));
    }
}

static void refuses_what_it_cannot_read(void **state)
{
    static const char *const texts[] = {"host=", "host=db1 colour=blue", "a b", "x/y",
                                        "postgresql://[::1"};

    (void)state;
    for (size_t i = 1; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct err err = ERR_INIT;

        assert_null(params_parse(texts[i], &err));
        assert_int_equal(err.code, ERR_USAGE);
        assert_true(err.msg[0]);
    }
    params_free(parse(texts[0])); /* libpq takes an empty value */
}

static void refuses_too_much(void **state)
{
    char text[10000];
    struct err err = ERR_INIT;

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "host=", 5);
    text[sizeof(text) - 1] = '\0';
    assert_null(params_parse(text, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
}

static void sets_replaces_and_removes(void **state)
{
    const char *keyword = NULL, *value = NULL;
    struct params *params = params_new();
    struct params *dup = NULL;

    (void)state;
    assert_true(params_is_local(params));
    params_set(params, "sslmode", "require");
    params_set(params, "host", "db1");
    params_set(params, "host", params_get(params, "host"));
    params_set(params, "host", "db2");
    dup = params_dup(params);
    params_set(params, "sslmode", NULL);
    params_set(params, "user", NULL);
    assert_formats(params, "host=db2");
    assert_formats(dup, "host=db2 sslmode=require");
    assert_true(params_at(dup, 1, &keyword, &value));
    assert_string_equal(keyword, "sslmode");
    assert_false(params_at(dup, 2, &keyword, &value));
    params_free(params);
    params_free(dup);
    params_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_conninfo_string),
        cmocka_unit_test(reads_a_uri),
        cmocka_unit_test(takes_a_word_for_a_service),
        cmocka_unit_test(what_it_writes_it_reads),
        cmocka_unit_test(refuses_secrets),
        cmocka_unit_test(refuses_what_it_cannot_read),
        cmocka_unit_test(refuses_too_much),
        cmocka_unit_test(sets_replaces_and_removes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
