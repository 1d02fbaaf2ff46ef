/* pki_files.c - one of each file that we write, for other programs to read. */
#include "config.h"

#include "tests/interop/pki_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/pki/canary.h"
#include "core/pki/pkcs12.h"

static void write_file(const struct pki_files *files, const char *name, const void *bytes,
                       size_t len)
{
    struct err err = ERR_INIT;
    char *path = fs_join(files->folder, name);

    assert_ok(fs_write_new(path, bytes, len, 0600, &err), &err);
    free(path);
}

static void write_cert(const struct pki_files *files, const char *name, const struct cert *cert)
{
    struct strbuf pem = STRBUF_INIT;

    fixture_pem(&pem, cert);
    write_file(files, name, pem.data, pem.len);
    strbuf_clear(&pem);
}

static void write_secret(const struct pki_files *files, const char *name, struct secret *secret,
                         const struct err *err)
{
    assert_ok(secret, err);
    write_file(files, name, secret_data(secret), secret_len(secret));
    secret_free(secret);
}

static void write_crl(const struct pki_files *files, const char *name, struct crl *crl)
{
    struct err err = ERR_INIT;
    struct strbuf pem = STRBUF_INIT;

    assert_ok(crl_to_pem(crl, &pem, &err), &err);
    write_file(files, name, pem.data, pem.len);
    strbuf_clear(&pem);
    crl_free(crl);
}

static struct pair leaf(const struct pair *ca, enum profile profile, const char *cn, int64_t now)
{
    return fixture_leaf_dates(ca, profile, cn, now - CERT_BACKDATE, now + YEAR);
}

/* A self-signed CA with this kind of key. */
static struct pair ca_of(enum key_type type, const char *cn, int64_t now)
{
    struct err err = ERR_INIT;
    struct pair ca = {.key = key_generate(type, NULL, NULL, &err)};
    struct name *subject = name_new_common_name(cn, &err);
    struct cert_request request = {.profile = PROFILE_CA,
                                   .subject = subject,
                                   .key = ca.key,
                                   .not_before = now - CERT_BACKDATE,
                                   .not_after = now + 10 * YEAR};

    assert_ok(serial_random(&request.serial, &err), &err);
    ca.cert = cert_sign(&request, NULL, ca.key, &err);
    assert_ok(ca.cert, &err);
    name_free(subject);
    return ca;
}

static void write_each_kind(const struct pki_files *files, int64_t now)
{
    static const enum key_type types[] = {KEY_EC_P384, KEY_ED25519, KEY_RSA_2048};

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct pair ca = ca_of(types[i], key_type_title(types[i]), now);
        struct pair client = leaf(&ca, PROFILE_CLIENT, "alice", now);
        char name[64];

        (void)snprintf(name, sizeof(name), "%s-ca.crt", key_type_name(types[i]));
        write_cert(files, name, ca.cert);
        (void)snprintf(name, sizeof(name), "%s-client.crt", key_type_name(types[i]));
        write_cert(files, name, client.cert);
        (void)snprintf(name, sizeof(name), "%s-crl.pem", key_type_name(types[i]));
        write_crl(files, name, fixture_crl_dates(&ca, NULL, 0, now - CERT_BACKDATE, now + YEAR));
        pair_clear(&ca);
        pair_clear(&client);
    }
}

static void write_keys(const struct pki_files *files, const struct pair *ca,
                       const struct pair *client)
{
    struct err err = ERR_INIT;
    struct secret *passphrase = secret_new(64);
    struct cert_list chain = {.certs = (struct cert *[]){ca->cert}, .n = 1};

    assert_true(secret_set(passphrase, PASSPHRASE, strlen(PASSPHRASE)));
    write_secret(files, "ca.key", key_to_pem(ca->key, passphrase, KEY_ROUNDS_CA, &err), &err);
    write_secret(files, "client.key", key_to_pem(client->key, NULL, 0, &err), &err);
    write_secret(files, "client-locked.key",
                 key_to_pem(client->key, passphrase, KEY_ROUNDS_CLIENT, &err), &err);
    write_secret(files, "client.pk8", key_to_pkcs8_der(client->key, &err), &err);
    write_secret(files, "client.p12",
                 pkcs12_build(client->key, client->cert, &chain, passphrase, false, &err), &err);
    write_secret(files, "client-legacy.p12",
                 pkcs12_build(client->key, client->cert, &chain, passphrase, true, &err), &err);
    secret_free(passphrase);
}

static void write_request(const struct pki_files *files, const struct key *key)
{
    struct err err = ERR_INIT;
    struct name *subject = name_new_common_name("alice", &err);
    struct strbuf pem = STRBUF_INIT;
    struct san san;
    struct csr *csr;

    san_init(&san);
    assert_ok(san_add(&san, "db1.example", &err), &err);
    csr = csr_new(subject, &san, key, &err);
    assert_ok(csr, &err);
    assert_ok(csr_to_pem(csr, &pem, &err), &err);
    write_file(files, "client.csr", pem.data, pem.len);
    strbuf_clear(&pem);
    csr_free(csr);
    san_clear(&san);
    name_free(subject);
}

static void write_server(const struct pki_files *files, const struct pair *ca, int64_t now)
{
    struct err err = ERR_INIT;
    struct key *key = fixture_key();
    struct name *subject = name_new_common_name("db1.example", &err);
    struct san san;
    struct cert_request request = {.profile = PROFILE_SERVER,
                                   .subject = subject,
                                   .san = &san,
                                   .key = key,
                                   .not_before = now - CERT_BACKDATE,
                                   .not_after = now + YEAR};
    struct cert *cert;

    san_init(&san);
    assert_ok(san_add(&san, "db1.example", &err), &err);
    assert_ok(san_add(&san, "127.0.0.1", &err), &err);
    assert_ok(san_add(&san, "::1", &err), &err);
    assert_ok(serial_random(&request.serial, &err), &err);
    cert = cert_sign(&request, ca->cert, ca->key, &err);
    assert_ok(cert, &err);
    write_cert(files, "server.crt", cert);
    cert_free(cert);
    san_clear(&san);
    name_free(subject);
    key_free(key);
}

void pki_files_write(struct pki_files *ret)
{
    struct err err = ERR_INIT;
    int64_t now = clock_now();
    struct pair ca = ca_of(KEY_EC_P256, "Acme PG Root CA", now);
    struct pair sub = leaf(&ca, PROFILE_CA, "Acme Sub CA", now);
    struct pair client = leaf(&ca, PROFILE_CLIENT, "alice", now);
    struct pair subclient = leaf(&sub, PROFILE_CLIENT, "carol", now);
    struct pair bob = leaf(&ca, PROFILE_CLIENT, "bob", now);
    struct canary canary = {0};

    ret->folder = fs_make_temp_folder("pgseal-interop", &err);
    assert_ok(ret->folder, &err);
    ret->serial = cert_serial(client.cert);
    assert_ok(canary_make(ca.cert, ca.key, now, &canary, &err), &err);
    write_cert(ret, "ca.crt", ca.cert);
    write_cert(ret, "sub.crt", sub.cert);
    write_cert(ret, "client.crt", client.cert);
    write_cert(ret, "subclient.crt", subclient.cert);
    write_cert(ret, "bob.crt", bob.cert);
    write_cert(ret, "canary.crt", canary.cert);
    write_crl(ret, "crl.pem",
              fixture_crl_dates(&ca, (const struct cert *[]){bob.cert}, 1, now - CERT_BACKDATE,
                                now + YEAR));
    write_crl(ret, "sub-crl.pem",
              fixture_crl_dates(&sub, NULL, 0, now - CERT_BACKDATE, now + YEAR));
    write_keys(ret, &ca, &client);
    write_request(ret, client.key);
    write_server(ret, &ca, now);
    write_each_kind(ret, now);
    canary_clear(&canary);
    pair_clear(&ca);
    pair_clear(&sub);
    pair_clear(&client);
    pair_clear(&subclient);
    pair_clear(&bob);
}

void pki_files_remove(struct pki_files *files)
{
    struct err err = ERR_INIT;

    assert_ok(fs_remove_tree(files->folder, &err), &err);
    free(files->folder);
    files->folder = NULL;
}

int pki_files_run(const struct pki_files *files, struct strbuf *out, const char *command)
{
    char *line = mem_printf("cd '%s' && { %s ; } 2>&1 </dev/null", files->folder, command);
    FILE *pipe = popen(line, "r");
    char bytes[4096];
    size_t n;
    int status;

    assert_non_null(pipe);
    while ((n = fread(bytes, 1, sizeof(bytes), pipe)) > 0)
        strbuf_add(out, bytes, n);
    status = pclose(pipe);
    free(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void pki_files_expect(const struct pki_files *files, const char *command, const char *words)
{
    struct strbuf out = STRBUF_INIT;
    int status = pki_files_run(files, &out, command);

    if (status != 0 || !strstr(out.data, words))
        fail_msg("exit %d of: %s\n%s", status, command, out.data);
    strbuf_clear(&out);
}
