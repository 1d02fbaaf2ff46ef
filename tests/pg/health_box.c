/* health_box.c - one server for a whole test program. */
#include "config.h"

#include "tests/pg/health_box.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/pg/settings.h"
#include "tests/harness/pg_version.h"

#define TRIES 60

static void must(bool good, const struct err *err)
{
    if (!good)
        fail_msg("PS-%d %s / %s", (int)err->code, err->msg, err->cause);
}

int health_box_setup(void **state)
{
    struct health_box *box = mem_zalloc(sizeof(*box));

    *state = box;
    plan_box_open(&box->plan);
    plan_box_tls(&box->plan);
    plan_box_trust(&box->plan);
    plan_box_kit(&box->plan, box->plan.ca, box->plan.ca_key, "alice", &box->alice);
    box->ca_file = plan_box_value(&box->plan, "ssl_ca_file");
    box->crl_file = plan_box_value(&box->plan, "ssl_crl_file");
    health_rules(box, HEALTH_RULES);
    return 0;
}

int health_box_teardown(void **state)
{
    struct health_box *box = *state;

    server_check_clear(&box->check);
    kit_files_clear(&box->alice);
    plan_box_close(&box->plan);
    free(box->ca_file);
    free(box->crl_file);
    free(box);
    return 0;
}

void health_check(struct health_box *box)
{
    struct server_check_request request = {.store = box->plan.store,
                                           .server = box->plan.server,
                                           .admin = box->plan.admin,
                                           .tls_host = "127.0.0.1",
                                           .tls_port = box->plan.target.tls_port};
    struct err err = ERR_INIT;

    server_check_clear(&box->check);
    must(server_check(&request, &box->check, &err), &err);
}

static void print_all(const struct health_box *box)
{
    for (size_t i = 0; i < box->check.findings.n; i++) {
        const struct finding *finding = &box->check.findings.rows[i];

        print_message("# %s PS-%d %s: %s\n", finding_severity_name(finding->severity),
                      (int)finding->code, finding->object, finding->message);
    }
}

const struct finding *health_expect(struct health_box *box, enum finding_severity severity,
                                    enum err_code code, const char *object)
{
    const struct finding *finding = NULL;

    for (int i = 0; i < TRIES && !finding; i++) {
        if (i > 0)
            poll(NULL, 0, 50);
        health_check(box);
        finding = findings_find(&box->check.findings, code, object);
    }
    if (!finding || finding->severity != severity) {
        print_all(box);
        fail_msg("no %s PS-%d about %s", finding_severity_name(severity), (int)code,
                 object ? object : "anything");
        return NULL;
    }
    assert_true(finding->cause[0] && finding->fix[0]);
    return finding;
}

void health_expect_well(struct health_box *box)
{
    size_t n = 1;

    for (int i = 0; i < TRIES && n > 0; i++) {
        if (i > 0)
            poll(NULL, 0, 50);
        health_check(box);
        n = findings_count(&box->check.findings, FINDING_ERROR) +
            findings_count(&box->check.findings, FINDING_WARNING);
    }
    if (n > 0) {
        print_all(box);
        fail_msg("it is not well");
    }
    assert_false(box->check.restart_fails);
}

void health_expect_none(const struct health_box *box, enum err_code code)
{
    if (findings_find(&box->check.findings, code, NULL)) {
        print_all(box);
        fail_msg("PS-%d was not expected", (int)code);
    }
}

char *health_path(struct health_box *box, const char *name)
{
    return name[0] == '/' ? mem_strdup(name) : fs_join(demo_data(box->plan.demo), name);
}

void health_write(struct health_box *box, const char *name, const void *bytes, size_t len,
                  unsigned mode)
{
    char *path = health_path(box, name);
    struct err err = ERR_INIT;
    struct stat st;

    must(fs_write_replace(path, bytes, len, (mode_t)mode, &err), &err);
    assert_int_equal(stat(demo_data(box->plan.demo), &st), 0);
    if (geteuid() == 0)
        assert_int_equal(chown(path, st.st_uid, st.st_gid), 0);
    free(path);
}

void health_read(struct health_box *box, const char *name, struct strbuf *out)
{
    char *path = health_path(box, name);
    struct err err = ERR_INIT;

    strbuf_reset(out);
    must(fs_read(path, 1 << 20, out, &err), &err);
    free(path);
}

void health_reload(struct health_box *box)
{
    struct err err = ERR_INIT;

    must(settings_reload(box->plan.admin, &err), &err);
}

void health_set(struct health_box *box, const char *setting, const char *value)
{
    struct err err = ERR_INIT;

    must(settings_alter(box->plan.admin, setting, value, &err), &err);
    health_reload(box);
}

void health_reset(struct health_box *box, const char *setting)
{
    struct err err = ERR_INIT;

    must(settings_reset(box->plan.admin, setting, &err), &err);
    health_reload(box);
}

void health_rules(struct health_box *box, const char *text)
{
    health_write(box, "pg_hba.conf", text, strlen(text), 0600);
    health_reload(box);
}

void health_set_text(struct health_box *box, const char *setting, const struct strbuf *text)
{
    char *name = mem_printf("test-%s.pem", setting);

    health_write(box, name, text->data, text->len, 0644);
    health_set(box, setting, name);
    free(name);
}

void health_heal(struct health_box *box)
{
    struct err err = ERR_INIT;

    must(settings_alter(box->plan.admin, "ssl_ca_file", box->ca_file, &err), &err);
    if (pg_has(PG_CRL_DIR))
        must(settings_reset(box->plan.admin, "ssl_crl_dir", &err), &err);
    health_set(box, "ssl_crl_file", box->crl_file);
    health_expect_well(box);
}

struct pair health_ca(const char *cn)
{
    int64_t now = clock_now();

    return fixture_ca_dates(cn, now - 3600, now + YEAR);
}

struct pair health_leaf(const struct pair *ca, enum profile profile, const char *cn)
{
    int64_t now = clock_now();

    return fixture_leaf_dates(ca, profile, cn, now - 3600, now + 90 * DAY);
}
