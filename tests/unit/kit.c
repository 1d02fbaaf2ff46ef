/* kit.c - what a client gets: which files, which modes, what is refused before any is written. */
#include "config.h"

#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/kit/kit.h"
#include "tests/harness/store_box.h"

static struct err err;

struct fixture {
    struct box box;
    struct authority *authority;
    struct key *key; /* the authority's */
    struct key *own; /* a client's */
    char *folder;
    struct kit_files files;
};

static int setup(void **state)
{
    struct fixture *fixture = mem_zalloc(sizeof(*fixture));

    err = (struct err)ERR_INIT;
    box_open(&fixture->box);
    fixture->authority = box_authority(&fixture->box, "Acme", &fixture->key);
    fixture->own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    fixture->folder = fs_join(fixture->box.folder, "kits/alice");
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    kit_files_clear(&fixture->files);
    authority_free(fixture->authority);
    key_free(fixture->key);
    key_free(fixture->own);
    free(fixture->folder);
    box_close(&fixture->box);
    free(fixture);
    return 0;
}

static struct issued *issue(struct fixture *fixture, enum issued_kind kind, const char *role)
{
    const char *const hosts[] = {role};
    struct issue_spec spec = {
        .kind = kind, .role = role, .hosts = hosts, .n_hosts = 1, .key = fixture->own};
    struct issued *issued =
        issued_make(fixture->box.store, fixture->authority, fixture->key, &spec, &err);

    if (issued == NULL)
        fail_msg("%s", err.msg);
    return issued;
}

static struct kit_spec spec_for(struct fixture *fixture, const struct issued *issued)
{
    struct kit_spec spec = {.folder = fixture->folder,
                            .formats = KIT_PEM,
                            .issued = issued,
                            .key = fixture->own,
                            .ca = fixture->authority->cert};

    return spec;
}

static void assert_mode(const char *path, mode_t mode)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, mode);
}

/* The names in a folder, sorted, with a space between. */
static void assert_files(const char *folder, const char *expected)
{
    char *output = NULL;

    box_run(&output, "cd '%s' && ls -A | LC_ALL=C sort | tr '\\n' ' '", folder);
    assert_string_equal(output, expected);
    free(output);
}

static void test_client(void **state)
{
    struct fixture *fixture = *state;
    struct issued *alice = issue(fixture, ISSUED_CLIENT, "alice");
    struct kit_spec spec = spec_for(fixture, alice);
    struct secret *passphrase = box_secret("for the p12");

    umask(0);
    spec.formats = KIT_PEM | KIT_P12 | KIT_PK8;
    BOX_OK(kit_check(&spec, &err));
    assert_false(fs_exists(fixture->folder));              /* checking makes nothing */
    assert_false(kit_write(&spec, &fixture->files, &err)); /* a .p12 needs a passphrase */
    box_assert_err(&err, ERR_BAD_VALUE);
    assert_false(fs_exists(fixture->folder));
    spec.p12_passphrase = passphrase;
    BOX_OK(kit_write(&spec, &fixture->files, &err));
    umask(022);
    assert_mode(fixture->folder, 0700);
    assert_mode(fixture->files.certificate, 0644);
    assert_mode(fixture->files.key, 0600);
    assert_mode(fixture->files.root, 0644);
    assert_mode(fixture->files.p12, 0600);
    assert_mode(fixture->files.pk8, 0600);
    assert_mode(fixture->files.readme, 0644);
    assert_int_equal(fixture->files.key[0], '/');
    assert_files(fixture->folder, "README.txt alice.crt alice.key alice.p12 alice.pk8 root.crt ");
    issued_free(alice);
}

static void test_pem_only_and_request(void **state)
{
    struct fixture *fixture = *state;
    struct issued *alice = issue(fixture, ISSUED_CLIENT, "alice");
    struct kit_spec spec = spec_for(fixture, alice);
    char *readme;

    spec.key = NULL; /* the key stayed with the one who asked */
    spec.formats = KIT_PEM | KIT_P12;
    assert_false(kit_write(&spec, &fixture->files, &err));
    box_assert_err(&err, ERR_POLICY);
    assert_false(fs_exists(fixture->folder));
    spec.formats = 0;
    BOX_OK(kit_write(&spec, &fixture->files, &err));
    assert_files(fixture->folder, "README.txt alice.crt root.crt ");
    assert_string_equal(fixture->files.key, "");
    assert_string_equal(fixture->files.p12, "");
    readme = box_read(fixture->files.readme);
    assert_non_null(strstr(readme, "stayed where the request was made"));
    free(readme);
    issued_free(alice);
}

/* Before anything is made: kind and role are all there is. */
static void test_early_check(void **state)
{
    struct fixture *fixture = *state;
    char role[] = "alice";
    struct issued draft = {.kind = ISSUED_CLIENT, .role = role};
    struct kit_spec spec = {.folder = fixture->folder, .issued = &draft, .formats = KIT_PK8};
    char *path = fs_join(fixture->folder, "alice.pk8");

    assert_false(kit_check(&spec, &err));
    box_assert_err(&err, ERR_POLICY);
    spec.key_follows = true;
    BOX_OK(kit_check(&spec, &err));
    BOX_OK(fs_make_folder(fixture->folder, &err));
    BOX_OK(fs_write_new(path, "old", 3, 0600, &err));
    assert_false(kit_check(&spec, &err));
    box_assert_err(&err, ERR_FILE_EXISTS);
    spec.formats = KIT_PEM;
    BOX_OK(kit_check(&spec, &err));
    free(path);
}

static void test_nothing_is_overwritten(void **state)
{
    struct fixture *fixture = *state;
    struct issued *alice = issue(fixture, ISSUED_CLIENT, "alice");
    struct kit_spec spec = spec_for(fixture, alice);
    static const char *const names[] = {"alice.crt", "alice.key", "root.crt", "README.txt"};

    BOX_OK(fs_make_folder(fixture->folder, &err));
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *path = fs_join(fixture->folder, names[i]);
        char *content;

        BOX_OK(fs_write_new(path, "old", 3, 0600, &err));
        assert_false(kit_check(&spec, &err));
        box_assert_err(&err, ERR_FILE_EXISTS);
        assert_false(kit_write(&spec, &fixture->files, &err));
        box_assert_err(&err, ERR_FILE_EXISTS);
        content = box_read(path);
        assert_string_equal(content, "old");
        free(content);
        assert_int_equal(box_run(NULL, "test $(ls -A '%s' | wc -l) = 1", fixture->folder), 0);
        unlink(path);
        free(path);
    }
    BOX_OK(kit_write(&spec, &fixture->files, &err));
    issued_free(alice);
}

static void test_folder_is_checked(void **state)
{
    struct fixture *fixture = *state;
    struct issued *alice = issue(fixture, ISSUED_CLIENT, "alice");
    struct kit_spec spec = spec_for(fixture, alice);
    char *inside = fs_join(fixture->folder, "file/kit");
    char *file = fs_join(fixture->folder, "file");

    BOX_OK(fs_make_folder(fixture->folder, &err));
    chmod(fixture->folder, 0777);
    assert_false(kit_write(&spec, &fixture->files, &err));
    box_assert_err(&err, ERR_FILE_UNSAFE);
    chmod(fixture->folder, 0700);
    BOX_OK(fs_write_new(file, "", 0, 0600, &err));
    spec.folder = file;
    assert_false(kit_check(&spec, &err));
    box_assert_err(&err, ERR_FILE);
    spec.folder = inside;
    assert_false(kit_check(&spec, &err));
    box_assert_err(&err, ERR_FILE);
    if (geteuid() == 0) {
        assert_int_equal(chown(fixture->folder, 65534, 65534), 0);
        spec.folder = fixture->folder;
    } else {
        spec.folder = "/";
    }
    assert_false(kit_write(&spec, &fixture->files, &err));
    box_assert_err(&err, ERR_FILE_UNSAFE);
    free(file);
    free(inside);
    issued_free(alice);
}

static void kit_named(struct fixture *fixture, enum issued_kind kind, const char *role,
                      const char *expected)
{
    struct issued *issued = issue(fixture, kind, role);
    struct kit_spec spec = spec_for(fixture, issued);

    BOX_OK(kit_write(&spec, &fixture->files, &err));
    assert_files(fixture->folder, expected);
    kit_files_clear(&fixture->files);
    BOX_OK(fs_remove_tree(fixture->folder, &err));
    issued_free(issued);
}

static void test_file_names(void **state)
{
    struct fixture *fixture = *state;

    /* root.crt is the CA, whoever the role is */
    kit_named(fixture, ISSUED_CLIENT, "root",
              "README.txt root-client.crt root-client.key root.crt ");
    kit_named(fixture, ISSUED_CLIENT, "a b$c", "README.txt a_b_c.crt a_b_c.key root.crt ");
    kit_named(fixture, ISSUED_SERVER, "db1.example",
              "README.txt db1.example.crt db1.example.key root.crt ");
    kit_named(fixture, ISSUED_SERVER, "*.db.example",
              "README.txt _.db.example.crt _.db.example.key root.crt ");
    kit_named(fixture, ISSUED_SERVER, "::1", "README.txt __1.crt __1.key root.crt ");
}

static void test_wrong_pieces(void **state)
{
    struct fixture *fixture = *state;
    struct issued *alice = issue(fixture, ISSUED_CLIENT, "alice");
    struct authority *other = box_authority(&fixture->box, "Other", NULL);
    struct kit_spec spec = spec_for(fixture, alice);

    spec.key = fixture->key;
    assert_false(kit_write(&spec, &fixture->files, &err));
    box_assert_err(&err, ERR_INTERNAL);
    spec.key = fixture->own;
    spec.ca = other->cert;
    assert_false(kit_write(&spec, &fixture->files, &err));
    box_assert_err(&err, ERR_INTERNAL);
    assert_false(fs_exists(fixture->folder));
    authority_free(other);
    issued_free(alice);
}

/* The psql line, run by a real shell and read by libpq, says what it should. */
static void check_psql_line(const char *readme_path, const char *role, const char *host)
{
    char *output = NULL;
    PQconninfoOption *options;
    char *problem = NULL;

    assert_int_equal(box_run(&output,
                             "psql() { printf '%%s' \"$1\"; }; eval \"$(grep '^  psql ' '%s')\"",
                             readme_path),
                     0);
    options = PQconninfoParse(output, &problem);
    if (options == NULL) {
        fail_msg("%s: %s", output, problem);
        return;
    }
    for (PQconninfoOption *o = options; o->keyword != NULL; o++) {
        if (strcmp(o->keyword, "user") == 0)
            assert_string_equal(o->val, role);
        if (strcmp(o->keyword, "host") == 0)
            assert_string_equal(o->val, host);
        if (strcmp(o->keyword, "sslmode") == 0)
            assert_string_equal(o->val, "verify-full");
        if (strcmp(o->keyword, "sslrootcert") == 0)
            assert_string_equal(o->val, "root.crt");
    }
    PQconninfoFree(options);
    free(output);
}

static void test_readme(void **state)
{
    struct fixture *fixture = *state;
    static const char *const roles[] = {"alice", "o'brien $(touch x)", "back`tick"};

    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        struct issued *issued = issue(fixture, ISSUED_CLIENT, roles[i]);
        struct kit_spec spec = spec_for(fixture, issued);

        spec.server_host = "db1.example";
        spec.server_port = 5433;
        BOX_OK(kit_write(&spec, &fixture->files, &err));
        check_psql_line(fixture->files.readme, roles[i], "db1.example");
        kit_files_clear(&fixture->files);
        BOX_OK(fs_remove_tree(fixture->folder, &err));
        issued_free(issued);
    }
}

static void test_readme_holds_no_secret(void **state)
{
    struct fixture *fixture = *state;
    struct issued *alice = issue(fixture, ISSUED_CLIENT, "alice");
    struct secret *passphrase = box_secret("hunter2 hunter2");
    struct kit_spec spec = spec_for(fixture, alice);
    char *readme;

    spec.formats = KIT_PEM | KIT_P12;
    spec.key_passphrase = passphrase;
    spec.p12_passphrase = passphrase;
    BOX_OK(kit_write(&spec, &fixture->files, &err));
    readme = box_read(fixture->files.readme);
    assert_null(strstr(readme, "hunter2"));
    assert_non_null(strstr(readme, "needs its passphrase"));
    assert_non_null(strstr(readme, "sslpassword=PASSPHRASE"));
    free(readme);
    secret_free(passphrase);
    issued_free(alice);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_client),
        TEST(test_pem_only_and_request),
        TEST(test_nothing_is_overwritten),
        TEST(test_early_check),
        TEST(test_folder_is_checked),
        TEST(test_file_names),
        TEST(test_wrong_pieces),
        TEST(test_readme),
        TEST(test_readme_holds_no_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
