/* snapshot.c - the sessions of one poll: judged and counted. The export stands in snapshot_export.c. */
#include "config.h"

#include "core/watch/snapshot.h"

#include <string.h>

#include "core/base/text.h"

/* Documented by the providers, or seen there: facts/monitors.md 4.7. */
static const char *const system_roles[] = {
    "rdsadmin",      "rdsrepladmin", "rdsproxyadmin", "aurora",        "replicator",
    "polardb_admin", "alicloud_rds", "aurora_admin",  "ctgadmin",      "ctgagent",
    "ctgbackup",     "ctgmonitor",   "ctgproxy",      "cloudsqladmin", "azuresu",
};

/* A role that a managed service runs by itself: "rdsadmin", "aurora" … */
static bool is_system_role(const char *role)
{
    for (size_t i = 0; i < ARRAY_LEN(system_roles); i++)
        if (text_equal(system_roles[i], role))
            return true;
    return false;
}

static void count_class(const struct session *session, struct snapshot_totals *totals)
{
    switch (session->class) {
    case SESSION_TLS_CERT:
        totals->with_certificate++;
        totals->tls++;
        break;
    case SESSION_TLS:
        totals->tls++;
        break;
    case SESSION_GSS:
        totals->gss++;
        return;
    case SESSION_CLEAR:
        totals->clear++;
        return;
    case SESSION_SOCKET:
        totals->socket++;
        return;
    case SESSION_HIDDEN:
        totals->hidden++;
        return;
    }
    totals->tls13 += strcmp(session->version, "TLSv1.3") == 0;
    totals->tls12 += strcmp(session->version, "TLSv1.2") == 0;
    totals->tls_old += finding_is_old_tls(session->version);
}

static void count_findings(unsigned findings, struct snapshot_totals *totals)
{
    enum finding_weight weight = findings ? finding_weight(findings) : FINDING_WEIGHT_NONE;

    for (size_t i = 0; i < ARRAY_LEN(totals->by_finding) && findings >> i != 0; i++)
        totals->by_finding[i] += findings >> i & 1;
    totals->need_look += weight >= FINDING_WEIGHT_LOOK;
    totals->act += weight >= FINDING_WEIGHT_ACT;
}

size_t snapshot_with(const struct snapshot_totals *totals, enum finding finding)
{
    size_t i = 0;

    while ((unsigned)finding >> i != 1)
        i++;
    return totals->by_finding[i];
}

void snapshot_judge(const struct snapshot *snapshot, unsigned *findings,
                    struct snapshot_totals *totals)
{
    const struct sessions *sessions = snapshot->sessions;

    for (size_t i = 0; i < sessions->n; i++) {
        const struct session *session = &sessions->rows[i];

        findings[i] =
            finding_of(session, session_book_find(snapshot->book, session), snapshot->now);
        if (snapshot->managed && is_system_role(session->role))
            findings[i] |= FINDING_SYSTEM;
    }
    finding_poolers(sessions, findings);
    for (size_t i = 0; i < sessions->n; i++) {
        totals->all++;
        totals->workers += (size_t)sessions->rows[i].workers;
        count_class(&sessions->rows[i], totals);
        count_findings(findings[i], totals);
    }
}
