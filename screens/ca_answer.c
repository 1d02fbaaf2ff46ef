/* ca_answer.c - the certificates and lists of one text. */
#include "config.h"

#include "screens/ca_answer.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"

void ca_answer_clear(struct ca_answer *answer)
{
    for (size_t i = 0; i < answer->n_crls; i++)
        crl_free(answer->crls[i]);
    free(answer->crls);
    cert_list_clear(&answer->certs);
    *answer = (struct ca_answer){.n_crls = 0};
}

static bool take_block(struct ca_answer *answer, const struct pem_block *block, struct err *err)
{
    if (block->kind == PEM_CERTIFICATE) {
        struct cert *cert = cert_from_der(block->der.data, block->der.len, err);

        if (cert == NULL)
            return false;
        cert_list_take(&answer->certs, cert);
    } else if (block->kind == PEM_CRL) {
        struct crl *crl = crl_from_der(block->der.data, block->der.len, err);

        if (crl == NULL)
            return false;
        answer->crls = mem_realloc_array(answer->crls, answer->n_crls + 1, sizeof(*answer->crls));
        answer->crls[answer->n_crls++] = crl;
    }
    return true;
}

bool ca_answer_read(const struct strbuf *text, struct ca_answer *answer, struct err *err)
{
    struct pem pem;
    bool good = true;

    pem_scan(text->data, text->len, &pem);
    if (pem.has_private_key) {
        good = err_set(err, ERR_PRIVATE_KEY_PASTED, _("there is a private key in this text"));
        err_hint(err, _("Give only certificates and CRLs here."));
    } else if (pem_count(&pem, PEM_CERTIFICATE) == 0) {
        good = err_set(err, ERR_NOT_A_CERTIFICATE, _("there is no certificate in this text"));
    }
    for (size_t i = 0; good && i < pem.n; i++)
        good = take_block(answer, &pem.blocks[i], err);
    pem_clear(&pem);
    return good;
}
