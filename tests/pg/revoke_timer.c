/* revoke_timer.c - a server that was away, caught up by the timer's own command line: in systemd's
 * environment, with no key on the machine. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/pg/revoke_box.h"
#include "tests/pg/revoke_ways.h"

/* What the unit runs, with the program under test in it; caller frees. */
static char *line_of(const char *unit)
{
    static const char begin[] = "\nExecStart=@bindir@/pgseal ";
    char *path = mem_printf("%s/systemd/%s", getenv("top_srcdir"), unit);
    char *text = command_read(path);
    char *at = strstr(text, begin);
    char *line;

    if (!at)
        fail_msg("no ExecStart in %s", path);
    at += sizeof(begin) - 1;
    line = mem_printf(
        "exec env -i HOME=\"$PWD/home\" PATH=/usr/bin:/bin LANG=C.UTF-8 \"$PGSEAL\" %.*s",
        (int)strcspn(at, "\n"), at);
    free(text);
    free(path);
    return line;
}

static int run_unit(const char *unit, const char *wanted)
{
    struct command_result result;
    char *line = line_of(unit);
    int status;

    command_run(&result, &(struct command_options){.program = "sh"}, "-c", line, NULL);
    status = result.status;
    if (wanted && !strstr(result.out, wanted))
        fail_msg("%s: %s%s", line, result.out, result.err);
    command_clear(&result);
    free(line);
    return status;
}

/* Those of the CAs; what the canaries prove with stays. */
static void hide_keys(bool hide)
{
    struct command_result result;

    command_run(&result, &(struct command_options){.program = "sh"}, "-c",
                hide ? "mkdir away && cd store/keys && for k in *.key; do case $k in"
                       " *.good.key|*.revoked.key) ;; *) mv $k ../../away ;; esac; done &&"
                       " test $(ls ../../away | wc -l) -ge 3"
                     : "mv away/* store/keys && rmdir away",
                NULL);
    if (result.status != 0)
        fail_msg("%s%s", result.out, result.err);
    command_clear(&result);
}

void test_timer_without_key(void **state)
{
    static const char refresh[] = "pgseal-crl-refresh.service.in";
    const struct lab *lab = *state;
    struct command_result result;

    command_run(&result, &(struct command_options){.program = "sh"}, "-c",
                "mkdir -p home/.local/share && ln -s \"$PWD/store\" home/.local/share/pgseal",
                NULL);
    assert_int_equal(result.status, 0);
    command_clear(&result);
    command_write("word", "correct horse battery staple\n", 0600);
    free(EXPECT(0, "ca", "passphrase", "lab", "--new-passphrase-file", "word"));
    free(EXPECT(0, "crl", "presign", "--ca", "lab", "--months", "3", "--yes", "--passphrase-file",
                "word"));
    assert_int_equal(run_unit(refresh, "[ok] db1: "), 0);

    lab_issue_with("alice", "lab", "t1", "word");
    lab_issue_with("bob", "lab", "t2", "word");
    lab_set_away(lab->two, true);
    command_run(&result, NULL, "revoke", "alice", "--all", "--passphrase-file", "word",
                "--confirm=alice", NULL);
    assert_int_equal(result.status, 5);
    /* result per server, and what the wire said at the one that is there */
    assert_non_null(strstr(result.out, "[ok] db1: has the current list, proven on the wire"));
    assert_non_null(strstr(result.out, "[!!] db2: not reached"));
    assert_non_null(strstr(result.err, "canary \"good\" of CA \"lab\": accepted"));
    assert_non_null(strstr(result.err, "canary \"revoked\" of CA \"lab\": alert 44"));
    assert_non_null(strstr(result.err, "certificate of \"alice\": alert 44"));
    command_clear(&result);
    lab_refused(lab->one, "alice", "t1");

    /* hour after hour; the set was signed again with the revocation, so no key is needed */
    hide_keys(true);
    assert_int_equal(run_unit(refresh, "[!!] db2: not reached"), 5);
    assert_int_equal(run_unit("pgseal-check.service.in", "db2"), 6);
    lab_set_away(lab->two, false);
    conn_close(lab_must_log_in(lab->two, "alice", "t1"));
    assert_int_equal(run_unit(refresh, "[ok] db2: has the current list, proven on the wire"), 0);
    lab_refused(lab->two, "alice", "t1");
    conn_close(lab_must_log_in(lab->two, "bob", "t2"));
    assert_int_equal(run_unit(refresh, "nothing to do: 2 servers"), 0);
    hide_keys(false);
    assert_int_equal(lab_count_behind(), 0);
}
