/* PKCS#12 files in the hands of Java: pgjdbc asks for the alias "user". */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "tests/harness/need.h"
#include "tests/interop/pki_files.h"

static void test_keytool(void **state)
{
    static const char *const names[] = {"client.p12", "client-legacy.p12"};
    struct pki_files files;

    (void)state;
    pki_files_write(&files);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *command = mem_printf("LC_ALL=C keytool -J-Duser.language=en -list -v -alias user "
                                   "-storetype PKCS12 -keystore %s -storepass '" PASSPHRASE "'",
                                   names[i]);

        pki_files_expect(&files, command, "Alias name: user");
        pki_files_expect(&files, command, "Entry type: PrivateKeyEntry");
        pki_files_expect(&files, command, "Certificate chain length: 2");
        free(command);
    }
    pki_files_remove(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_keytool)};

    if (!need(system("keytool -help >/dev/null 2>&1") == 0, "keytool (a Java runtime)"))
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
