/* ossl.c - OpenSSL's times and numbers as ours. */
#include "config.h"

#include "core/pki/ossl.h"

#include <time.h>

#include "core/base/mem.h"

#define TIME_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z, the end of GeneralizedTime */

int64_t ossl_time(const ASN1_TIME *time)
{
    struct tm tm;

    if (!time || ASN1_TIME_to_tm(time, &tm) != 1)
        return 0;
    return (int64_t)timegm(&tm);
}

ASN1_TIME *ossl_time_new(int64_t when)
{
    if (when < 0 || when > TIME_MAX)
        return NULL;
    return ASN1_TIME_set(NULL, (time_t)when);
}

bool ossl_serial_read(const ASN1_INTEGER *from, struct serial *ret)
{
    struct err ignored = ERR_INIT;
    int len = ASN1_STRING_length(from);

    if (ASN1_STRING_type(from) != V_ASN1_INTEGER || len < 0)
        return false; /* V_ASN1_NEG_INTEGER */
    if (len == 0)
        return serial_from_bytes(ret, "", 1, &ignored);
    return serial_from_bytes(ret, ASN1_STRING_get0_data(from), (size_t)len, &ignored);
}

ASN1_INTEGER *ossl_serial_new(const struct serial *serial)
{
    BIGNUM *number = BN_bin2bn(serial->bytes, (int)serial->len, NULL);
    ASN1_INTEGER *made = number ? BN_to_ASN1_INTEGER(number, NULL) : NULL;

    BN_free(number);
    return made;
}

AUTHORITY_KEYID *ossl_keyid_of(const X509 *issuer)
{
    AUTHORITY_KEYID *made = AUTHORITY_KEYID_new();

    if (!made)
        return NULL;
    made->keyid = X509_get_ext_d2i(issuer, NID_subject_key_identifier, NULL, NULL);
    if (!made->keyid) { /* a CA from elsewhere without an id: the one that it would have had */
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned int len = 0;

        made->keyid = ASN1_OCTET_STRING_new();
        if (!made->keyid || X509_pubkey_digest(issuer, EVP_sha1(), digest, &len) != 1 ||
            ASN1_OCTET_STRING_set(made->keyid, digest, (int)len) != 1) {
            AUTHORITY_KEYID_free(made);
            return NULL;
        }
    }
    return made;
}

int ossl_no_password(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}
