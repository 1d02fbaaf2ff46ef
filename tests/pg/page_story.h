/*
 * page_story.h - a page over a real server that trusts our CA: TLS is on, alice and bob have certificates.
 *
 * Server   "db1" of the box's store, a private PostgreSQL of the test.
 * Kits     of alice and bob, in folders of these names in the box's folder.
 * Use      begin and end as a test's setup and teardown; the real time counts.
 */
#ifndef PGSEAL_TESTS_PG_PAGE_STORY_H
#define PGSEAL_TESTS_PG_PAGE_STORY_H

#include "core/demo/demo.h"
#include "core/pg/conn.h"
#include "tests/harness/page_box.h"

struct page_story {
    struct page_box box;
    struct demo *demo;
    struct authority *ca; /* of the clients, "Lab Root" */
    struct key *key;
    struct authority *servers_ca; /* "Servers"; NULL: the server's certificate is of ca, too */
    struct key *servers_key;
};

int page_story_begin(void **state);
int page_story_begin_two(void **state); /* the server's certificate is of a CA of its own */
int page_story_end(void **state);
/* A session of this role, with its certificate and password; for the caller to conn_close(). */
struct conn *page_story_session(struct page_story *story, const char *role);

#endif
