/* fsck_list.c - lists against revocations: the one that counts now, and those signed for later. */
#include "config.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/store/fsck_part.h"
#include "core/store/revoked.h"
#include "core/store/sql.h"

struct wanted {
    struct crl_entry *entries;
    size_t n;
};

static bool lacks_one(const struct crl *crl, const struct wanted *wanted)
{
    for (size_t i = 0; i < wanted->n; i++)
        if (!crl_has(crl, &wanted->entries[i].serial))
            return true;
    return false;
}

/* What is wrong with the list that counts now; NULL: nothing. */
static const char *present_problem(struct fsck *fsck, const struct authority *authority,
                                   const struct wanted *wanted, bool *ret_is_over)
{
    struct err unreadable = ERR_INIT;
    struct crl *crl = authority_crl(fsck->store, authority, &unreadable);
    const char *problem = NULL;

    if (crl == NULL)
        problem = _("its last list of revoked certificates cannot be read");
    else if (!crl_signed_by(crl, authority->cert))
        problem = _("its last list of revoked certificates is not signed by it");
    else if (lacks_one(crl, wanted))
        problem = _("its last list of revoked certificates lacks a revocation");
    else if ((*ret_is_over = crl_next_update(crl) <= clock_now()))
        problem = _("its last list of revoked certificates has ended");
    crl_free(crl);
    return problem;
}

static const char *later_problem(const struct sql *sql, const struct authority *authority,
                                 const struct wanted *wanted)
{
    struct err unreadable = ERR_INIT;
    size_t len = 0;
    const void *der = sql_blob(sql, 0, &len);
    struct crl *crl = crl_from_der(der, len, &unreadable);
    const char *problem = NULL;

    if (crl == NULL)
        problem = _("a list that is signed for later cannot be read");
    else if (!crl_signed_by(crl, authority->cert))
        problem = _("a list that is signed for later is not signed by it");
    else if (lacks_one(crl, wanted))
        problem = _("a list that is signed for later lacks a revocation");
    crl_free(crl);
    return problem;
}

/* As crl_ahead_list(): what was replaced is never published any more. */
static bool find_later_problem(struct fsck *fsck, const struct authority *authority,
                               const struct wanted *wanted, const char **ret, struct err *err)
{
    struct sql *sql =
        sql_new(fsck->store,
                "SELECT der FROM crl WHERE authority_id = ?1 AND due_at > ?2 AND der IS NOT NULL"
                " AND number > coalesce((SELECT max(number) FROM crl WHERE authority_id = ?1"
                " AND due_at <= ?2), 0) ORDER BY number",
                err);
    bool row = false;
    bool ok = sql != NULL;

    if (ok) {
        sql_bind_int(sql, 1, authority->id);
        sql_bind_int(sql, 2, clock_now());
    }
    while (ok && *ret == NULL && (ok = sql_step(sql, &row, err)) && row)
        *ret = later_problem(sql, authority, wanted);
    sql_free(sql);
    return ok;
}

/* The present list and the set for later. Without the passphrase they stay as they are: the finding
 * itself says that. */
static bool sign_again(struct fsck *fsck, struct authority *authority, struct fsck_finding *finding,
                       struct err *err)
{
    struct err locked = ERR_INIT;
    struct key *key;
    struct crl *crl;

    if (!fsck->options->repair || fsck->options->unlock == NULL || !authority->has_key)
        return true;
    key = fsck->options->unlock(fsck->options->arg, fsck->store, authority, &locked);
    if (key == NULL)
        return true;
    crl = authority_sign_crl(fsck->store, authority, key, 0, err);
    finding->repaired = crl != NULL;
    crl_free(crl);
    key_free(key);
    return finding->repaired;
}

bool fsck_check_list(struct fsck *fsck, struct authority *authority, struct err *err)
{
    struct wanted wanted = {NULL, 0};
    struct fsck_finding *finding;
    const char *problem;
    bool is_over = false;
    bool ok;

    if (authority->retired)
        return true;
    /* The revocations before the lists: one that comes in between is on them already. */
    if (!revoked_entries(fsck->store, authority->id, &wanted.entries, &wanted.n, err))
        return false;
    problem = present_problem(fsck, authority, &wanted, &is_over);
    ok = problem != NULL || find_later_problem(fsck, authority, &wanted, &problem, err);
    if (ok && problem != NULL) {
        finding = fsck_say(fsck, FSCK_ERROR, authority->name, "%s", problem);
        finding->repairable = authority->has_key;
        finding->has_code = is_over;
        fsck_help(finding, _("\"pgseal fsck --repair\" signs the next one with the CA's key, "
                             "\"pgseal crl refresh\" brings it to the servers."));
        ok = sign_again(fsck, authority, finding, err);
    }
    free(wanted.entries);
    return ok;
}
