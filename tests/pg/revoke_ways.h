/*
 * revoke_ways.h - the ways by which a list reaches a server, each a test of the program revoke.t.
 */
#ifndef PGSEAL_TESTS_PG_REVOKE_WAYS_H
#define PGSEAL_TESTS_PG_REVOKE_WAYS_H

void test_crl_dir(void **state);
void test_intermediate(void **state);
void test_several_hang(void **state);
void test_beside_an_open_plan(void **state);
void test_another_way_in(void **state);    /* revoke_known.c */
void test_lost_certificate(void **state);  /* revoke_known.c */
void test_pooler(void **state);            /* revoke_pooler.c */
void test_timer_without_key(void **state); /* revoke_timer.c */

#endif
