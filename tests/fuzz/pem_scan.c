/* pem_scan.c - fuzz target: any bytes as a paste. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/pki/pem.h"

#define NOW INT64_C(1795292142)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static const char *label(enum pem_kind kind)
{
    switch (kind) {
    case PEM_CERTIFICATE:
        return "CERTIFICATE";
    case PEM_CRL:
        return "X509 CRL";
    case PEM_REQUEST:
        return "CERTIFICATE REQUEST";
    case PEM_PUBLIC_KEY:
        return "PUBLIC KEY";
    case PEM_PKCS7:
        return "PKCS7";
    case PEM_PRIVATE_KEY:
    case PEM_ENCRYPTED_KEY:
    case PEM_SSH_KEY:
    case PEM_PKCS12:
    case PEM_OTHER:
        break;
    }
    return NULL;
}

/* What was kept comes out of a second scan as it is, and there is nothing left to clean. */
static void check_again(const struct pem *pem)
{
    struct strbuf text = STRBUF_INIT;
    struct pem again;
    size_t kept = 0;

    for (size_t i = 0; i < pem->n; i++) {
        const struct pem_block *block = &pem->blocks[i];

        if (block->kind == PEM_PRIVATE_KEY || block->kind == PEM_ENCRYPTED_KEY) {
            check(block->der.len == 0);
            check(pem->has_private_key);
        }
        if (label(block->kind)) {
            check(block->der.len > 0);
            pem_write(&text, label(block->kind), block->der.data, block->der.len);
        }
    }
    pem_scan(text.data, text.len, &again);
    check(again.cleaned == 0);
    for (size_t i = 0; i < pem->n; i++) {
        if (!label(pem->blocks[i].kind))
            continue;
        check(kept < again.n && again.blocks[kept].kind == pem->blocks[i].kind);
        check(strbuf_equal(&again.blocks[kept].der, &pem->blocks[i].der));
        kept++;
    }
    check(kept == again.n);
    pem_clear(&again);
    strbuf_clear(&text);
}

static void check_uses(const struct pem *pem)
{
    struct err err = ERR_INIT;
    struct cert_list list;
    struct crl **crls = NULL;
    size_t n = 0;

    if (pem_take_cas(pem, NOW, &list, &err)) {
        check(!pem->has_private_key && list.n > 0);
        cert_list_clear(&list);
    }
    if (pem_take_certs(pem, &list, &err)) {
        struct strbuf text = STRBUF_INIT;

        check(!pem->has_private_key && list.n > 0);
        for (size_t i = 0; i < list.n; i++) {
            struct san san;

            san_init(&san);
            cert_format_subject(list.certs[i], &text);
            if (cert_san(list.certs[i], &san, &err))
                san_format(&san, &text);
            san_clear(&san);
        }
        strbuf_clear(&text);
        cert_list_clear(&list);
    }
    if (pem_take_crls(pem, &crls, &n, &err)) {
        check(!pem->has_private_key && n > 0);
        for (size_t i = 0; i < n; i++) {
            struct crl_entry entry;

            for (size_t j = 0; j < crl_count(crls[i]); j++)
                (void)crl_entry_at(crls[i], j, &entry);
            crl_free(crls[i]);
        }
        free(crls);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pem pem;

    pem_scan(data, size, &pem);
    check(pem.n > 0 || pem.problem != PEM_FINE);
    check_again(&pem);
    check_uses(&pem);
    pem_clear(&pem);
    return 0;
}
