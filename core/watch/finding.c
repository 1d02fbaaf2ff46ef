/* finding.c - what is to be said about a session. */
#include "config.h"

#include "core/watch/finding.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define POOLER_SESSIONS 3 /* from one address, of more than one role */

static const struct finding_info table[] = {
    {FINDING_NO_TLS, "no-tls", FINDING_WEIGHT_LOOK, 80, N_("no TLS"),
     N_("Everything it sends can be read on the way, passwords too."),
     N_("Let its role in over TLS only: \"pgseal server require\"; the client needs "
        "sslmode=require "
        "or better.")},
    {FINDING_OLD_TLS, "old-tls", FINDING_WEIGHT_LOOK, 78, N_("old TLS"),
     N_("TLS 1.0 and 1.1 are broken."),
     N_("Update the client's TLS library, then set ssl_min_protocol_version = 'TLSv1.2'.")},
    {FINDING_NO_CERTIFICATE, "no-client-cert", FINDING_WEIGHT_NOTE, 20, N_("no cert"),
     N_("Encrypted, but it logged in without a certificate."),
     N_("\"pgseal issue client ROLE\" makes one; \"pgseal server require\" asks for it.")},
    {FINDING_REVOKED, "revoked", FINDING_WEIGHT_ACT, 100, N_("revoked"),
     N_("Revoked. This session is older, so it stays until it ends: d ends it."),
     N_("\"pgseal server crl\" publishes the list that keeps new ones out.")},
    {FINDING_SOON, "expiring", FINDING_WEIGHT_LOOK, 50, N_("soon"),
     N_("Its certificate ends soon."),
     N_("Issue a new one (\"pgseal issue client ROLE\"); both work side by side.")},
    {FINDING_ENDED, "expired", FINDING_WEIGHT_ACT, 95, N_("ended"),
     N_("Its certificate has ended. This session is older, so it stays; it will not come back."),
     N_("Issue a new one now: \"pgseal issue client ROLE\".")},
    {FINDING_OLD_CA, "old-ca", FINDING_WEIGHT_LOOK, 60, N_("old CA"),
     N_("Its certificate is from an old CA: one that is retired, or has a newer generation."),
     N_("Issue one from the newer CA; when nobody is left, the old one can go.")},
    {FINDING_UNKNOWN_CA, "unknown-ca", FINDING_WEIGHT_NOTE, 30, N_("foreign"),
     N_("Its certificate is from a CA that is not of this store."),
     N_("Nothing is known of it here but what the server says: ask who runs that CA.")},
    {FINDING_WEAK_CIPHER, "weak-cipher", FINDING_WEIGHT_LOOK, 76, N_("weak"),
     N_("The cipher is weak: short keys, a broken algorithm, or no forward secrecy."),
     N_("Update the client, and set ssl_ciphers to the server's default.")},
    {FINDING_NOT_ISSUED, "not-issued", FINDING_WEIGHT_ACT, 98, N_("not ours"),
     N_("Its certificate bears the name of a CA of yours, but this store never issued it: another "
        "store has the same CA, another CA the same name, or the CA's key is in other hands."),
     N_("Find out who made it; if nobody knows, replace the CA.")},
    {FINDING_OTHER_ROLE, "other-role", FINDING_WEIGHT_LOOK, 70, N_("other role"),
     N_("Its certificate was issued for another role: a map in pg_ident.conf or a rule with "
        "clientcert=verify-ca lets it in."),
     N_("Issue one for this role, and ask for clientcert=verify-full or the method cert.")},
    {FINDING_SUPERSEDED, "superseded", FINDING_WEIGHT_NOTE, 25, N_("replaced"),
     N_("A newer certificate was issued for this role; this client still uses the old one."),
     N_("When the new one is in use everywhere, revoke the old one: \"pgseal revoke SERIAL\".")},
    {FINDING_BEFORE_RELOAD, "before-reload", FINDING_WEIGHT_NOTE, 10, N_("older"),
     N_("It connected before the last reload: rules, CAs and revocations since then do not reach "
        "it."),
     ""},
    {FINDING_POOLER, "pooler", FINDING_WEIGHT_NOTE, 15, N_("pooler?"),
     N_("Probably a pooler or a tunnel: whether its own clients use TLS is not visible here."),
     N_("Look at the pooler: in PgBouncer's console, SHOW CLIENTS has a column tls.")},
    {FINDING_SYSTEM, "system", FINDING_WEIGHT_NOTE, 5, N_("system"),
     N_("A role of the provider's own, which runs the service. It is not yours to change."), ""},
};

const struct finding_info *finding_table(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(table);
    return table;
}

bool finding_is_old_tls(const char *version)
{
    return text_equal(version, "TLSv1") || text_equal(version, "TLSv1.1") ||
           text_starts_with(version, "SSL");
}

bool finding_is_weak_cipher(const char *version, const char *cipher, int bits)
{
    static const char *const broken[] = {"NULL", "RC4", "DES", "EXP", "MD5", "ADH", "AECDH", "RC2"};

    if (cipher[0] == '\0')
        return false;
    if (text_equal(version, "TLSv1.3") && bits >= 128)
        return false; /* it has no weak one */
    if (bits > 0 && bits < 128)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        if (strstr(cipher, broken[i]))
            return true;
    /* In TLS 1.3 every key exchange is fresh; before, the name tells. */
    return !text_equal(version, "TLSv1.3") && !text_starts_with(cipher, "ECDHE") &&
           !text_starts_with(cipher, "DHE") && !text_starts_with(cipher, "TLS_");
}

static unsigned of_certificate(const struct session *session,
                               const struct session_certificate *certificate, int64_t now)
{
    unsigned found = 0;

    if (!certificate->known)
        return certificate->our_issuer ? FINDING_NOT_ISSUED : FINDING_UNKNOWN_CA;
    if (certificate->revoked_at != 0)
        found |= FINDING_REVOKED;
    if (certificate->not_after <= now)
        found |= FINDING_ENDED;
    else if (certificate->not_after - now < FINDING_SOON_DAYS * CLOCK_DAY)
        found |= FINDING_SOON;
    if (certificate->ca_retired || certificate->newer_ca)
        found |= FINDING_OLD_CA;
    if (certificate->superseded)
        found |= FINDING_SUPERSEDED;
    if (certificate->kind != ISSUED_CLIENT || strcmp(certificate->role, session->role) != 0)
        found |= FINDING_OTHER_ROLE;
    return found;
}

unsigned finding_of(const struct session *session, const struct session_certificate *certificate,
                    int64_t now)
{
    unsigned found = 0;

    switch (session->class) {
    case SESSION_SOCKET:
    case SESSION_HIDDEN:
        return 0;
    case SESSION_GSS:
        break;
    case SESSION_CLEAR:
        found |= FINDING_NO_TLS;
        break;
    case SESSION_TLS:
        found |= FINDING_NO_CERTIFICATE;
        break;
    case SESSION_TLS_CERT:
        if (certificate)
            found |= of_certificate(session, certificate, now);
        break;
    }
    if (finding_is_old_tls(session->version))
        found |= FINDING_OLD_TLS;
    else if (finding_is_weak_cipher(session->version, session->cipher, session->bits))
        found |= FINDING_WEAK_CIPHER;
    if (session->before_reload)
        found |= FINDING_BEFORE_RELOAD;
    return found;
}

/* ---- poolers ---- */

/* "web - 10.0.0.5:51234", as PgBouncer's application_name_add_host makes it. */
static bool names_a_client(const char *application)
{
    const char *dash = strstr(application, " - ");
    const char *colon = dash ? strrchr(dash, ':') : NULL;

    return colon && colon[1] != '\0' && colon[1 + strspn(colon + 1, "0123456789")] == '\0' &&
           strspn(dash + 3, "0123456789abcdefABCDEF.:[]") == strlen(dash + 3);
}

struct place { /* a row, to be put in order of addresses */
    const struct session *session;
    size_t row;
};

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;

    return strcmp(x->session->address, y->session->address);
}

/* Of sessions from one address: more than one role, and none with a certificate of its own. */
static bool is_shared(const struct place *places, size_t n)
{
    bool roles_differ = false;

    if (n < POOLER_SESSIONS)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct session *one = places[i].session;
        const struct session *first = places[0].session;

        roles_differ |= strcmp(one->role, first->role) != 0;
        if (strcmp(one->client_serial, first->client_serial) != 0)
            return false;
    }
    return roles_differ;
}

void finding_poolers(const struct sessions *sessions, unsigned *findings)
{
    struct place *places = mem_array(sessions->n + 1, sizeof(*places));
    size_t n = 0;

    for (size_t i = 0; i < sessions->n; i++) {
        const struct session *session = &sessions->rows[i];

        if (session->class == SESSION_SOCKET || session->class == SESSION_HIDDEN || session->own)
            continue;
        if (names_a_client(session->application))
            findings[i] |= FINDING_POOLER;
        if (strcmp(session->backend_type, "client backend") == 0)
            places[n++] = (struct place){session, i};
    }
    qsort(places, n, sizeof(*places), compare_places);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && compare_places(&places[from], &places[to]) == 0; to++)
            ;
        if (is_shared(places + from, to - from))
            for (size_t i = from; i < to; i++)
                findings[places[i].row] |= FINDING_POOLER;
    }
    free(places);
}

/* ---- sets ---- */

const struct finding_info *finding_worst(unsigned findings)
{
    const struct finding_info *worst = NULL;

    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if ((findings & (unsigned)table[i].finding) && (!worst || table[i].rank > worst->rank))
            worst = &table[i];
    return worst;
}

enum finding_weight finding_weight(unsigned findings)
{
    enum finding_weight weight = FINDING_WEIGHT_NONE;

    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if ((findings & (unsigned)table[i].finding) && table[i].weight > weight)
            weight = table[i].weight;
    return weight;
}

unsigned finding_by_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (text_equal(table[i].name, name))
            return (unsigned)table[i].finding;
    return 0;
}

void finding_names(unsigned findings, const char *separator, struct strbuf *out)
{
    bool first = true;

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (!(findings & (unsigned)table[i].finding))
            continue;
        strbuf_printf(out, "%s%s", first ? "" : separator, table[i].name);
        first = false;
    }
}
