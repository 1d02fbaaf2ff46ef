/* kit_connect.c - what programs get: each language's quotes, the files of several servers, the CAs while a
 * server goes over to another one. What those languages make of it is shown by tests/interop/login.t. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/kit/handover.h"
#include "core/kit/quote.h"
#include "core/store/rotation.h"
#include "tests/harness/store_box.h"

#define ODD "a b'c\"d\\e;f=g$h#{i}%j\xc3\xa9"

static struct err err;

static void quotes(void **state)
{
    struct strbuf out = STRBUF_INIT;

    (void)state;
    quote_double(&out, ODD);
    assert_string_equal(out.data, "\"a b'c\\\"d\\\\e;f=g$h#{i}%j\xc3\xa9\"");
    strbuf_reset(&out);
    quote_single(&out, ODD);
    assert_string_equal(out.data, "'a b\\'c\"d\\\\e;f=g$h#{i}%j\xc3\xa9'");
    strbuf_reset(&out);
    quote_url(&out, "a b/c+d&e\xc3\xa9", false);
    quote_url(&out, "/x y", true);
    assert_string_equal(out.data, "a%20b%2Fc%2Bd%26e%C3%A9/x%20y");
    strbuf_reset(&out);
    quote_properties(&out, " a\\b\xc3\xa9\xf0\x9f\x98\x80");
    assert_string_equal(out.data, "\\ a\\\\b\\u00e9\\ud83d\\ude00");
    strbuf_reset(&out);
    quote_dotnet(&out, ODD);
    assert_string_equal(out.data, "\"a b'c\"\"d\\e;f=g$h#{i}%j\xc3\xa9\"");
    strbuf_reset(&out);
    quote_dotnet(&out, "/plain/path");
    assert_string_equal(out.data, "/plain/path");
    assert_true(quote_service(&out, "inner blank"));
    assert_false(quote_service(&out, "blank at the end "));
    strbuf_clear(&out);
}

static void clients(void **state)
{
    unsigned set = 0;

    (void)state;
    BOX_OK(kit_clients_parse("node,psql", &set, &err));
    assert_int_equal(set, 1u << KIT_FOR_NODE | 1u << KIT_FOR_PSQL);
    assert_int_equal(kit_clients_formats(set, false), KIT_PEM);
    BOX_OK(kit_clients_parse("all", &set, &err));
    assert_int_equal(set, KIT_FOR_ALL);
    assert_int_equal(kit_clients_formats(set, false), KIT_PEM | KIT_PK8);
    assert_int_equal(kit_clients_formats(set, true), KIT_PEM | KIT_P12);
    set = 0;
    assert_false(kit_clients_parse("psql,,node", &set, &err));
    assert_false(kit_clients_parse("Node", &set, &err));
    assert_int_equal(err.code, ERR_BAD_VALUE);
    assert_int_equal(set, 0);
}

struct fixture {
    struct box box;
    struct authority *authority, *next;
    struct key *key, *next_key, *own;
    struct server servers[2];
    struct server *rows[2];
    struct server_list list;
    char *folder;
};

static struct server server_of(const char *name, const char *host)
{
    return (struct server){.name = (char *)(uintptr_t)name,
                           .conninfo = (char *)(uintptr_t) "host=/nowhere dbname='the app'",
                           .tls_host = (char *)(uintptr_t)host,
                           .tls_port = 5433,
                           .cluster = (char *)(uintptr_t) "",
                           .provider = (char *)(uintptr_t) "self-managed"};
}

static int setup(void **state)
{
    struct fixture *self = mem_zalloc(sizeof(*self));

    err = (struct err)ERR_INIT;
    box_open(&self->box);
    self->authority = box_authority(&self->box, "Acme", &self->key);
    self->next = box_authority(&self->box, "Next", &self->next_key);
    self->own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    self->servers[0] = server_of("db1", "db1.example");
    self->servers[1] = server_of("db2", "::1");
    self->rows[0] = &self->servers[0];
    self->rows[1] = &self->servers[1];
    self->list = (struct server_list){.rows = self->rows, .n = 2};
    self->folder = fs_join(self->box.folder, "kit");
    BOX_OK(server_add(self->box.store, &self->servers[0], &err));
    BOX_OK(server_add(self->box.store, &self->servers[1], &err));
    *state = self;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *self = *state;

    authority_free(self->authority);
    authority_free(self->next);
    key_free(self->key);
    key_free(self->next_key);
    key_free(self->own);
    free(self->folder);
    box_close(&self->box);
    free(self);
    return 0;
}

static struct issued *issue(struct fixture *self, enum issued_kind kind, const char *name)
{
    const char *const hosts[] = {name};
    struct issue_spec spec = {
        .kind = kind, .role = name, .hosts = hosts, .n_hosts = 1, .key = self->own};
    struct issued *issued = issued_make(self->box.store, self->authority, self->key, &spec, &err);

    BOX_OK(issued != NULL && issued_mark_delivered(self->box.store, issued, &err));
    return issued;
}

static struct handover_request request_of(const struct fixture *self, unsigned programs)
{
    return (struct handover_request){
        .role = "alice", .servers = &self->list, .clients = programs, .folder = self->folder};
}

static bool has(const struct fixture *self, const char *name, const char *text)
{
    char *path = fs_join(self->folder, name);
    struct strbuf bytes = STRBUF_INIT;
    bool found;

    BOX_OK(fs_read(path, 1u << 20, &bytes, &err));
    found = strstr(bytes.data, text) != NULL;
    strbuf_clear(&bytes);
    free(path);
    return found;
}

/* Each has its lines; the address of the second is one of IPv6; Windows has its own slashes. */
static void several_servers(void **state)
{
    struct fixture *self = *state;
    struct handover_request request = request_of(self, KIT_FOR_ALL);
    struct handover kit = {.n_servers = 0};
    struct kit_files files = {.certificate = NULL};

    issued_free(issue(self, ISSUED_CLIENT, "alice"));
    request.at = "C:\\keys\\a b";
    BOX_OK(handover_read(self->box.store, &request, &kit, &err));
    assert_string_equal(kit.database, "the app");
    BOX_OK(handover_check(&kit, &request, &err));
    BOX_OK(handover_write(&kit, &request, &files, &err));
    assert_true(has(self, "pg_service.conf", "[db1-alice]\nhost=db1.example\n"));
    assert_true(has(self, "pg_service.conf", "[db2-alice]\nhost=::1\n"));
    assert_true(has(self, "jdbc-db2.properties", "\nurl=jdbc:postgresql://[::1]:5433/the%20app\n"));
    assert_true(has(self, "jdbc-db1.properties", "\nsslkey=C:\\\\keys\\\\a b\\\\alice.pk8\n"));
    assert_true(
        has(self, "connect-db1.go", "sslcert='C:\\\\\\\\keys\\\\\\\\a b\\\\\\\\alice.crt'"));
    assert_true(has(self, "connect-db1.cs",
                    "Database=\\\"the app\\\";Username=alice;SSL Mode=VerifyFull;"
                    "SSL Certificate=\\\"C:\\\\keys\\\\a b\\\\alice.crt\\\""));
    assert_true(has(self, "connect-db2.cjs", "    host: \"::1\",\n")); /* what Node verifies with */
    assert_false(has(self, "connect-db1.cjs", "    host: "));
    assert_true(has(self, "README.txt", "The private key is not in this folder"));
    kit_files_clear(&files);
    handover_clear(&kit);
}

/* Old and new in one file, the new one before any server has a certificate of it. */
static void roots_of_a_rotation(void **state)
{
    struct fixture *self = *state;
    const struct handover_request request = request_of(self, 1u << KIT_FOR_PSQL);
    struct rotation rotation = {.kind = ROTATION_SERVER_CA,
                                .name = (char *)(uintptr_t) "db1",
                                .old_authority_id = self->authority->id,
                                .new_authority_id = self->next->id,
                                .folder = (char *)(uintptr_t) "",
                                .options = (char *)(uintptr_t) "{}"};
    struct handover kit = {.n_servers = 0};

    issued_free(issue(self, ISSUED_CLIENT, "alice"));
    issued_free(issue(self, ISSUED_SERVER, "db1.example"));
    BOX_OK(handover_read(self->box.store, &request, &kit, &err));
    assert_int_equal(kit.root_list.n, 1);
    handover_clear(&kit);
    BOX_OK(rotation_add(self->box.store, &rotation, &err));
    BOX_OK(handover_read(self->box.store, &request, &kit, &err));
    assert_int_equal(kit.root_list.n, 2);
    handover_clear(&kit);
}

/* Of two that are valid: the one that the key belongs to, else the newest that was handed over. */
static void finds(void **state)
{
    struct fixture *self = *state;
    struct handover_request request = request_of(self, 1u << KIT_FOR_PSQL);
    struct handover kit = {.n_servers = 0};
    struct issued *old = issue(self, ISSUED_CLIENT, "alice"), *new;
    struct secret *pem = key_to_pem(self->own, NULL, 0, &err);
    char *path = fs_join(self->box.folder, "old.key");

    BOX_OK(fs_write_new(path, secret_data(pem), secret_len(pem), FS_MODE_SECRET, &err));
    key_free(self->own);
    self->own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    new = issue(self, ISSUED_CLIENT, "alice");
    BOX_OK(handover_read(self->box.store, &request, &kit, &err));
    assert_true(cert_equal(kit.issued->cert, new->cert));
    handover_clear(&kit);
    request.key_file = path;
    BOX_OK(handover_read(self->box.store, &request, &kit, &err));
    assert_true(cert_equal(kit.issued->cert, old->cert));
    handover_clear(&kit);
    request.role = "bob";
    assert_false(handover_read(self->box.store, &request, &kit, &err));
    assert_int_equal(err.code, ERR_CERT_UNKNOWN);
    handover_clear(&kit);
    secret_free(pem);
    issued_free(old);
    issued_free(new);
    free(path);
}

/* A folder that is not there yet, below a checkout; and one that is beside it. */
static void checkouts(void **state)
{
    struct fixture *self = *state;
    char *inner = fs_join(self->box.folder, "tree/a/b");
    char *mark = fs_join(self->box.folder, "tree/.git");

    assert_false(fs_is_in_checkout(inner));
    BOX_OK(fs_make_folder(mark, &err));
    assert_true(fs_is_in_checkout(inner));
    assert_false(fs_is_in_checkout(self->folder));
    free(inner);
    free(mark);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes),
        cmocka_unit_test(clients),
        cmocka_unit_test_setup_teardown(several_servers, setup, teardown),
        cmocka_unit_test_setup_teardown(roots_of_a_rotation, setup, teardown),
        cmocka_unit_test_setup_teardown(finds, setup, teardown),
        cmocka_unit_test_setup_teardown(checkouts, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
