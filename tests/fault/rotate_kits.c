/*
 * rotate_kits.c - kits of a rotation: killed before each step, and several admins at once. No line of the
 * list gets two certificates, none is lost, and what was handed over stays as it is.
 *
 * One store for all: each rotation replaces what the one before made. No server is asked in these phases.
 */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/rotate/rotate.h"
#include "core/store/sql.h"
#include "tests/harness/fail_vfs.h"
#include "tests/harness/store_box.h"

enum { N_ROLES = 3, STEPS_MAX = 400, ADMINS = 3, ROUNDS = 4 };

/* A fork costs ten times as much under the address sanitizer: there some of the steps. */
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define STRIDE 17
#else
#define STRIDE 5
#endif

enum { CHILD_DONE, CHILD_MOVED, CHILD_EXISTS, CHILD_FAILED };

static const char *const roles[N_ROLES] = {"alice", "bob", "carol"};

/* ---- steps of our own files ---- */

static ssize_t step_write(int fd, const void *bytes, size_t len)
{
    (void)fail_vfs_strike();
    return write(fd, bytes, len);
}

static int step_sync(int fd)
{
    (void)fd;
    (void)fail_vfs_strike();
    return 0;
}

static int step_link(const char *from, const char *to)
{
    (void)fail_vfs_strike();
    return link(from, to);
}

static int step_rename(const char *from, const char *to)
{
    (void)fail_vfs_strike();
    return rename(from, to);
}

static const struct fs_ops stepping_ops = {step_write, step_sync, step_link, step_rename};

/* ---- the store ---- */

static void add_unreachable(struct store *store)
{
    struct err err = ERR_INIT;
    struct server server = {.name = (char *)(uintptr_t) "db1",
                            .conninfo = (char *)(uintptr_t) "host=/nowhere port=1 user=postgres",
                            .tls_host = (char *)(uintptr_t) "",
                            .provider = (char *)(uintptr_t) "self-managed",
                            .system_identifier = (char *)(uintptr_t) "",
                            .cluster = (char *)(uintptr_t) ""};

    BOX_OK(server_add(store, &server, &err));
}

static int setup(void **state)
{
    struct box *box = mem_zalloc(sizeof(*box));
    struct key *key = NULL;
    struct authority *authority;

    *state = box;
    box_open(box);
    authority = box_authority(box, "Acme", &key);
    for (size_t i = 0; i < N_ROLES; i++)
        issued_free(box_issue(box, authority, key, roles[i], 30));
    add_unreachable(box->store);
    authority_free(authority);
    key_free(key);
    return 0;
}

static int teardown(void **state)
{
    struct box *box = *state;

    box_close(box);
    free(box);
    return 0;
}

static int64_t number(struct store *store, const char *fmt, ...) PRINTF_LIKE(2, 3);

static int64_t number(struct store *store, const char *fmt, ...)
{
    struct err err = ERR_INIT;
    struct strbuf text = STRBUF_INIT;
    va_list args;
    int64_t n = 0;

    va_start(args, fmt);
    strbuf_vprintf(&text, fmt, args);
    va_end(args);
    BOX_OK(sql_run_int(sql_new(store, text.data, &err), 0, &n, &err));
    strbuf_clear(&text);
    return n;
}

/* ---- rotations ---- */

/* The phase's act as a command does it, for a rotation as it was when it was read. */
static bool act(struct store *store, struct rotation *rotation, const char *folder, struct err *err)
{
    struct rotate_request request = {.folder = folder, .key_type = KEY_EC_P256};
    struct rotate_outcome outcome = {.from = 0};
    struct authority *authority = NULL;
    struct key *key = NULL;
    bool ok = true;

    if (rotation->new_authority_id != 0) {
        authority = authority_load_id(store, rotation->new_authority_id, err);
        key = authority ? authority_unlock(store, authority, NULL, err) : NULL;
        ok = key != NULL;
    }
    request.new_key = key;
    ok = ok && rotate_next(store, rotation, &request, &outcome, err);
    rotate_outcome_clear(&outcome);
    key_free(key);
    authority_free(authority);
    return ok;
}

static bool go_next(struct store *store, int64_t id, const char *folder, struct err *err)
{
    struct rotation *rotation = rotation_load(store, id, err);
    bool ok = rotation != NULL && act(store, rotation, folder, err);

    rotation_free(rotation);
    return ok;
}

static int64_t start(struct box *box, enum rotation_kind kind, const char *name)
{
    static const char *const servers[] = {"db1"};
    struct rotate_start how = {.kind = kind, .name = name};
    struct err err = ERR_INIT;
    struct rotation *rotation;
    int64_t id;

    if (kind == ROTATION_CLIENT) {
        how.within_days = 3650;
        how.new_authority = name;
        how.name = NULL;
    } else {
        how.servers = servers;
        how.n_servers = 1;
    }
    rotation = rotate_start(box->store, &how, &err);
    if (rotation == NULL)
        fail_msg("%s", err.msg);
    id = rotation->id;
    rotation_free(rotation);
    return id;
}

static int phase_of(struct box *box, int64_t id)
{
    return (int)number(box->store, "SELECT phase FROM rotation WHERE id = %lld", (long long)id);
}

/* So that the next one of this kind may begin. */
static void end(struct box *box, int64_t id)
{
    struct err err = ERR_INIT;
    struct rotation *rotation = rotation_load(box->store, id, &err);

    assert_non_null(rotation);
    rotation->ended_at = BOX_NOW;
    BOX_OK(rotation_save(box->store, rotation, "the test goes on", &err));
    rotation_free(rotation);
}

static char *folder_of(const struct box *box, int64_t id)
{
    return mem_printf("%s/kits-%lld", box->folder, (long long)id);
}

/* Of each role: a line, with one certificate, whose kit is there. */
static void check_lines(struct box *box, int64_t id, int64_t before)
{
    char *folder = folder_of(box, id);

    assert_int_equal(number(box->store,
                            "SELECT count(*) FROM rotation_item WHERE rotation_id = %lld",
                            (long long)id),
                     N_ROLES);
    for (size_t i = 0; i < N_ROLES; i++) {
        char *path = mem_printf("%s/%s/%s.crt", folder, roles[i], roles[i]);
        char *text = box_read(path);
        struct err err = ERR_INIT;
        struct cert *cert = cert_from_pem(text, strlen(text), &err);
        struct serial serial;
        struct issued *issued;
        char hex[SERIAL_HEX_MAX];

        assert_non_null(cert);
        serial = cert_serial(cert);
        issued = issued_find(box->store, serial_format_hex(hex, &serial), &err);
        assert_non_null(issued);
        assert_int_equal(number(box->store,
                                "SELECT count(*) FROM rotation_item WHERE rotation_id = %lld"
                                " AND role = '%s' AND new_issued_id = %lld AND made_at IS NOT NULL",
                                (long long)id, roles[i], (long long)issued->id),
                         1);
        assert_int_equal(number(box->store,
                                "SELECT count(*) FROM issued WHERE id > %lld AND role = '%s'"
                                " AND delivered_at IS NOT NULL",
                                (long long)before, roles[i]),
                         1);
        issued_free(issued);
        cert_free(cert);
        free(text);
        free(path);
    }
    free(folder);
}

static int64_t last_issued(struct box *box)
{
    return number(box->store, "SELECT max(id) FROM issued");
}

/* ---- killed ---- */

/* False: it came to its end before that step. */
static bool killed_at(struct box *box, int64_t id, const char *folder, int n)
{
    int status = 0;
    pid_t pid;

    store_close(box->store);
    box->store = NULL;
    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct err err = ERR_INIT;
        struct store *store = store_open(box->store_folder, STORE_WRITE, &err);
        bool ok;

        fs_replace_ops(&stepping_ops);
        fail_vfs_arm(n, FAIL_KILLED);
        ok = store != NULL && go_next(store, id, folder, &err);
        if (!ok)
            fprintf(stderr, "step %d: %s\n", n, err.msg);
        _exit(ok ? CHILD_DONE : CHILD_FAILED);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    box_reopen(box, STORE_WRITE);
    if (WIFSIGNALED(status))
        return true;
    assert_int_equal(WEXITSTATUS(status), CHILD_DONE);
    return false;
}

/* The CA that the rotation has made, for the next one to replace; or name again. */
static char *name_after(struct box *box, int64_t id, const char *name)
{
    struct err err = ERR_INIT;
    struct rotation *rotation = rotation_load(box->store, id, &err);
    struct authority *authority;
    char *now;

    assert_non_null(rotation);
    authority = authority_load_id(box->store, rotation->new_authority_id, &err);
    now = mem_strdup(authority != NULL ? authority->name : name);
    authority_free(authority);
    rotation_free(rotation);
    return now;
}

/* Killed in this phase at each step; the next run brings it to its end. */
static void kill_everywhere(struct box *box, enum rotation_kind kind, int phase)
{
    struct err err = ERR_INIT;
    char *name = mem_strdup("Acme");
    bool reached = true;
    int n = 1;

    for (; reached && n < STEPS_MAX; n += STRIDE) {
        int64_t before = last_issued(box);
        int64_t id = start(box, kind, name);
        char *folder = folder_of(box, id);

        while (phase_of(box, id) < phase)
            BOX_OK(go_next(box->store, id, folder, &err));
        reached = killed_at(box, id, folder, n);
        if (phase_of(box, id) == phase) /* or it was killed right after the last commit */
            BOX_OK(go_next(box->store, id, folder, &err));
        assert_int_equal(phase_of(box, id), phase + 1);
        check_lines(box, id, before);
        end(box, id);
        free(name);
        name = name_after(box, id, "Acme");
        free(folder);
    }
    assert_true(n > 5 && n < STEPS_MAX);
    print_message("# %s: %d steps\n", rotation_kind_name(kind), n - STRIDE);
    free(name);
}

static void test_killed_client(void **state)
{
    kill_everywhere(*state, ROTATION_CLIENT, 0);
}

static void test_killed_emergency(void **state)
{
    struct box *box = *state;
    int64_t n = number(box->store, "SELECT count(*) FROM authority");

    kill_everywhere(box, ROTATION_EMERGENCY, 1);
    assert_int_equal(number(box->store, "SELECT count(*) FROM authority") - n,
                     number(box->store, "SELECT count(*) FROM rotation WHERE kind = %d",
                            (int)ROTATION_EMERGENCY));
}

/* ---- what was handed over ---- */

/* One of the new ones is revoked, so its line wants another; nobody's folder is written over. */
static void test_handed(void **state)
{
    struct box *box = *state;
    struct err err = ERR_INIT;
    int64_t id = start(box, ROTATION_CLIENT, "Acme");
    char *folder = folder_of(box, id);
    char *other = mem_printf("%s-again", folder);
    char *path = mem_printf("%s/alice/alice.key", folder);
    struct rotation *rotation;
    char *key, *now;

    BOX_OK(go_next(box->store, id, folder, &err));
    key = box_read(path);
    rotation = rotation_load(box->store, id, &err);
    BOX_OK(rotate_mark(box->store, rotation, "alice", true, false, &err));
    rotation->phase = 0;
    BOX_OK(rotation_save(box->store, rotation, "back", &err));
    BOX_OK(sql_run(sql_new(box->store,
                           "UPDATE issued SET revoked_at = 1, reason = 1 WHERE role = 'bob'"
                           " AND id = (SELECT max(id) FROM issued WHERE role = 'bob')",
                           &err),
                   &err));
    assert_false(go_next(box->store, id, folder, &err));
    box_assert_err(&err, ERR_FILE_EXISTS);
    BOX_OK(go_next(box->store, id, other, &err));
    assert_int_equal(phase_of(box, id), 1);
    now = box_read(path);
    assert_string_equal(now, key);
    free(now);
    now = mem_printf("%s/alice", other);
    assert_false(fs_exists(now));
    assert_int_equal(number(box->store,
                            "SELECT count(*) FROM rotation_item WHERE rotation_id = %lld AND role"
                            " = 'alice' AND handed_at IS NOT NULL AND made_at IS NOT NULL",
                            (long long)id),
                     1);
    end(box, id);
    rotation_free(rotation);
    free(now);
    free(key);
    free(path);
    free(other);
    free(folder);
}

/* ---- several admins ---- */

struct admin { /* what one of them does, in a process of its own */
    int64_t id;
    const char *folder;
    enum rotation_kind kind; /* id 0: starts one of this kind */
    const char *name;
    bool marks;
};

static int code_of(bool ok, const struct err *err)
{
    if (ok)
        return CHILD_DONE;
    if (err->code == ERR_ROTATION_MOVED)
        return CHILD_MOVED;
    if (err->code == ERR_ROTATION_EXISTS)
        return CHILD_EXISTS;
    fprintf(stderr, "PS-%d %s\n", (int)err->code, err->msg);
    return CHILD_FAILED;
}

static bool start_too(struct store *store, const struct admin *admin, struct err *err)
{
    static const char *const servers[] = {"db1"};
    const struct rotate_start how = {
        .kind = admin->kind, .name = admin->name, .servers = servers, .n_servers = 1};
    struct rotation *rotation = rotate_start(store, &how, err);
    bool ok = rotation != NULL;

    rotation_free(rotation);
    return ok;
}

/* Each has read the rotation before any of them begins. */
static int be_admin(const struct box *box, const struct admin *admin, int go)
{
    struct err err = ERR_INIT;
    struct store *store = store_open(box->store_folder, STORE_WRITE, &err);
    struct rotation *rotation = NULL;
    char byte;
    bool ok = store != NULL;

    if (ok && admin->id != 0) {
        rotation = rotation_load(store, admin->id, &err);
        ok = rotation != NULL;
    }
    ok = ok && read(go, &byte, 1) == 0;
    if (ok && admin->id == 0)
        ok = start_too(store, admin, &err);
    else if (ok && admin->marks)
        ok = rotate_mark(store, rotation, "carol", true, false, &err);
    else if (ok)
        ok = act(store, rotation, admin->folder, &err);
    return code_of(ok, &err);
}

/* They begin together; the ends of all of them. */
static void at_once(struct box *box, const struct admin *admins, int *codes)
{
    pid_t pids[ADMINS];
    int go[2];

    store_close(box->store);
    box->store = NULL;
    fflush(NULL);
    assert_int_equal(pipe(go), 0);
    for (size_t i = 0; i < ADMINS; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            close(go[1]);
            _exit(be_admin(box, &admins[i], go[0]));
        }
    }
    close(go[0]);
    close(go[1]);
    for (size_t i = 0; i < ADMINS; i++) {
        int status = 0;

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status));
        codes[i] = WEXITSTATUS(status);
    }
    box_reopen(box, STORE_WRITE);
}

/* One of them did it; the others were told that somebody was faster. */
static void expect_one(const int *codes, int others)
{
    int done = 0;

    for (size_t i = 0; i < ADMINS; i++) {
        done += codes[i] == CHILD_DONE;
        assert_true(codes[i] == CHILD_DONE || codes[i] == others);
    }
    assert_int_equal(done, 1);
}

static void expect_one_next(struct box *box, int64_t id, const char *folder)
{
    const struct admin admin = {.id = id, .folder = folder};
    const struct admin admins[ADMINS] = {admin, admin, admin};
    int phase = phase_of(box, id);
    int codes[ADMINS];

    at_once(box, admins, codes);
    expect_one(codes, CHILD_MOVED);
    assert_int_equal(phase_of(box, id), phase + 1);
}

static void test_admins_client(void **state)
{
    struct box *box = *state;

    for (int i = 0; i < ROUNDS; i++) {
        int64_t before = last_issued(box);
        int64_t id = start(box, ROTATION_CLIENT, "Acme");
        char *folder = folder_of(box, id);

        expect_one_next(box, id, folder);
        check_lines(box, id, before);
        end(box, id);
        free(folder);
    }
}

/* The name of the CA that the last emergency made: its clients are the ones to move. */
static char *newest_ca(struct box *box)
{
    struct err err = ERR_INIT;
    struct authority *authority =
        authority_load_id(box->store, number(box->store, "SELECT max(id) FROM authority"), &err);
    char *name;

    assert_non_null(authority);
    name = mem_strdup(authority->name);
    authority_free(authority);
    return name;
}

static void test_admins_emergency(void **state)
{
    struct box *box = *state;

    for (int i = 0; i < ROUNDS; i++) {
        char *name = newest_ca(box);
        const struct admin admin = {.kind = ROTATION_EMERGENCY, .name = name};
        const struct admin admins[ADMINS] = {admin, admin, admin};
        int64_t before = last_issued(box);
        int64_t n = number(box->store, "SELECT count(*) FROM authority");
        int codes[ADMINS];
        char *folder;
        int64_t id;

        at_once(box, admins, codes);
        expect_one(codes, CHILD_EXISTS);
        id = number(box->store, "SELECT max(id) FROM rotation");
        folder = folder_of(box, id);
        expect_one_next(box, id, folder);
        assert_int_equal(number(box->store, "SELECT count(*) FROM authority"), n + 1);
        expect_one_next(box, id, folder);
        check_lines(box, id, before);
        end(box, id);
        free(folder);
        free(name);
    }
}

/* While the kits are made somebody notes that one was handed over: neither gets lost. */
static void test_mark_meanwhile(void **state)
{
    struct box *box = *state;

    for (int i = 0; i < ROUNDS; i++) {
        int64_t before = last_issued(box);
        int64_t id = start(box, ROTATION_CLIENT, "Acme");
        char *folder = folder_of(box, id);
        const struct admin admins[ADMINS] = {
            {.id = id, .folder = folder}, {.id = id, .marks = true}, {.id = id, .marks = true}};
        struct err err = ERR_INIT;
        struct rotate_status status = {.n_phases = 0};
        struct rotation *rotation = rotation_load(box->store, id, &err);
        int codes[ADMINS];

        /* the list is there before anybody looks at its lines */
        assert_non_null(rotation);
        BOX_OK(rotate_look(box->store, rotation, &(struct rotate_request){.folder = NULL}, false,
                           &status, &err));
        rotate_status_clear(&status);
        rotation_free(rotation);
        at_once(box, admins, codes);
        assert_true(codes[0] == CHILD_DONE || codes[0] == CHILD_MOVED);
        assert_int_equal(codes[1], CHILD_DONE);
        assert_int_equal(codes[2], CHILD_DONE);
        if (phase_of(box, id) == 0)
            BOX_OK(go_next(box->store, id, folder, &err));
        check_lines(box, id, before);
        assert_int_equal(number(box->store,
                                "SELECT count(*) FROM rotation_item WHERE rotation_id = %lld"
                                " AND role = 'carol' AND handed_at IS NOT NULL",
                                (long long)id),
                         1);
        end(box, id);
        free(folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_client),    cmocka_unit_test(test_admins_client),
        cmocka_unit_test(test_mark_meanwhile),   cmocka_unit_test(test_handed),
        cmocka_unit_test(test_killed_emergency), cmocka_unit_test(test_admins_emergency),
    };

    fail_vfs_install();
    fail_vfs_spare_syncs();
    fail_vfs_count_coarsely();
    return cmocka_run_group_tests(tests, setup, teardown);
}
