/* parents.c - those above an intermediate that a server trusts no more: which of them go with it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/bundle.h"
#include "core/store/foreign.h"
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

/* As the sightings call a CA. */
static char *name_of(const struct cert *ca)
{
    struct name *subject = cert_subject(ca);
    struct strbuf clean = STRBUF_INIT;
    char text[NAME_PG_SIZE];

    name_format_pg(subject, text);
    name_free(subject);
    text_clean(&clean, text, strlen(text), TEXT_ONE_LINE);
    return strbuf_steal(&clean);
}

static bool is_called(const struct cert *ca, const char *issuer)
{
    char *name = name_of(ca);
    bool is = text_equal(name, issuer);

    free(name);
    return is;
}

/* Who came to this server with a certificate, as far back as is remembered. */
static bool read_seen(const struct plan *plan, struct sighting_list *ret, struct err *err)
{
    const char *server = plan->target.server->name;
    const struct sighting_filter filter = {
        .servers = &server, .n_servers = 1, .with_certificate = true, .limit = SIGHTINGS_MAX};
    struct err why = ERR_INIT;
    struct sightings *sightings = sightings_open(store_folder(plan->target.store), false, &why);
    bool good;

    if (!sightings && why.code == ERR_NO_STORE)
        return true; /* nothing was recorded yet */
    good = sightings && sightings_list(sightings, &filter, ret, &why);
    if (!good)
        *err = why;
    sightings_close(sightings);
    return good;
}

/* A CA of ours, one that stands in the file, or a root that stands for itself. */
static bool is_known(const struct sighting *seen, const struct bundle *present,
                     const struct foreign_ca_list *foreign)
{
    bool known = seen->authority[0] != '\0';

    for (size_t i = 0; i < present->cas.n && !known; i++)
        known = is_called(present->cas.certs[i], seen->key.issuer);
    for (size_t i = 0; i < foreign->n && !known; i++)
        known = cert_is_self_signed(foreign->rows[i].cert) &&
                is_called(foreign->rows[i].cert, seen->key.issuer);
    return known;
}

/* They came by a chain that they sent: a root here is theirs. */
static bool has_strangers(const struct plan *plan, const struct bundle *present,
                          const struct sighting_list *seen, bool *ret, struct err *err)
{
    struct foreign_ca_list foreign = {.n = 0};

    *ret = has_strangers_list(present);
    if (!foreign_list(plan->target.store, &foreign, err))
        return false;
    for (size_t i = 0; i < seen->n && !*ret; i++)
        *ret = !is_known(&seen->rows[i], present, &foreign);
    foreign_list_clear(&foreign);
    return true;
}

static bool has_clients(const struct cert *ca, const struct sighting_list *seen)
{
    for (size_t i = 0; i < seen->n; i++) {
        if (is_called(ca, seen->rows[i].key.issuer))
            return true;
    }
    return false;
}

static bool may_go(const struct plan *plan, const struct cert *ca, const struct bundle *wanted,
                   const struct sighting_list *seen, bool *ret, struct err *err)
{
    struct authority *ours = NULL;

    *ret = false;
    if (issues_any(ca, &wanted->cas) || has_clients(ca, seen))
        return true;
    if (!authority_find(plan->target.store, ca, &ours, err))
        return false;
    *ret = ours == NULL;
    authority_free(ours);
    return true;
}

static void move_cert(struct cert_list *from, size_t i, struct cert_list *to)
{
    cert_list_take(to, from->certs[i]);
    from->n--;
    memmove(&from->certs[i], &from->certs[i + 1], (from->n - i) * sizeof(from->certs[0]));
}

bool bundle_take_parents(const struct plan *plan, const struct bundle *present,
                         struct bundle *wanted, struct cert_list *removed, struct err *err)
{
    struct sighting_list seen = {.n = 0};
    bool strangers = false;
    bool good = read_seen(plan, &seen, err) && has_strangers(plan, present, &seen, &strangers, err);

    for (size_t i = 0; good && !strangers && i < wanted->cas.n;) {
        bool goes = false;

        if (issues_any(wanted->cas.certs[i], removed))
            good = may_go(plan, wanted->cas.certs[i], wanted, &seen, &goes, err);
        if (goes)
            move_cert(&wanted->cas, i, removed);
        i = goes ? 0 : i + 1; /* one above it may go now, too */
    }
    sighting_list_clear(&seen);
    return good;
}
