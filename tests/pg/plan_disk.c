/*
 * plan_disk.c - the server's disk is full before each step of a change: nothing is half written, the
 * change is taken back, and the server starts.
 *
 * The cluster lies on a small tmpfs that only this process and its children see; the store on another
 * disk. Where mount(2) is not allowed, not even in a user namespace of one's own, it is skipped.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/pg/settings.h"
#include "core/plan/step.h"
#include "core/store/issued.h"
#include "core/store/revoked.h"
#include "tests/harness/own_mounts.h"
#include "tests/pg/need_pg.h"
#include "tests/pg/plan_box.h"

static void must(bool good, const struct err *err)
{
    if (!good)
        fail_msg("PS-%d %s / %s / %s", (int)err->code, err->msg, err->cause, err->state);
}

/* ---- a small disk ---- */

static char disk[] = "/tmp/pgseal-disk-XXXXXX";

static bool make_disk(void)
{
    if (!mkdtemp(disk))
        return false;
    if (own_mounts() && mount("tmpfs", disk, "tmpfs", 0, "size=128m,mode=0755") == 0)
        return true;
    rmdir(disk);
    return false;
}

static char *filler_path(void)
{
    return mem_printf("%s/filler", disk);
}

static void fill(void)
{
    char *path = filler_path();
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    struct statvfs space;

    assert_true(fd >= 0);
    assert_int_equal(statvfs(disk, &space), 0);
    assert_int_equal(posix_fallocate(fd, 0, (off_t)space.f_bavail * (off_t)space.f_frsize), 0);
    close(fd);
    assert_int_equal(statvfs(disk, &space), 0);
    assert_int_equal(space.f_bavail, 0);
    free(path);
}

static void unfill(void)
{
    char *path = filler_path();

    (void)unlink(path);
    free(path);
}

/* ---- one plan, with a full disk before its n-th step ---- */

typedef struct plan *(*make_plan)(struct plan_box *box, struct err *err);

struct fuse {
    int left;
};

static void report(void *arg, const struct plan_step_view *step)
{
    struct fuse *fuse = arg;

    if (step->state == JOURNAL_STEP_DOING && step->mark != PLAN_LOOK && --fuse->left == 0)
        fill();
}

/* The list in ssl_crl_dir, where there is one. Caller frees. */
static char *folder_list(const struct plan_box *box)
{
    char *pattern = mem_printf("%s/lists/*.r0", demo_data(box->demo));
    struct strbuf bytes = STRBUF_INIT;
    struct err err = ERR_INIT;
    glob_t found;

    if (glob(pattern, 0, NULL, &found) == 0)
        must(fs_read(found.gl_pathv[0], 1 << 20, &bytes, &err), &err);
    globfree(&found);
    free(pattern);
    return strbuf_steal(&bytes);
}

static void same_list(const struct plan_box *box, const char *before)
{
    char *now = folder_list(box);

    assert_string_equal(now, before);
    free(now);
}

/* False: it has fewer than n steps, and was kept. */
static bool filled(struct plan_box *box, make_plan make, bool by_sql, int n, int *ret_refused)
{
    struct fuse fuse = {.left = n};
    struct plan_watch watch = {.step = report, .arg = &fuse};
    struct plan_files before = plan_box_files(box);
    char *list = folder_list(box);
    size_t n_files = plan_box_count_files(box, "pgseal-");
    enum journal_plan_state state, ended;
    struct err err = ERR_INIT;
    struct plan *plan = make(box, &err);
    int64_t id;
    bool kept;

    must(plan != NULL, &err);
    if (by_sql) { /* as from another machine */
        files_free(plan->files);
        plan->files = files_new(box->admin, "", &err);
        assert_int_equal(files_way(plan->files), FILES_SQL);
    }
    kept = plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, &watch, &err);
    state = plan_state(plan);
    id = plan_id(plan);
    plan_free(plan);
    unfill();
    if (fuse.left > 0) {
        must(kept, &err);
        plan_files_clear(&before);
        free(list);
        return false;
    }
    if (!kept) {
        ++*ret_refused;
        if (state != JOURNAL_UNDONE && state != JOURNAL_FAILED && state != JOURNAL_LEFT)
            fail_msg("before step %d: %s, %s", n, journal_plan_state_name(state), err.msg);
    }
    if (kept || state == JOURNAL_LEFT)
        must(plan_undo_journalled(&box->target, id, &box->watch, &ended, &err), &err);
    plan_box_same_files(box, &before);
    same_list(box, list);
    if (!by_sql) /* SQL cannot delete */
        assert_int_equal(plan_box_count_files(box, "pgseal-"), n_files);
    plan_files_clear(&before);
    free(list);
    return true;
}

static void fill_everywhere(struct plan_box *box, make_plan make, bool by_sql, int at_least)
{
    int n_refused = 0;
    int n = 1;

    while (filled(box, make, by_sql, n, &n_refused))
        n++;
    assert_true(n > at_least);
    assert_true(n_refused > 0);
    plan_box_restart(box);
}

static struct plan *make_tls(struct plan_box *box, struct err *err)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1"};
    struct server_tls_intent intent = {
        .authority = box->ca, .authority_key = box->ca_key, .hosts = hosts, .n_hosts = 2};

    return plan_server_tls(&box->target, &intent, err);
}

static struct plan *make_trust(struct plan_box *box, struct err *err)
{
    const struct authority *authorities[] = {box->ca};
    struct trust_ca_intent intent = {.authorities = authorities, .n_authorities = 1};

    return plan_trust_ca(&box->target, &intent, err);
}

static struct plan *rules_for(struct plan_box *box, const char *role, struct err *err)
{
    struct access_rules_intent intent = {.database = "all",
                                         .roles = &role,
                                         .n_roles = 1,
                                         .address = "127.0.0.1",
                                         .method = ACCESS_CERT};

    return plan_access_rules(&box->target, &intent, err);
}

static struct plan *make_rules(struct plan_box *box, struct err *err)
{
    return rules_for(box, "alice", err);
}

static struct plan *make_more_rules(struct plan_box *box, struct err *err)
{
    return rules_for(box, "bob", err);
}

/* Two files, one after the other. */
static struct plan *make_maps(struct plan_box *box, struct err *err)
{
    static const char *const roles[] = {"carol"};
    const struct access_map_line line = {.cn = "Carol C", .role = "carol"};
    struct access_rules_intent intent = {.database = "app",
                                         .roles = roles,
                                         .n_roles = 1,
                                         .address = "127.0.0.1",
                                         .method = ACCESS_CERT,
                                         .map = "people",
                                         .map_lines = &line,
                                         .n_map_lines = 1};

    return plan_access_rules(&box->target, &intent, err);
}

static struct plan *make_no_rules(struct plan_box *box, struct err *err)
{
    struct remove_rules_intent intent = {.n_lines = 0};

    return plan_remove_rules(&box->target, &intent, err);
}

static struct plan *make_untrust(struct plan_box *box, struct err *err)
{
    struct untrust_ca_intent intent = {.all = true};

    return plan_untrust_ca(&box->target, &intent, err);
}

static struct plan *make_lists(struct plan_box *box, struct err *err)
{
    return plan_publish_crl(&box->target, err);
}

static void sign_again(struct plan_box *box)
{
    struct err err = ERR_INIT;
    struct crl *crl = authority_sign_crl(box->store, box->ca, box->ca_key, 0, &err);

    must(crl != NULL, &err);
    crl_free(crl);
}

static void revoke_role(struct plan_box *box, const char *role)
{
    struct kit_files kit;
    struct err err = ERR_INIT;
    struct issued *issued;
    struct crl *crl;

    plan_box_kit(box, box->ca, box->ca_key, role, &kit);
    issued = issued_find(box->store, role, &err);
    must(issued != NULL, &err);
    crl = revoked_and_sign(box->store, box->ca, box->ca_key, issued, CRL_KEY_COMPROMISE, 0, &err);
    must(crl != NULL, &err);
    crl_free(crl);
    issued_free(issued);
    kit_files_clear(&kit);
}

/* The disk is full when the marker shall go: the list is there, the marker stays, and nothing can be
 * taken back. The next publication heals it, and then what was left is no way to an older list. */
static void marker_is_left(struct plan_box *box)
{
    struct fuse fuse = {.left = 5}; /* two files are there: before the last setting */
    struct plan_watch watch = {.step = report, .arg = &fuse};
    enum journal_plan_state ended;
    struct handshake seen;
    struct err err = ERR_INIT;
    struct plan *plan;
    int64_t left;

    revoke_role(box, "mallory");
    plan = make_lists(box, &err);
    must(plan != NULL, &err);
    assert_false(plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, &watch, &err));
    assert_int_equal(plan_state(plan), JOURNAL_LEFT);
    left = plan_id(plan);
    plan_free(plan);
    unfill();
    seen = plan_box_handshake(box);
    assert_int_equal(seen.n_accepted_cas, 2); /* with the marker */
    handshake_clear(&seen);
    err = (struct err)ERR_INIT;
    plan = make_lists(box, &err);
    must(plan != NULL, &err);
    plan_box_keep(box, plan);
    seen = plan_box_handshake(box);
    assert_int_equal(seen.n_accepted_cas, 1);
    handshake_clear(&seen);
    assert_false(plan_undo_journalled(&box->target, left, &box->watch, &ended, &err));
    assert_int_equal(err.code, ERR_CRL_WEAKER);
}

/* The store goes to another disk: it is pgseal's, not the server's. */
static void move_store(struct plan_box *box, const char *to)
{
    char *command = mem_printf("cp -a '%s' '%s'", demo_store(box->demo), to);
    struct err err = ERR_INIT;

    store_close(box->store);
    assert_int_equal(system(command), 0); /* a fixed text, and paths of ours */
    box->store = store_open(to, STORE_WRITE, &err);
    must(box->store != NULL, &err);
    box->target.store = box->store;
    free(command);
}

static void test_full(void **state)
{
    struct plan_box box;
    char *store = mem_printf("%s-store", disk);
    struct err err = ERR_INIT;

    (void)state;
    setenv("TMPDIR", disk, 1);
    plan_box_open(&box);
    assert_int_equal(strncmp(demo_data(box.demo), disk, strlen(disk)), 0);
    move_store(&box, store);
    fill_everywhere(&box, make_tls, false, 3);
    fill_everywhere(&box, make_trust, false, 3);
    fill_everywhere(&box, make_rules, false, 3);
    fill_everywhere(&box, make_more_rules, true, 3);
    fill_everywhere(&box, make_maps, true, 3);
    fill_everywhere(&box, make_no_rules, false, 3);
    sign_again(&box);
    fill_everywhere(&box, make_lists, false, 1);
    sign_again(&box);
    fill_everywhere(&box, make_lists, true, 1);
    marker_is_left(&box);
    if (pg_has(PG_CRL_DIR)) {
        plan_box_use_lists(&box);
        fill_everywhere(&box, make_lists, false, 1);
        sign_again(&box);
        fill_everywhere(&box, make_lists, false, 2);
        sign_again(&box);
        fill_everywhere(&box, make_lists, true, 2);
    }
    fill_everywhere(&box, make_untrust, false, 1);
    plan_box_close(&box);
    must(fs_remove_tree(store, &err), &err);
    free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full),
    };
    int failed;

    if (!need_pg())
        return 0;
    if (!make_disk()) {
        printf("1..0 # SKIP no mount(2) here: a full disk cannot be made\n");
        return 0;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)umount(disk);
    (void)rmdir(disk);
    return failed;
}
