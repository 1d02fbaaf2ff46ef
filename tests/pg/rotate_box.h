/*
 * rotate_box.h - two servers for rotations of a client CA, and short words for what is done to them.
 *
 * Shapes   db1 and db2 trust the CA "Old"; clients are alice and bob, with a folder FOLDER/ROLE.crt each.
 * Errors   a step that fails ends the test with its message.
 */
#ifndef PGSEAL_TESTS_ROTATE_BOX_H
#define PGSEAL_TESTS_ROTATE_BOX_H

#include <libpq-fe.h>

#include "core/demo/demo.h"
#include "core/rotate/rotate.h"
#include "tests/harness/command.h"

#define N_SERVERS 2

struct rot_lab {
    char *folder;
    struct demo *demos[N_SERVERS];
};

extern const char *const rot_servers[N_SERVERS];

typedef bool (*rot_move)(struct store *, struct rotation *, const struct rotate_request *,
                         struct rotate_outcome *, struct err *);

void rot_must(bool good, const struct err *err);
int rot_setup(void **state);
int rot_teardown(void **state);
PGconn *rot_log_in(const struct rot_lab *lab, size_t i, const char *role, const char *folder);
bool rot_gets_in(const struct rot_lab *lab, size_t i, const char *role, const char *folder);
void rot_expect_all(const struct rot_lab *lab, const char *role, const char *folder, bool in);
struct store *rot_open_store(void);
bool rot_go(rot_move move, const struct rotate_request *given, int at, struct err *err);
void rot_go_killed(const struct rot_lab *lab, rot_move move, const struct rotate_request *request,
                   const char *folder);
void rot_next(const struct rotate_request *request);
void rot_next_fails(const struct rotate_request *request, enum err_code code);
void rot_back(void);
void rot_set_quiet_time(int64_t seconds);
void rot_expect_phase(const char *key);
bool rot_server_is(const char *server, const char *what);
void rot_expect_trust(bool old, bool fresh);
json_t *rot_look_ahead(void);
void rot_expect_ahead(size_t steps_at, size_t refused, const char *role);
bool rot_is_left(const char *server, const char *role);
char *rot_ask(const struct rot_lab *lab, size_t i, const char *sql);
void rot_trust_by_hand(const struct rot_lab *lab, size_t i, const char *const *cas, size_t n);
void rot_wait_for(const struct rot_lab *lab, size_t i, const char *folder, bool in);
void rot_expect_lists(const struct rot_lab *lab, size_t i, const char *n);
void rot_expect_notices(size_t n, const char *says);
void rot_stop_server(const struct rot_lab *lab, size_t i);
void rot_start_server(const struct rot_lab *lab, size_t i);
void rot_be_seen(const struct rot_lab *lab, const char *role, const char *folder);
void rot_next_when_quiet(void);
void rot_go_when_quiet(const struct rotate_request *request);

/* ---- tests of rotate_ways.c, after those of rotate_ca.c ---- */

void test_foreign(void **state);
void test_foreign_new(void **state);
void test_emergency(void **state);
void test_intermediate(void **state);
void test_crl_dir(void **state);

#endif
