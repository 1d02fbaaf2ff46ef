/*
 * replay.c - runs a fuzz target over its committed corpus, as a TAP program for "make check".
 *
 * Use      compiled with -DFUZZ_CORPUS="name"; the files are $top_srcdir/tests/fuzz/corpus/name/.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fsutil.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool replay(const char *folder, const char *name)
{
    char *path = fs_join(folder, name);
    struct strbuf bytes = STRBUF_INIT;
    struct err err = ERR_INIT;
    bool good = fs_read(path, 1 << 20, &bytes, &err);

    if (good)
        LLVMFuzzerTestOneInput((const uint8_t *)bytes.data, bytes.len); /* aborts when it fails */
    else
        printf("# %s\n", err.msg);
    strbuf_clear(&bytes);
    free(path);
    return good;
}

int main(void)
{
    const char *top = getenv("top_srcdir");
    char *folder = fs_join(top ? top : ".", "tests/fuzz/corpus/" FUZZ_CORPUS);
    struct dirent *entry;
    char *names[1024];
    size_t n = 0;
    DIR *dir = opendir(folder);
    int failed = 0;

    while (dir && (entry = readdir(dir)) && n < 1024) {
        if (entry->d_name[0] != '.')
            names[n++] = strdup(entry->d_name);
    }
    if (dir)
        closedir(dir);
    qsort(names, n, sizeof(names[0]), compare);
    printf("1..%zu\n", n > 0 ? n : 1);
    if (n == 0)
        printf("not ok 1 - no corpus in %s\n", folder);
    failed = n == 0;
    for (size_t i = 0; i < n; i++) {
        bool good = replay(folder, names[i]);

        printf("%sok %zu - %s\n", good ? "" : "not ", i + 1, names[i]);
        fflush(stdout);
        failed |= !good;
        free(names[i]);
    }
    free(folder);
    return failed;
}
