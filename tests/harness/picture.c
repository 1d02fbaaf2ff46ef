/*
 * picture.c - draws the live sessions page for README.md, as it really looks: the built program in a
 * terminal, on a real PostgreSQL with sessions of every kind.
 *
 * Use      PGSEAL=./pgseal tests/harness/picture docs/sessions.svg ("make picture")
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "tests/harness/session_stage.h"
#include "tests/harness/svg.h"
#include "tests/harness/wizard_box.h"

#define SESSIONS_MAX 12

struct picture {
    struct wizard_box box;
    struct pg *pg;
    PGconn *conns[SESSIONS_MAX];
    size_t n;
    const char *path;
};

static void log_in(struct picture *picture, const char *role, const char *application,
                   const char *more)
{
    assert_true(picture->n < SESSIONS_MAX);
    picture->conns[picture->n++] = session_stage_log_in(picture->pg, role, application, more);
}

/* Issues the role a certificate, and logs in with it. */
static void log_in_with(struct picture *picture, const char *role, const char *application,
                        int days)
{
    char *certificate = session_stage_certificate(role, role);

    session_stage_issue(role, days, role);
    log_in(picture, role, application, certificate);
    free(certificate);
}

static void draw(void **state)
{
    static const char *const roles[] = {"alice",  "app",     "bob",   "carol",
                                        "legacy", "partner", "report"};
    static const char *const args[] = {"sessions", STAGE_SERVER, NULL};
    struct picture *picture = *state;
    struct strbuf svg = STRBUF_INIT;
    char *guest;

    session_stage_open(picture->pg);
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        char *sql = mem_printf("CREATE ROLE %s LOGIN", roles[i]);

        pg_run(picture->pg->admin, sql);
        free(sql);
    }
    session_stage_issue_foreign("guest", "guest");
    guest = session_stage_certificate("partner", "guest");
    log_in_with(picture, "alice", "web shop", 365);
    log_in_with(picture, "app", "billing", 12);
    log_in_with(picture, "bob", "nightly report", 80);
    log_in_with(picture, "carol", "psql", 200);
    log_in(picture, "partner", "", guest);
    log_in(picture, "report", "", "sslmode=require");
    log_in(picture, "legacy", "old terminal", "sslmode=disable");
    free(EXPECT(0, "revoke", "bob", "--confirm", "bob"));
    wizard_run(&picture->box, &(struct wizard_options){.args = args, .rows = 26});
    wizard_wait(&picture->box, "[xx] revoked");
    wizard_wait(&picture->box, "[--] foreign");
    wizard_keys(&picture->box, KEYS_UP, SESSIONS_MAX);
    wizard_wait(&picture->box, "Revoked.");
    wizard_wait(&picture->box, "need a look.");
    pty_listen(picture->box.pty, 500); /* the rest of the frame */
    svg_of_screen(picture->box.pty, "pgseal: the live page of SSL sessions", &svg);
    command_write(picture->path, svg.data, 0644);
    strbuf_clear(&svg);
    pty_type(picture->box.pty, "q");
    wizard_expect_exit(&picture->box, 0);
    free(guest);
}

static int setup(void **state)
{
    struct picture *picture = *state;
    void *pg = NULL;

    wizard_box_open(&picture->box);
    if (pg_setup(&pg))
        return -1;
    picture->pg = pg;
    return 0;
}

static int teardown(void **state)
{
    struct picture *picture = *state;
    void *pg = picture->pg;

    for (size_t i = 0; i < picture->n; i++)
        PQfinish(picture->conns[i]);
    (void)pg_teardown(&pg);
    wizard_box_close(&picture->box);
    return 0;
}

int main(int argc, char **argv)
{
    struct picture picture = {0};
    struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(draw, setup, teardown, &picture),
    };

    if (argc != 2 || argv[1][0] != '/' || !getenv("PGSEAL")) {
        (void)fprintf(stderr, "usage: PGSEAL=/path/to/pgseal picture /path/to/sessions.svg\n");
        return 2;
    }
    picture.path = argv[1];
    (void)setenv("LC_ALL", "C.UTF-8", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
