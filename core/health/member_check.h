/*
 * member_check.h - are the members of a cluster alike: what a failover would find.
 *
 * Source   PostgreSQL 27.2: files, pg_hba.conf, pg_ident.conf and settings do not replicate.
 * Shape    member_look() for each member that answers, members_compare() over all of them: each is
 *          compared with the primary (none: with the first one). CAs and CRLs are those in the files,
 *          rules and maps what pg_hba.conf and pg_ident.conf hold now.
 * Rights   what the role may not see is not compared (server_check() names it).
 * Cost     five statements a member.
 * Errors   ERR_CONNECTION_LOST and the like.
 */
#ifndef PGSEAL_HEALTH_MEMBER_CHECK_H
#define PGSEAL_HEALTH_MEMBER_CHECK_H

#include "core/health/finding.h"
#include "core/pg/conn.h"
#include "core/store/server.h"

struct member_look;

struct member_look *member_look(const struct server *server, struct conn *admin,
                                struct err *err) MUST_CHECK;
void member_look_free(struct member_look *look); /* NULL is fine */
/* Adds ERR_MEMBERS_DIFFER findings, and ERR_MEMBER_MISSED for what the store knows that a member has
 * not got: of one that did not answer (looks[i] NULL), and of one that differs. store may be NULL. */
bool members_compare(struct store *store, const struct server_list *members,
                     struct member_look *const *looks, struct findings *findings,
                     struct err *err) MUST_CHECK;

#endif
