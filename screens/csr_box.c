/* csr_box.c - a pasted request (CSR). */
#include "config.h"

#include "screens/csr_box.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pki/csr.h"
#include "core/pki/pem.h"

void csr_box_clear(struct csr_box *box)
{
    free(box->pem);
    free(box->subject);
    free(box->name);
    free(box->hosts);
    free(box->key);
    *box = (struct csr_box){0};
}

static void refuse(struct csr_box *box, const char *note)
{
    box->mark = MARK_BAD;
    snprintf(box->note, sizeof(box->note), "%s", note);
}

/* The names it asks for, as a person would write them. */
static char *hosts_of(const struct csr *csr)
{
    struct strbuf text = STRBUF_INIT;
    struct err ignored = ERR_INIT; /* names that cannot be read are not offered */
    struct san san;

    san_init(&san);
    if (csr_san(csr, &san, &ignored)) {
        for (size_t i = 0; i < san.n; i++)
            if (san.entries[i].type != SAN_OTHER)
                strbuf_printf(&text, "%s%s", text.len > 0 ? ", " : "", san.entries[i].text);
    }
    san_clear(&san);
    return strbuf_steal(&text);
}

static void take(struct csr_box *box, const struct strbuf *pem)
{
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;
    struct csr *csr = csr_from_pem(pem->data, pem->len, &err);
    struct name *subject;

    if (csr == NULL) {
        refuse(box, err.msg);
        return;
    }
    subject = csr_subject(csr);
    (void)name_common_name(subject, &text);
    box->name = strbuf_steal(&text);
    name_format(subject, &text);
    box->subject = mem_strdup(text.data);
    box->hosts = hosts_of(csr);
    box->key = mem_strdup(key_type_title(csr_key_type(csr)));
    box->asks_ca = csr_asks_for_ca(csr);
    box->mark = box->asks_ca ? MARK_WARN : MARK_OK;
    snprintf(box->note, sizeof(box->note),
             box->asks_ca ? _("request of \"%s\", %s key; it asks to be a CA and will not be")
                          : _("request of \"%s\", %s key; only its public key is taken"),
             text.data, box->key);
    box->pem = mem_strndup(pem->data, pem->len);
    name_free(subject);
    csr_free(csr);
    strbuf_clear(&text);
}

bool csr_box_look(struct csr_box *box, const char *bytes, size_t len)
{
    struct strbuf clean = STRBUF_INIT;
    struct pem pem;
    bool key;

    csr_box_clear(box);
    pem_scan(bytes, len, &pem);
    key = pem.has_private_key;
    if (key) {
        refuse(box, _("This is a private key. It was thrown away and not stored. Its owner makes a "
                      "new one."));
    } else if (pem.problem == PEM_CUT) {
        refuse(box,
               _("The end is missing. Copy again, down to -----END CERTIFICATE REQUEST-----."));
    } else if (pem_count(&pem, PEM_REQUEST) != 1) {
        refuse(box, pem_count(&pem, PEM_CERTIFICATE) > 0
                        ? _("This is a certificate. A request (CSR) is wanted here.")
                        : _("There is not exactly one request (CSR) in this text."));
    } else {
        for (size_t i = 0; i < pem.n; i++) {
            if (pem.blocks[i].kind == PEM_REQUEST)
                pem_write(&clean, "CERTIFICATE REQUEST", pem.blocks[i].der.data,
                          pem.blocks[i].der.len);
        }
        take(box, &clean);
    }
    pem_clear(&pem);
    strbuf_clear(&clean);
    return key;
}

void csr_box_check(struct csr_box *box, struct form *form, int id)
{
    size_t len;
    const char *bytes = form_bytes(form, id, &len);

    if (len != box->seen) {
        csr_box_clear(box);
        if (len > 0 && csr_box_look(box, bytes, len))
            form_wipe(form, id);
        (void)form_bytes(form, id, &box->seen); /* 0 after a wipe: the note about it stays */
    }
    form_set_box_note(form, id, box->pem != NULL ? _("1 request") : "");
    if (box->mark == MARK_NONE)
        form_say(form, id, MARK_TODO, NULL);
    else
        form_say(form, id, box->mark, box->note);
}
