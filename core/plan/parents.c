/* parents.c - those above an intermediate that a server trusts no more: which of them go with it. */
#include "config.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/bundle.h"
#include "core/store/sighting.h"

static bool issues_any(const struct cert *ca, const struct cert_list *certs)
{
    for (size_t i = 0; i < certs->n; i++) {
        if (!cert_equal(certs->certs[i], ca) && cert_issued_by(certs->certs[i], ca))
            return true;
    }
    return false;
}

/* A list whose CA is not in the file: its clients send the CA themselves, and a root here is theirs. */
static bool has_strangers_list(const struct bundle *present)
{
    for (size_t i = 0; i < present->n_crls; i++) {
        bool known = false;

        for (size_t k = 0; k < present->cas.n && !known; k++)
            known = crl_signed_by(present->crls[i], present->cas.certs[k]);
        if (!known)
            return true;
    }
    return false;
}

/* Somebody came with a certificate of it, as far as the sightings reach back. */
static bool has_clients(const struct plan *plan, const struct cert *ca, bool *ret, struct err *err)
{
    struct name *subject = cert_subject(ca);
    struct strbuf issuer = STRBUF_INIT;
    struct sighting_list list = {.n = 0};
    struct err why = ERR_INIT;
    struct sightings *sightings = sightings_open(store_folder(plan->target.store), false, &why);
    char text[NAME_PG_SIZE];
    bool good;

    name_format_pg(subject, text);
    name_free(subject);
    if (!sightings && why.code == ERR_NO_STORE)
        return true; /* nothing was recorded yet */
    text_clean(&issuer, text, strlen(text), TEXT_ONE_LINE);
    good =
        sightings && sightings_list(sightings,
                                    &(struct sighting_filter){
                                        .servers = (const char *const[]){plan->target.server->name},
                                        .n_servers = 1,
                                        .issuer = issuer.data,
                                        .limit = 1},
                                    &list, &why);
    *ret = list.n > 0;
    if (!good)
        *err = why;
    sighting_list_clear(&list);
    sightings_close(sightings);
    strbuf_clear(&issuer);
    return good;
}

static bool may_go(const struct plan *plan, const struct cert *ca, const struct bundle *wanted,
                   bool *ret, struct err *err)
{
    struct authority *ours = NULL;
    bool used = false;

    *ret = false;
    if (issues_any(ca, &wanted->cas))
        return true;
    if (!authority_find(plan->target.store, ca, &ours, err))
        return false;
    if (ours) {
        authority_free(ours);
        return true;
    }
    if (!has_clients(plan, ca, &used, err))
        return false;
    *ret = !used;
    return true;
}

bool bundle_take_parents(const struct plan *plan, const struct bundle *present,
                         struct bundle *wanted, struct cert_list *removed, struct err *err)
{
    if (has_strangers_list(present))
        return true;
    for (size_t i = 0; i < wanted->cas.n;) {
        struct cert *ca = wanted->cas.certs[i];
        bool goes = false;

        if (issues_any(ca, removed) && !may_go(plan, ca, wanted, &goes, err))
            return false;
        if (!goes) {
            i++;
            continue;
        }
        cert_list_take(removed, ca);
        wanted->cas.n--;
        memmove(&wanted->cas.certs[i], &wanted->cas.certs[i + 1],
                (wanted->cas.n - i) * sizeof(wanted->cas.certs[0]));
        i = 0;
    }
    return true;
}
