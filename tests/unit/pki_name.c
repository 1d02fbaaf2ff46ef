/* Names: the text forms, and the one that pg_stat_ssl shows (measured with PostgreSQL 15). */
#include "config.h"

#include <string.h>

#include "core/pki/ossl.h"
#include "tests/unit/pki_fixture.h"

static struct name *raw_name(int type, const char *cn, int len)
{
    X509_NAME *x = X509_NAME_new();
    struct name *name;

    assert_int_equal(
        X509_NAME_add_entry_by_NID(x, NID_commonName, type, (const unsigned char *)cn, len, -1, 0),
        1);
    name = ossl_name_copy(x);
    X509_NAME_free(x);
    return name;
}

static void assert_pg(const struct name *name, const char *expected)
{
    char pg[NAME_PG_SIZE];

    name_format_pg(name, pg);
    assert_string_equal(pg, expected);
}

/* Each row was seen in pg_stat_ssl.client_dn. */
static void test_pg_form(void **state)
{
    static const struct {
        const char *text;
        const char *pg;
    } rows[] = {
        {"CN=u/x, O=A/B\\, Inc.", "/O=A/B\\, Inc./CN=u/x"},
        {"CN=\\#sp ecial\\ , O=a\\,b\\+c\\\"d\\;e\\<f\\>g=h#i\\\\j",
         "/O=a\\,b\\+c\\\"d\\;e\\<f\\>g=h#i\\\\j/CN=\\#sp ecial\\ "},
        {"CN=jürgen, O=Zürich Öl", "/O=Zürich Öl/CN=jürgen"},
        {"CN=mv+UID=42, O=Org", "/O=Org/CN=mv/UID=42"},
        {"CN=0123456789012345678901234567890123456789012345678901234567890123",
         "/CN=01234567890123456789012345678901234567890123456789012345678"},
        {"CN=alice, OU=Department of Databases, "
         "O=A very long organisation name that takes room, C=DE",
         "/C=DE/O=A very long organisation name that takes room/OU=Depart"},
        {"/C=DE/O=Example Database Operations Gesellschaft mbH/OU=Client CA/CN=One",
         "/C=DE/O=Example Database Operations Gesellschaft mbH/OU=Client "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = ERR_INIT;
        struct name *name = name_parse(rows[i].text, &err);

        assert_ok(name, &err);
        assert_pg(name, rows[i].pg);
        name_free(name);
    }
}

static void test_pg_form_raw(void **state)
{
    struct name *newline = raw_name(MBSTRING_ASC, "l1\nl2", -1);
    struct name *bmp = raw_name(V_ASN1_BMPSTRING, "\0a\0b", 4);
    struct name *nul = raw_name(V_ASN1_UTF8STRING, "a\0b", 3);
    struct name *empty = name_new_empty();
    char cut[NAME_PG_SIZE];
    struct err err = ERR_INIT;
    struct name *umlauts = name_parse("CN=üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü", &err);

    (void)state;
    assert_pg(newline, "/CN=l1\\0Al2");
    assert_pg(bmp, "/CN=ab");
    assert_pg(nul, "/CN=a\\00b");
    assert_pg(empty, "");
    assert_ok(umlauts, &err);
    name_format_pg(umlauts, cut); /* cut in the middle of a character, as PostgreSQL does */
    assert_int_equal(strlen(cut), 63);
    assert_int_equal((unsigned char)cut[62], 0xc3);
    name_free(newline);
    name_free(bmp);
    name_free(nul);
    name_free(empty);
    name_free(umlauts);
}

static void assert_texts(const char *text, const char *rfc4514, const char *slash)
{
    struct err err = ERR_INIT;
    struct name *name = name_parse(text, &err);
    struct strbuf out = STRBUF_INIT;
    struct name *again;

    assert_ok(name, &err);
    name_format(name, &out);
    assert_string_equal(out.data, rfc4514);
    again = name_parse(out.data, &err); /* what we print we can read */
    assert_ok(again, &err);
    assert_true(name_equal(name, again));
    name_free(again);
    strbuf_reset(&out);
    name_format_slash(name, &out);
    assert_string_equal(out.data, slash);
    name_free(name);
    strbuf_clear(&out);
}

static void test_text_forms(void **state)
{
    (void)state;
    assert_texts("CN=alice", "CN=alice", "/CN=alice");
    assert_texts("CN=alice, O=Acme", "CN=alice, O=Acme", "/O=Acme/CN=alice");
    assert_texts("/O=Acme/CN=alice", "CN=alice, O=Acme", "/O=Acme/CN=alice");
    assert_texts("cn = alice ,o= Acme Inc ", "CN=alice, O=Acme Inc", "/O=Acme Inc/CN=alice");
    assert_texts("CN=a\\,b", "CN=a\\,b", "/CN=a\\,b");
    assert_texts("CN=a\\2Cb", "CN=a\\,b", "/CN=a\\,b");
    assert_texts("CN=x, DC=acme, DC=example", "CN=x, DC=acme, DC=example",
                 "/DC=example/DC=acme/CN=x");
    assert_texts("/CN=db\\/1", "CN=db/1", "/CN=db/1");
    assert_texts("2.5.4.3=alice", "CN=alice", "/CN=alice");
}

static void test_refused_texts(void **state)
{
    static const char *const bad[] = {
        "",
        "alice",
        "CN",
        "CN=",
        "=alice",
        "CN=a,",
        ",CN=a",
        "/",
        "/CN",
        "XY=a",
        "CN=a,,O=b",
        "CN=\"a\"",
        "CN=#0c0161",
        "CN=a\\",
        "CN=\x1b[31m",
        "CN=\xff",
        "CN=a\\00b",
        "C=Germany",
        "CN=01234567890123456789012345678901234567890123456789012345678901234", /* 65 */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = ERR_INIT;
        struct name *name = name_parse(bad[i], &err);

        if (name)
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(err.code, ERR_BAD_NAME);
    }
}

static void test_common_names(void **state)
{
    static const char *const good[] = {
        "alice",
        "app_user",
        "Acme PG Root CA G2",
        "a.b-c",
        "svc@acme.example",
        "it's",
        "0123456789012345678901234567890123456789012345678901234567a",
    };
    static const char *const bad[] = {
        "",
        "jürgen",
        "a\nb",
        "/x",
        "a/b",
        "a\\b",
        "a\"b",
        "a,b",
        "a+b",
        "#a",
        " a",
        "a ",
        "-rf",
        ".",
        "..",
        "a\x7f",
        "01234567890123456789012345678901234567890123456789012345678a",
    };
    struct err err = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct name *name = name_new_common_name(good[i], &err);
        struct strbuf cn = STRBUF_INIT;
        char pg[NAME_PG_SIZE];

        assert_ok(name, &err);
        assert_true(name_common_name(name, &cn));
        assert_string_equal(cn.data, good[i]);
        name_format_pg(name, pg); /* survives whole */
        assert_string_equal(pg + 4, good[i]);
        strbuf_clear(&cn);
        name_free(name);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        err.code = ERR_NONE;
        assert_null(name_new_common_name(bad[i], &err));
        assert_int_equal(err.code, ERR_BAD_NAME);
    }
}

static void test_first_cn(void **state)
{
    struct err err = ERR_INIT;
    struct name *two = name_parse("/CN=bob/CN=alice", &err);
    struct name *none = name_parse("O=Acme", &err);
    struct strbuf cn = STRBUF_INIT;

    (void)state;
    assert_ok(two, &err);
    assert_true(name_common_name(two, &cn)); /* the one that PostgreSQL takes */
    assert_string_equal(cn.data, "bob");
    assert_false(name_common_name(none, &cn));
    assert_string_equal(cn.data, "bob");
    assert_false(name_equal(two, none));
    name_free(two);
    name_free(none);
    strbuf_clear(&cn);
}

static void test_clean(void **state)
{
    struct name *name = raw_name(V_ASN1_UTF8STRING, "a\x1b[2J\xe2\x80\xae", -1);
    struct strbuf out = STRBUF_INIT;

    (void)state;
    assert_true(name_common_name(name, &out));
    assert_null(strchr(out.data, 0x1b));
    assert_null(strstr(out.data, "\xe2\x80\xae"));
    strbuf_reset(&out);
    name_format(name, &out);
    assert_null(strchr(out.data, 0x1b));
    assert_null(strstr(out.data, "\xe2\x80\xae"));
    name_free(name);
    strbuf_clear(&out);
}

static void test_san(void **state)
{
    static const char *const bad[] = {
        "",        "a b",         "-a",    "a-",    "a..b", ".a",           "a.",
        "10.0.0",  "10.0.0.256",  "*.com", "a.*.b", "*",    "db1,DNS:evil", "jürgen.example",
        "1::2::3", "127.0.0.1/32"};
    struct err err = ERR_INIT;
    struct strbuf out = STRBUF_INIT;
    struct san san;

    (void)state;
    san_init(&san);
    assert_ok(san_add(&san, "DB1.example", &err), &err);
    assert_ok(san_add(&san, "db1.EXAMPLE", &err), &err);
    assert_ok(san_add(&san, "10.0.0.1", &err), &err);
    assert_ok(san_add(&san, "0:0:0:0:0:0:0:1", &err), &err);
    assert_ok(san_add(&san, "::1", &err), &err);
    assert_ok(san_add(&san, "localhost", &err), &err);
    assert_ok(san_add(&san, "*.db.example", &err), &err);
    assert_ok(san_add(&san, "my_db", &err), &err);
    san_format(&san, &out);
    assert_string_equal(out.data, "DNS:db1.example, IP:10.0.0.1, IP:::1, DNS:localhost, "
                                  "DNS:*.db.example, DNS:my_db");
    assert_true(san_has(&san, "Db1.Example"));
    assert_true(san_has(&san, "0::1"));
    assert_false(san_has(&san, "db2.example"));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        err.code = ERR_NONE;
        if (san_add(&san, bad[i], &err))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(err.code, ERR_BAD_NAME);
    }
    assert_int_equal(san.n, 6);
    san_clear(&san);
    strbuf_clear(&out);
}

static void test_san_limit(void **state)
{
    struct err err = ERR_INIT;
    struct san san;
    char host[32];

    (void)state;
    san_init(&san);
    for (int i = 0; i < SAN_MAX; i++) {
        (void)snprintf(host, sizeof(host), "db%d.example", i);
        assert_ok(san_add(&san, host, &err), &err);
    }
    assert_false(san_add(&san, "one.more.example", &err));
    assert_int_equal(err.code, ERR_BAD_NAME);
    san_clear(&san);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pg_form),      cmocka_unit_test(test_pg_form_raw),
        cmocka_unit_test(test_text_forms),   cmocka_unit_test(test_refused_texts),
        cmocka_unit_test(test_common_names), cmocka_unit_test(test_first_cn),
        cmocka_unit_test(test_clean),        cmocka_unit_test(test_san),
        cmocka_unit_test(test_san_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
