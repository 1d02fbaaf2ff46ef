/*
 * bare.c - the least that 1,000 client certificates with their files can cost: libcrypto, write, and one
 * sync at the end; no store, no check, no log.
 *
 * Usage    bare FOLDER N; FOLDER/<role>/ gets <role>.crt, <role>.key, root.crt, README.txt.
 */
#include "config.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY 86400

static void must(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bare: %s\n", what);
    exit(1);
}

enum { N_EXTENSIONS = 5 };

struct extension {
    int nid;
    const char *value;
};

static const struct extension root[N_EXTENSIONS] = {{NID_basic_constraints, "critical,CA:TRUE"},
                                                    {NID_key_usage, "critical,keyCertSign,cRLSign"},
                                                    {NID_subject_key_identifier, "hash"},
                                                    {NID_authority_key_identifier, "keyid"},
                                                    {NID_netscape_comment, "bench"}};

static X509 *make_cert(EVP_PKEY *key, const char *cn, X509 *issuer, EVP_PKEY *issuer_key)
{
    static const struct extension client[N_EXTENSIONS] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "clientAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid"}};
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);
    unsigned char bytes[16];
    BIGNUM *number;
    X509V3_CTX context;

    must(RAND_bytes(bytes, sizeof(bytes)) == 1, "random bytes");
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
    number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    must(X509_set_version(cert, X509_VERSION_3) == 1 &&
             BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL &&
             X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL &&
             X509_gmtime_adj(X509_getm_notAfter(cert), 365L * DAY) != NULL &&
             X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC,
                                        (const unsigned char *)cn, -1, -1, 0) == 1 &&
             X509_set_issuer_name(cert, X509_get_subject_name(issuer != NULL ? issuer : cert)) ==
                 1 &&
             X509_set_pubkey(cert, key) == 1,
         "a certificate's fields");
    BN_free(number);
    X509V3_set_ctx(&context, issuer != NULL ? issuer : cert, cert, NULL, NULL, 0);
    for (size_t i = 0; i < N_EXTENSIONS; i++) {
        const struct extension *wanted = issuer != NULL ? &client[i] : &root[i];
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, wanted->nid, wanted->value);

        must(extension != NULL && X509_add_ext(cert, extension, -1) == 1, "an extension");
        X509_EXTENSION_free(extension);
    }
    must(X509_sign(cert, issuer_key, EVP_sha256()) > 0, "a signature");
    return cert;
}

static void write_file(const char *folder, const char *name, mode_t mode, const void *bytes,
                       size_t len)
{
    char path[512];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    must(fd >= 0 && write(fd, bytes, len) == (ssize_t)len && close(fd) == 0, path);
}

static void write_cert(const char *folder, const char *name, X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len;

    must(PEM_write_bio_X509(bio, cert) == 1, "PEM");
    len = BIO_get_mem_data(bio, &text);
    write_file(folder, name, 0644, text, (size_t)len);
    BIO_free(bio);
}

static void write_key(const char *folder, const char *name, const EVP_PKEY *key)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len;

    must(info != NULL && PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info) == 1, "PEM");
    len = BIO_get_mem_data(bio, &text);
    write_file(folder, name, 0600, text, (size_t)len);
    PKCS8_PRIV_KEY_INFO_free(info);
    BIO_free(bio);
}

int main(int argc, char **argv)
{
    static char readme[1170]; /* as long as ours */
    EVP_PKEY *root_key = EVP_EC_gen("P-256");
    X509 *ca;
    int folder;

    must(argc == 3 && root_key != NULL, "usage: bare FOLDER N");
    memset(readme, 'x', sizeof(readme));
    ca = make_cert(root_key, "Bare", NULL, root_key);
    for (int i = 0; i < atoi(argv[2]); i++) {
        char role[32];
        char path[400];
        char name[64];
        EVP_PKEY *key = EVP_EC_gen("P-256");
        X509 *cert;

        must(key != NULL, "a key");
        (void)snprintf(role, sizeof(role), "role%d", i);
        (void)snprintf(path, sizeof(path), "%s/%s", argv[1], role);
        cert = make_cert(key, role, ca, root_key);
        must(mkdir(path, 0700) == 0, path);
        (void)snprintf(name, sizeof(name), "%s.crt", role);
        write_cert(path, name, cert);
        write_cert(path, "root.crt", ca);
        (void)snprintf(name, sizeof(name), "%s.key", role);
        write_key(path, name, key);
        write_file(path, "README.txt", 0644, readme, sizeof(readme));
        X509_free(cert);
        EVP_PKEY_free(key);
    }
    folder = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(folder >= 0 && syncfs(folder) == 0, "sync");
    close(folder);
    X509_free(ca);
    EVP_PKEY_free(root_key);
    return 0;
}
