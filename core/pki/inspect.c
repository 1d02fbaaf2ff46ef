/* inspect.c - which part of the tree describes which block, and what they are together. */
#include "config.h"

#include "core/pki/inspect.h"

#include "core/base/intl.h"
#include "core/pki/inspect_part.h"

/* ---- blocks ---- */

static void add_cert(struct inspect_node *root, const struct pem_block *block,
                     struct cert_list *certs, int64_t now)
{
    struct err err = ERR_INIT;
    struct cert *cert = cert_from_der(block->der.data, block->der.len, &err);

    if (cert) {
        inspect_take(root, inspect_cert(cert, now));
        cert_list_take(certs, cert);
    } else {
        struct inspect_node *node = inspect_new(_("Certificate"));

        inspect_say(node, INSPECT_BAD, "%s", err.msg);
        inspect_take(root, node);
    }
}

static void add_crl(struct inspect_node *root, const struct pem_block *block, int64_t now)
{
    struct inspect_node *node = inspect_new(_("List of revoked certificates (CRL)"));
    struct err err = ERR_INIT;
    struct crl *crl = crl_from_der(block->der.data, block->der.len, &err);

    if (crl)
        inspect_part_crl(node, crl, now);
    else
        inspect_say(node, INSPECT_BAD, "%s", err.msg);
    crl_free(crl);
    inspect_take(root, node);
}

static void add_other(struct inspect_node *root, const struct pem_block *block, const void *bytes,
                      size_t len, const struct inspect_options *options)
{
    struct inspect_node *node = NULL;

    switch (block->kind) {
    case PEM_CERTIFICATE:
    case PEM_CRL:
        return;
    case PEM_REQUEST:
        node = inspect_new(_("Certificate request (CSR)"));
        inspect_part_request(node, block->der.data, block->der.len);
        break;
    case PEM_PRIVATE_KEY:
    case PEM_ENCRYPTED_KEY:
        node = inspect_new(_("Private key: SECRET"));
        inspect_part_key(node, bytes, len, block->kind == PEM_ENCRYPTED_KEY, options);
        break;
    case PEM_PUBLIC_KEY:
        node = inspect_new(_("Public key"));
        inspect_say(node, INSPECT_NOTE,
                    _("PostgreSQL has no use for a public key without its "
                      "certificate."));
        break;
    case PEM_SSH_KEY:
        node = inspect_new(_("ssh key"));
        inspect_say(node, INSPECT_BAD,
                    _("PostgreSQL wants an X.509 certificate: ssh keys are another thing."));
        break;
    case PEM_PKCS7:
        node = inspect_new(_("PKCS#7: certificates in one file"));
        inspect_part_pkcs7(node, block->der.data, block->der.len, options->now);
        break;
    case PEM_PKCS12:
        node = inspect_new(_("PKCS#12: a key and certificates in one file"));
        inspect_part_pkcs12(node, bytes, len, options);
        break;
    case PEM_OTHER:
        node = inspect_new(_("Something else"));
        inspect_say(node, INSPECT_BAD, _("It has no use for PostgreSQL."));
        break;
    }
    inspect_take(root, node);
}

/* ---- all blocks together ---- */

static void say_cleaned(struct inspect_node *node, const struct pem *pem)
{
    struct strbuf text = STRBUF_INIT;
    /* text around the blocks and Windows line ends are read by OpenSSL as well */
    unsigned harmless = PEM_CLEANED_LINE_ENDS | PEM_CLEANED_TEXT;
    unsigned told = PEM_CLEANED_DER | PEM_CLEANED_TRUSTED;

    pem_cleaned_text(pem->cleaned & ~(harmless | told), &text);
    if (text.len > 0)
        inspect_say(node, INSPECT_WARN,
                    _("Cleaned while reading: %s. PostgreSQL may refuse the file as it is."),
                    text.data);
    if ((pem->cleaned & PEM_CLEANED_DER) &&
        pem_count(pem, PEM_CERTIFICATE) + pem_count(pem, PEM_CRL) > 0)
        inspect_say(node, INSPECT_BAD,
                    _("It is binary (DER); PostgreSQL and libpq read certificates and lists as PEM "
                      "only."));
    if (pem->cleaned & PEM_CLEANED_TRUSTED)
        inspect_say(
            node, INSPECT_WARN,
            _("It is a TRUSTED CERTIFICATE of openssl: others than openssl may not read it."));
    strbuf_clear(&text);
}

static void say_together(struct inspect_node *root, const struct pem *pem,
                         const struct cert_list *certs)
{
    struct inspect_node *node = inspect_new(_("The whole"));
    size_t keys = pem_count(pem, PEM_PRIVATE_KEY) + pem_count(pem, PEM_ENCRYPTED_KEY);

    say_cleaned(node, pem);
    if (certs->n > 1)
        inspect_part_chain(node, certs);
    if (pem->problem == PEM_CUT)
        inspect_say(node, INSPECT_BAD, _("A BEGIN line has no END line: the text was cut off."));
    if (pem->problem == PEM_BAD_BASE64)
        inspect_say(node, INSPECT_BAD, _("A block does not decode."));
    if (keys > 0 && pem->n > keys)
        inspect_say(node, INSPECT_WARN,
                    _("A private key stands beside other things: do not hand this file out."));
    if (node->n > 0)
        inspect_take(root, node);
    else
        inspect_free(node);
}

static void say_garbage(struct inspect_node *root, const struct pem *pem)
{
    switch (pem->problem) {
    case PEM_EMPTY:
        inspect_say(root, INSPECT_BAD, _("There is nothing in it."));
        return;
    case PEM_CUT:
        inspect_say(root, INSPECT_BAD, _("A BEGIN line has no END line: the text was cut off."));
        return;
    case PEM_BAD_BASE64:
        inspect_say(root, INSPECT_BAD, _("A block does not decode."));
        return;
    case PEM_TOO_LARGE:
        inspect_say(root, INSPECT_BAD, _("It is larger than %u bytes."), PEM_SCAN_MAX);
        return;
    case PEM_NO_BEGIN:
    case PEM_FINE:
        break;
    }
    inspect_say(root, INSPECT_BAD,
                _("It is no certificate, CRL, request or key: there is no -----BEGIN ...----- line "
                  "in it, and it is not DER."));
}

struct inspect_node *inspect_bytes(const void *bytes, size_t len,
                                   const struct inspect_options *options)
{
    struct inspect_node *root = inspect_new("");
    struct cert_list certs;
    struct pem pem;

    cert_list_init(&certs);
    pem_scan(bytes, len, &pem);
    for (size_t i = 0; i < pem.n; i++) {
        if (pem.blocks[i].kind == PEM_CERTIFICATE)
            add_cert(root, &pem.blocks[i], &certs, options->now);
        else if (pem.blocks[i].kind == PEM_CRL)
            add_crl(root, &pem.blocks[i], options->now);
        else
            add_other(root, &pem.blocks[i], bytes, len, options);
    }
    if (pem.n == 0)
        say_garbage(root, &pem);
    else
        say_together(root, &pem, &certs);
    cert_list_clear(&certs);
    pem_clear(&pem);
    return root;
}
