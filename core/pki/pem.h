/*
 * pem.h - what people paste: cleaned, split, and named for what it is.
 *
 * Source   RFC 7468; facts measured with OpenSSL 3 and terminals: CRLF that tmux makes CR CR, blank
 *          line after each line, indentation, mail quotes, lost newlines, 4 or en dashes, NBSP, BOM,
 *          "Bag Attributes", TRUSTED, DER.
 * Shapes   the result holds canonical PEM blocks (64 columns, LF) in the order of the text. A block
 *          that holds a private key is never copied: only its kind is noted.
 * Errors   pem_scan() never fails; it says what it found. Input over PEM_SCAN_MAX: PEM_TOO_LARGE.
 */
#ifndef PGSEAL_PKI_PEM_H
#define PGSEAL_PKI_PEM_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/attr.h"
#include "core/base/err.h"
#include "core/base/strbuf.h"
#include "core/pki/cert.h"
#include "core/pki/crl.h"

#define PEM_SCAN_MAX (1u << 20)

enum pem_kind {
    PEM_CERTIFICATE,
    PEM_CRL,
    PEM_REQUEST,
    PEM_PRIVATE_KEY,   /* der is empty */
    PEM_ENCRYPTED_KEY, /* der is empty: still somebody's key */
    PEM_PUBLIC_KEY,
    PEM_SSH_KEY,
    PEM_PKCS7,
    PEM_PKCS12,
    PEM_OTHER
};

/* What had to be cleaned: a set of bits, each with a word for people (pem_cleaned_text). */
enum pem_cleaned {
    PEM_CLEANED_LINE_ENDS = 1 << 0,
    PEM_CLEANED_INDENT = 1 << 1,
    PEM_CLEANED_QUOTES = 1 << 2,
    PEM_CLEANED_BLANK_LINES = 1 << 3,
    PEM_CLEANED_ONE_LINE = 1 << 4,
    PEM_CLEANED_DASHES = 1 << 5,
    PEM_CLEANED_SPACES = 1 << 6, /* NBSP, zero width */
    PEM_CLEANED_BOM = 1 << 7,
    PEM_CLEANED_TEXT = 1 << 8, /* text around the blocks: "Bag Attributes" … */
    PEM_CLEANED_TRUSTED = 1 << 9,
    PEM_CLEANED_DER = 1 << 10, /* was binary */
    PEM_CLEANED_CONTROL = 1 << 11
};

enum pem_problem {
    PEM_FINE,
    PEM_EMPTY,      /* nothing but white space */
    PEM_NO_BEGIN,   /* text, or bare base64 without its BEGIN line */
    PEM_CUT,        /* a BEGIN without its END */
    PEM_BAD_BASE64, /* a block that does not decode, or whose DER is not what its label says */
    PEM_TOO_LARGE
};

struct pem_block {
    enum pem_kind kind;
    struct strbuf der;
};

struct pem {
    struct pem_block *blocks;
    size_t n;
    unsigned cleaned;         /* enum pem_cleaned */
    enum pem_problem problem; /* the first one */
    bool has_private_key;
};

void pem_scan(const void *bytes, size_t len, struct pem *ret);
void pem_clear(struct pem *pem);
size_t pem_count(const struct pem *pem, enum pem_kind kind);
/* "Windows line ends, spaces before each line" for people; appends nothing when clean. */
void pem_cleaned_text(unsigned cleaned, struct strbuf *out);

/* The classes of use of a pasted text: each refuses all else with its own sentence and code
 * (ERR_PRIVATE_KEY_PASTED, ERR_IS_A_REQUEST, ERR_NOT_A_CERTIFICATE, ERR_CUT_OFF, ERR_NOT_A_CA,
 * ERR_CERT_ENDED, ERR_NOT_A_CRL …). */

struct cert_list {
    struct cert **certs;
    size_t n;
};
void cert_list_init(struct cert_list *list);
void cert_list_clear(struct cert_list *list);
void cert_list_take(struct cert_list *list, struct cert *cert); /* owned by the list now */

/* CA certificates for a server, in canonical order (root first), without repeats. */
bool pem_take_cas(const struct pem *pem, int64_t now, struct cert_list *ret,
                  struct err *err) MUST_CHECK;
/* Exactly CRLs. Each for the caller to crl_free(); *ret to free(). */
bool pem_take_crls(const struct pem *pem, struct crl ***ret, size_t *ret_n,
                   struct err *err) MUST_CHECK;
/* CRLs, and where there are any the certificates of their CAs in the same text. */
bool pem_take_crls_with_cas(const struct pem *pem, struct crl ***ret, size_t *ret_n,
                            struct cert_list *ret_cas, struct err *err) MUST_CHECK;
/* Any certificates (show, trust files). */
bool pem_take_certs(const struct pem *pem, struct cert_list *ret, struct err *err) MUST_CHECK;

/* Writes one block in canonical form. */
void pem_write(struct strbuf *out, const char *label, const void *der, size_t len);

#endif
