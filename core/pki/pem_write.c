/* pem_write.c - one block of PEM. */
#include "config.h"

#include <openssl/evp.h>

#include "core/pki/pem.h"

#define LINE_BYTES 48 /* 64 columns */

void pem_write(struct strbuf *out, const char *label, const void *der, size_t len)
{
    const unsigned char *at = der;

    strbuf_printf(out, "-----BEGIN %s-----\n", label);
    while (len > 0) {
        unsigned char line[LINE_BYTES / 3 * 4 + 1];
        size_t n = len < LINE_BYTES ? len : LINE_BYTES;
        int written = EVP_EncodeBlock(line, at, (int)n);

        strbuf_add(out, line, (size_t)written);
        strbuf_add_char(out, '\n');
        at += n;
        len -= n;
    }
    strbuf_printf(out, "-----END %s-----\n", label);
}
