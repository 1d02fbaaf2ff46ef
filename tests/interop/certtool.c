/* What we write, read by GnuTLS: another library, which agrees with OpenSSL on nothing by chance. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "tests/harness/need.h"
#include "tests/interop/pki_files.h"

static struct pki_files files; /* written once for all tests */

static int setup(void **state)
{
    (void)state;
    pki_files_write(&files);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pki_files_remove(&files);
    return 0;
}

#define VERIFY     "certtool --verify --verify-profile medium "
#define FOR_CLIENT "--verify-purpose 1.3.6.1.5.5.7.3.2 "
#define FOR_SERVER "--verify-purpose 1.3.6.1.5.5.7.3.1 "
#define TRUSTED    "Chain verification output: Verified. The certificate is trusted."

static void test_verify(void **state)
{
    (void)state;
    pki_files_expect(&files, VERIFY FOR_CLIENT "--load-ca-certificate ca.crt --infile client.crt",
                     TRUSTED);
    pki_files_expect(&files, VERIFY FOR_CLIENT "--load-ca-certificate ca.crt --infile canary.crt",
                     TRUSTED);
    pki_files_expect(&files,
                     VERIFY FOR_SERVER "--verify-hostname db1.example "
                                       "--load-ca-certificate ca.crt --infile server.crt",
                     TRUSTED);
    pki_files_expect(&files,
                     "cat subclient.crt sub.crt > chain.pem; " VERIFY FOR_CLIENT
                     "--load-ca-certificate ca.crt --infile chain.pem",
                     TRUSTED);
}

static void test_each_kind(void **state)
{
    static const char *const kinds[] = {"ec-p384", "ed25519", "rsa-2048"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        char *cert =
            mem_printf(VERIFY FOR_CLIENT "--load-ca-certificate %s-ca.crt --infile %s-client.crt",
                       kinds[i], kinds[i]);
        char *crl = mem_printf("certtool --verify-crl --load-ca-certificate %s-ca.crt "
                               "--infile %s-crl.pem",
                               kinds[i], kinds[i]);

        pki_files_expect(&files, cert, TRUSTED);
        pki_files_expect(&files, crl, "Verified");
        free(cert);
        free(crl);
    }
}

static void test_crl(void **state)
{
    (void)state;
    pki_files_expect(&files, "certtool --verify-crl --load-ca-certificate ca.crt --infile crl.pem",
                     "Verified");
    pki_files_expect(&files, "certtool --crl-info --infile crl.pem", "CRL Number");
    pki_files_expect(&files, "certtool --crl-info --infile crl.pem", "Revoked certificates (1):");
}

static void test_keys(void **state)
{
    (void)state;
    pki_files_expect(&files, "certtool --key-info --infile client.key", "SECP256R1");
    pki_files_expect(&files,
                     "certtool --key-info --password '" PASSPHRASE "' --infile client-locked.key",
                     "SECP256R1");
    pki_files_expect(&files, "certtool --p8-info --password '" PASSPHRASE "' --infile ca.key",
                     "Cipher: AES-256-CBC");
    pki_files_expect(&files,
                     "certtool --p12-info --inder --password '" PASSPHRASE "' --infile client.p12",
                     "Friendly name: user");
    pki_files_expect(&files,
                     "certtool --p12-info --inder --password '" PASSPHRASE
                     "' --infile client-legacy.p12",
                     "Friendly name: user");
}

static void test_request(void **state)
{
    (void)state;
    pki_files_expect(&files, "certtool --crq-info --infile client.csr", "Self signature: verified");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify), cmocka_unit_test(test_each_kind), cmocka_unit_test(test_crl),
        cmocka_unit_test(test_keys),   cmocka_unit_test(test_request),
    };

    if (!need(have_command("certtool"), "certtool (package gnutls-bin)"))
        return 0;
    return cmocka_run_group_tests(tests, setup, teardown);
}
