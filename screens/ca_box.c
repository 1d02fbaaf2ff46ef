/* ca_box.c - what somebody pasted as CAs for a server. */
#include "config.h"

#include "screens/ca_box.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"

#define SOON_DAYS 90

static void free_crls(struct ca_box *box)
{
    for (size_t i = 0; i < box->n_crls; i++)
        crl_free(box->crls[i]);
    free(box->crls);
    box->crls = NULL;
    box->n_crls = 0;
}

void ca_box_clear(struct ca_box *box)
{
    cert_list_clear(&box->cas);
    free_crls(box);
    if (box->note.data != NULL)
        strbuf_clear(&box->note);
    *box = (struct ca_box){.mark = MARK_TODO, .note = STRBUF_INIT};
}

/* ---- refusing ---- */

static void refuse(struct ca_box *box, const struct err *err)
{
    const char *cause = err->cause[0] != '\0' ? err->cause : "";
    const char *hint = err_hint_text(err);

    cert_list_clear(&box->cas);
    free_crls(box);
    box->mark = MARK_BAD;
    strbuf_reset(&box->note);
    strbuf_printf(&box->note, "%s.", err->msg);
    if (cause[0] != '\0')
        strbuf_printf(&box->note, " %s", cause);
    if (hint[0] != '\0')
        strbuf_printf(&box->note, " %s", hint);
}

static void refuse_key(struct ca_box *box)
{
    cert_list_clear(&box->cas);
    free_crls(box);
    box->wipe = true;
    box->mark = MARK_BAD;
    strbuf_reset(&box->note);
    strbuf_add_str(&box->note,
                   _("This is a private key. It was thrown away and not stored. Treat that key as "
                     "known to others: its owner makes a new one. Paste only the certificate."));
}

/* A certificate that is no CA: the one that signed it is what is wanted, and it has a name. */
static void refuse_leaf(struct ca_box *box, const struct pem *pem, const struct err *err)
{
    struct cert_list certs;
    struct err ignored = ERR_INIT;

    refuse(box, err);
    cert_list_init(&certs);
    if (!pem_take_certs(pem, &certs, &ignored))
        return;
    for (size_t i = 0; i < certs.n; i++) {
        struct strbuf issuer = STRBUF_INIT;

        if (!cert_is_ca(certs.certs[i])) {
            cert_format_issuer(certs.certs[i], &issuer);
            strbuf_reset(&box->note);
            strbuf_printf(&box->note, "%s. %s%s%s \"%s\".", err->msg, err->cause,
                          err->cause[0] != '\0' ? " " : "", _("Paste the CA that signed it:"),
                          issuer.data);
            strbuf_clear(&issuer);
            break;
        }
        strbuf_clear(&issuer);
    }
    cert_list_clear(&certs);
}

/* ---- taking ---- */

/* Both kinds are welcome in one text; each is taken by its own rules. The blocks stay pem's. */
static void part(const struct pem *pem, bool crls, struct pem *ret)
{
    *ret = *pem;
    ret->blocks = mem_array(pem->n + 1, sizeof(*ret->blocks));
    ret->n = 0;
    for (size_t i = 0; i < pem->n; i++) {
        if ((pem->blocks[i].kind == PEM_CRL) == crls)
            ret->blocks[ret->n++] = pem->blocks[i];
    }
}

static bool check_crls(const struct ca_box *box, int64_t now, struct err *err)
{
    for (size_t i = 0; i < box->n_crls; i++) {
        int64_t until = crl_next_update(box->crls[i]);
        struct strbuf issuer = STRBUF_INIT;
        char date[CLOCK_TEXT_MAX];

        if (until == 0 || until > now)
            continue;
        crl_format_issuer(box->crls[i], &issuer);
        err_set(err, ERR_CRL_ENDED, _("the CRL of \"%.120s\" ended on %s"), issuer.data,
                clock_format_date(date, until));
        err_cause(err, _("With it the server would refuse every client of this CA."));
        strbuf_clear(&issuer);
        return err_hint(err, _("Ask its owner for the current one."));
    }
    return true;
}

static void warn(struct ca_box *box, const char *text)
{
    box->mark = MARK_WARN;
    if (box->note.len > 0)
        strbuf_add_char(&box->note, ' ');
    strbuf_add_str(&box->note, text);
}

static bool signed_here(const struct ca_box *box, const struct crl *crl)
{
    for (size_t i = 0; i < box->cas.n; i++) {
        if (crl_signed_by(crl, box->cas.certs[i]))
            return true;
    }
    return false;
}

/* What is let through, but wants to be looked at. */
static void look_twice(struct ca_box *box, int64_t now, const struct cert_list *chain)
{
    char text[200];

    for (size_t i = 0; i < box->cas.n; i++) {
        const struct cert *ca = box->cas.certs[i];
        int64_t days = (cert_not_after(ca) - now) / CLOCK_DAY;

        if (days < SOON_DAYS) {
            snprintf(text, sizeof(text), _("This CA ends in %lld days."), (long long)days);
            warn(box, text);
        }
        for (size_t j = 0; chain != NULL && j < chain->n; j++) {
            if (cert_equal(chain->certs[j], ca) || cert_issued_by(chain->certs[j], ca)) {
                warn(box, _("This CA signed the server's own certificate: is it also the one "
                            "that signs the clients'?"));
                break;
            }
        }
    }
    for (size_t i = 0; i < box->n_crls; i++) {
        if (!signed_here(box, box->crls[i]))
            warn(box, _("A CRL in it belongs to a CA that is not in this text."));
    }
}

void ca_box_look(struct ca_box *box, const void *bytes, size_t len, int64_t now,
                 const struct cert_list *chain)
{
    struct pem pem, certs, crls;
    struct err err = ERR_INIT;
    bool good;

    ca_box_clear(box);
    if (len == 0)
        return;
    pem_scan(bytes, len, &pem);
    box->cleaned = pem.cleaned;
    part(&pem, false, &certs);
    part(&pem, true, &crls);
    if (pem.has_private_key || pem_count(&pem, PEM_ENCRYPTED_KEY) > 0) {
        refuse_key(box);
    } else {
        good = pem_take_cas(&certs, now, &box->cas, &err);
        if (!good && pem_count(&pem, PEM_REQUEST) > 0 && pem_count(&pem, PEM_CERTIFICATE) == 0)
            err_hint(&err, _("It belongs in: Home, Create a client certificate, \"I have a "
                             "request\"."));
        if (!good && certs.n == 0 && crls.n > 0 && pem.problem == PEM_FINE) {
            err_set(&err, ERR_NOT_A_CERTIFICATE, _("this is a list of revoked certificates (CRL)"));
            err_hint(&err, _("It goes beside its CA: paste the CA's certificate too, in the same "
                             "box."));
        }
        if (good && crls.n > 0)
            good =
                pem_take_crls(&crls, &box->crls, &box->n_crls, &err) && check_crls(box, now, &err);
        if (good) {
            box->mark = MARK_OK;
            look_twice(box, now, chain);
        } else if (err.code == ERR_NOT_A_CA) {
            refuse_leaf(box, &certs, &err);
        } else {
            refuse(box, &err);
        }
    }
    free(certs.blocks);
    free(crls.blocks);
    pem_clear(&pem);
}

/* ---- describing ---- */

static void describe_ca(const struct cert *ca, struct strbuf *out)
{
    struct strbuf name = STRBUF_INIT;
    char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX], sha256[CERT_SHA256_HEX];

    cert_format_subject(ca, &name);
    strbuf_printf(out, "%s %.70s\n", mark_text(MARK_OK), name.data);
    strbuf_printf(out, _("     %s, valid %s to %s\n"),
                  cert_is_self_signed(ca) ? _("root CA") : _("intermediate CA"),
                  clock_format_date(from, cert_not_before(ca)),
                  clock_format_date(to, cert_not_after(ca)));
    strbuf_printf(out, "    SHA-256 %s\n", cert_sha256_hex(ca, sha256));
    strbuf_clear(&name);
}

static void describe_crl(const struct crl *crl, struct strbuf *out)
{
    struct strbuf issuer = STRBUF_INIT;
    char date[CLOCK_TEXT_MAX];
    int64_t until = crl_next_update(crl);

    crl_format_issuer(crl, &issuer);
    strbuf_printf(out, _("%s CRL of %.40s, %zu revoked, until %s\n"), mark_text(MARK_OK),
                  issuer.data, crl_count(crl),
                  until != 0 ? clock_format_date(date, until) : _("no date"));
    strbuf_clear(&issuer);
}

void ca_box_describe(const struct ca_box *box, struct strbuf *out)
{
    if (box->cas.n == 0)
        return;
    for (size_t i = 0; i < box->cas.n; i++)
        describe_ca(box->cas.certs[i], out);
    for (size_t i = 0; i < box->n_crls; i++)
        describe_crl(box->crls[i], out);
    if (box->cleaned != 0) {
        strbuf_printf(out, _("%s Cleaned: "), mark_text(MARK_WARN));
        pem_cleaned_text(box->cleaned, out);
    } else {
        strbuf_truncate(out, out->len - 1);
    }
}

void ca_box_count(const struct ca_box *box, char *out, size_t size)
{
    int len = 0;

    out[0] = '\0';
    if (box->cas.n > 0)
        len = snprintf(out, size, ngettext("%zu certificate", "%zu certificates", box->cas.n),
                       box->cas.n);
    if (box->n_crls > 0 && len >= 0 && (size_t)len < size)
        snprintf(out + len, size - (size_t)len, ngettext(", %zu CRL", ", %zu CRLs", box->n_crls),
                 box->n_crls);
}
