/* use_match.c - sightings with certificates, and which of them are of the CA that is asked about. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/name.h"
#include "core/rotate/use_part.h"
#include "core/store/issued.h"

char *use_issuer(const struct cert *ca)
{
    struct name *subject = cert_subject(ca);
    struct strbuf clean = STRBUF_INIT;
    char raw[NAME_PG_SIZE];

    name_format_pg(subject, raw);
    name_free(subject);
    text_clean(&clean, raw, strlen(raw), TEXT_ONE_LINE);
    return strbuf_steal(&clean);
}

bool use_sightings(struct store *store, const struct server_list *servers, const char *issuer,
                   int64_t since, struct sighting_list *ret, struct err *err)
{
    struct sighting_filter filter = {
        .since = since, .with_certificate = true, .issuer = issuer, .limit = SIGHTINGS_MAX};
    struct err why = ERR_INIT;
    struct sightings *sightings;
    const char **names;
    bool ok;

    *ret = (struct sighting_list){.n = 0};
    if (servers->n == 0)
        return true; /* to the filter none means all */
    sightings = sightings_open(store_folder(store), false, &why);
    if (!sightings && why.code == ERR_NO_STORE)
        return true;
    if (!sightings) {
        *err = why;
        return false;
    }
    names = mem_array(servers->n, sizeof(*names));
    for (size_t i = 0; i < servers->n; i++)
        names[i] = servers->rows[i]->name;
    filter.servers = names;
    filter.n_servers = servers->n;
    ok = sightings_list(sightings, &filter, ret, err);
    free(names);
    sightings_close(sightings);
    return ok;
}

/* ---- whose ---- */

static int compare_certificates(const void *a, const void *b)
{
    const struct use_certificate *x = *(const struct use_certificate *const *)a;
    const struct use_certificate *y = *(const struct use_certificate *const *)b;
    int order = strcmp(x->serial, y->serial);

    return order != 0 ? order : strcmp(x->issuer, y->issuer);
}

static void sort_certificates(struct use_match *match)
{
    const struct use_of *of = match->of;

    match->sorted = mem_array(of->n_certificates + 1, sizeof(*match->sorted));
    for (size_t i = 0; i < of->n_certificates; i++)
        match->sorted[i] = &of->certificates[i];
    qsort(match->sorted, of->n_certificates, sizeof(*match->sorted), compare_certificates);
}

/* Names are cut at 63 bytes: another one of ours may be called alike. */
static bool find_alike(struct use_match *match, struct err *err)
{
    struct authority_list list = {.n = 0};

    if (!authority_list(match->store, &list, err))
        return false;
    for (size_t i = 0; i < list.n && !match->ask; i++) {
        char *issuer = use_issuer(list.rows[i]->cert);

        match->ask = list.rows[i]->id != match->authority_id && text_equal(issuer, match->issuer);
        free(issuer);
    }
    authority_list_clear(&list);
    return true;
}

bool use_match_init(struct store *store, const struct use_of *of, struct use_match *ret,
                    struct err *err)
{
    *ret = (struct use_match){.store = store, .of = of};
    if (!of->authority && !of->foreign) {
        sort_certificates(ret);
        return true;
    }
    ret->authority_id = of->authority ? of->authority->id : 0;
    ret->issuer = use_issuer(of->authority ? of->authority->cert : of->foreign);
    if (find_alike(ret, err))
        return true;
    use_match_clear(ret);
    return false;
}

void use_match_clear(struct use_match *match)
{
    free(match->issuer);
    free(match->sorted);
    *match = (struct use_match){.ask = false};
}

/* It counts unless it is known to be of the other one. */
static bool ask_serial(const struct use_match *match, const struct sighting *seen, bool *ret,
                       struct err *err)
{
    char decimal[SERIAL_DECIMAL_MAX];
    struct err ignored = ERR_INIT;
    struct issued *issued = NULL;
    struct serial serial;

    *ret = true;
    if (!serial_parse_hex(&serial, seen->key.serial, &ignored))
        return true;
    if (!issued_find_session(match->store, seen->key.issuer,
                             serial_format_decimal(decimal, &serial), &issued, err))
        return false;
    *ret = !issued || issued->authority_id == match->authority_id;
    issued_free(issued);
    return true;
}

bool use_matches(const struct use_match *match, const struct sighting *seen, bool *ret,
                 struct err *err)
{
    const struct use_certificate wanted = {seen->key.issuer, seen->key.serial};
    const struct use_certificate *at = &wanted;

    if (!match->issuer) {
        *ret = match->of->n_certificates > 0 &&
               bsearch(&at, match->sorted, match->of->n_certificates, sizeof(*match->sorted),
                       compare_certificates) != NULL;
        return true;
    }
    *ret = text_equal(seen->key.issuer, match->issuer);
    return !*ret || !match->ask || ask_serial(match, seen, ret, err);
}
