/*
 * store.c - a store that grows from 10 to 1,000,000 certificates, and what each look into it costs.
 *
 * Usage    store FOLDER [MAX]; FOLDER/store is made, and left for others to look at.
 * Shapes   the certificates are copies of three that were signed, with other serial numbers and roles in
 *          them: their signatures are wrong, and nobody asks. Of ten, one is revoked, one has ended,
 *          one ends soon. The rows go through SQLite as those of a real one do, with all indexes.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/issued.h"
#include "core/store/sql.h"

#define RUNS       9
#define PAGE       50
#define ROLE       "role0000000"
#define SIZES_MAX  8
#define SERIAL_LEN 16

enum { TEMPLATE_USUAL, TEMPLATE_ENDED, TEMPLATE_ENDS_SOON, TEMPLATE_COUNT };

struct template
{
    struct strbuf der;
    struct serial serial;
    int64_t not_before, not_after;
};

struct bench {
    char *folder; /* of the store */
    struct store *store;
    struct authority *authority;
    struct key *key;
    struct template templates[TEMPLATE_COUNT];
    int64_t n;              /* certificates so far */
    struct serial a_serial; /* of one in the middle */
};

static struct err err;
static int64_t shift; /* of the clock, while what has ended is made */

static int64_t shifted_now(void)
{
    return (int64_t)time(NULL) + shift;
}

static void must(bool ok)
{
    if (ok)
        return;
    fprintf(stderr, "store: %s\n", err.msg);
    exit(1);
}

static int64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- the rows ---- */

static void make_template(struct bench *bench, int which, int days)
{
    struct template *template = &bench->templates[which];
    struct key *own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct issue_spec spec = {.role = ROLE, .days = days, .key = own};
    struct issued *issued = issued_make(bench->store, bench->authority, bench->key, &spec, &err);

    must(own != NULL && issued != NULL && cert_to_der(issued->cert, &template->der, &err));
    template->serial = issued->serial;
    template->not_before = issued->not_before;
    template->not_after = issued->not_after;
    issued_free(issued);
    key_free(own);
}

static void replace_all(struct strbuf *der, const void *from, const void *to, size_t len)
{
    char *at = der->data;

    while ((at = memmem(at, der->len - (size_t)(at - der->data), from, len)) != NULL) {
        memcpy(at, to, len);
        at += len;
    }
}

static void add_row(struct bench *bench, struct sql *adder, int64_t number)
{
    int which = number % 10 == 1   ? TEMPLATE_ENDED
                : number % 10 == 2 ? TEMPLATE_ENDS_SOON
                                   : TEMPLATE_USUAL;
    const struct template *template = &bench->templates[which];
    struct strbuf der = STRBUF_INIT;
    struct serial serial;
    char role[sizeof(ROLE) + 16];
    char subject[sizeof(role) + 3];
    char note[32];

    must(serial_random(&serial, &err));
    (void)snprintf(role, sizeof(role), "role%07lld", (long long)number);
    (void)snprintf(subject, sizeof(subject), "CN=%s", role);
    (void)snprintf(note, sizeof(note), "ticket %lld", (long long)number);
    strbuf_add(&der, template->der.data, template->der.len);
    replace_all(&der, template->serial.bytes, serial.bytes, SERIAL_LEN);
    replace_all(&der, ROLE, role, sizeof(ROLE) - 1);
    sql_bind_int(adder, 1, bench->authority->id);
    sql_bind_text(adder, 2, role);
    sql_bind_text(adder, 3, subject);
    sql_bind_text(adder, 4, number % 100 == 0 ? note : NULL);
    sql_bind_blob(adder, 5, serial.bytes, serial.len);
    sql_bind_int(adder, 6, template->not_before);
    sql_bind_int(adder, 7, template->not_after + number % 86400);
    sql_bind_int(adder, 8, clock_now());
    if (number % 10 == 0)
        sql_bind_int(adder, 9, clock_now());
    else
        sql_bind_null(adder, 9);
    sql_bind_blob(adder, 10, der.data, der.len);
    must(sql_again(adder, &err));
    if (number == 5)
        bench->a_serial = serial;
    strbuf_clear(&der);
}

static void grow(struct bench *bench, int64_t size)
{
    struct sql *adder;

    /* only for the making: nobody waits for the disk */
    must(sql_exec(bench->store, "PRAGMA synchronous = OFF; PRAGMA cache_size = -262144", &err) &&
         store_begin(bench->store, &err));
    adder = sql_new(bench->store,
                    "INSERT INTO issued (authority_id, kind, role, subject, note, serial,"
                    " not_before, not_after, created_at, delivered_at, revoked_at, reason, cert)"
                    " VALUES (?1, 0, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, 0, ?10)",
                    &err);
    must(adder != NULL);
    for (; bench->n < size; bench->n++)
        add_row(bench, adder, bench->n);
    sql_free(adder);
    must(store_commit(bench->store, &err));
    store_close(bench->store);
    bench->store = NULL;
}

static void begin(struct bench *bench, const char *folder)
{
    struct authority_spec spec = {.name = "Bench"};

    clock_replace(shifted_now);
    shift = -400 * CLOCK_DAY;
    bench->folder = fs_join(folder, "store");
    bench->store = store_open(bench->folder, STORE_CREATE, &err);
    must(bench->store != NULL);
    bench->authority = authority_create(bench->store, &spec, &err);
    must(bench->authority != NULL);
    bench->key = authority_unlock(bench->store, bench->authority, NULL, &err);
    must(bench->key != NULL);
    make_template(bench, TEMPLATE_ENDED, 365);
    shift = 0;
    make_template(bench, TEMPLATE_USUAL, 365);
    make_template(bench, TEMPLATE_ENDS_SOON, 10);
    bench->n = TEMPLATE_COUNT;
}

/* ---- the looks ---- */

static void page(struct bench *bench, struct issued_filter filter, bool must_find)
{
    struct issued_list list = {.n = 0};

    filter.limit = PAGE;
    must(issued_list(bench->store, &filter, &list, &err));
    if (must_find && list.n == 0) {
        fprintf(stderr, "store: nothing was found\n");
        exit(1);
    }
    issued_list_clear(&list);
}

static void look_first(struct bench *bench)
{
    store_close(bench->store);
    bench->store = store_open(bench->folder, STORE_READ, &err);
    must(bench->store != NULL);
    page(bench, (struct issued_filter){.state = -1}, true);
}

static void look_role(struct bench *bench)
{
    page(bench, (struct issued_filter){.state = -1, .role = "role0000005"}, true);
}

static void look_role_prefix(struct bench *bench)
{
    page(bench, (struct issued_filter){.state = -1, .search = "role00"}, true);
}

static void look_serial(struct bench *bench)
{
    char hex[SERIAL_HEX_MAX];

    serial_format_hex(hex, &bench->a_serial);
    hex[8] = '\0';
    page(bench, (struct issued_filter){.state = -1, .search = hex}, true);
}

static void look_decimal(struct bench *bench)
{
    char decimal[SERIAL_DECIMAL_MAX];
    struct issued *found =
        issued_find(bench->store, serial_format_decimal(decimal, &bench->a_serial), &err);

    must(found != NULL);
    issued_free(found);
}

static void look_note(struct bench *bench)
{
    page(bench, (struct issued_filter){.state = -1, .note = "ticket"}, bench->n > 100);
}

static void look_valid(struct bench *bench)
{
    page(bench, (struct issued_filter){.state = ISSUED_VALID}, true);
}

static void look_expiring(struct bench *bench)
{
    page(bench, (struct issued_filter){.state = ISSUED_EXPIRING}, true);
}

static void look_expired(struct bench *bench)
{
    page(bench, (struct issued_filter){.state = ISSUED_EXPIRED}, true);
}

static void look_revoked(struct bench *bench)
{
    page(bench, (struct issued_filter){.state = ISSUED_REVOKED}, bench->n >= 20);
}

static void look_undelivered(struct bench *bench)
{
    struct issued_list list = {.n = 0};

    must(issued_undelivered(bench->store, NULL, PAGE, &list, &err));
    issued_list_clear(&list);
}

static const struct look {
    const char *what;
    void (*run)(struct bench *bench);
} looks[] = {
    {"open it, first page of the list", look_first},
    {"one role", look_role},
    {"roles that begin with \"role00\"", look_role_prefix},
    {"serial number, 8 hex digits", look_serial},
    {"serial number, decimal", look_decimal},
    {"notes that begin with \"ticket\"", look_note},
    {"state valid, first page and count", look_valid},
    {"state expiring", look_expiring},
    {"state expired", look_expired},
    {"state revoked", look_revoked},
    {"never delivered", look_undelivered},
};

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static int64_t median_us(struct bench *bench, const struct look *look)
{
    int64_t took[RUNS];

    for (int i = 0; i < RUNS; i++) {
        int64_t start = now_us();

        look->run(bench);
        took[i] = now_us() - start;
    }
    qsort(took, RUNS, sizeof(took[0]), by_number);
    return took[RUNS / 2];
}

static void print_table(const int64_t *sizes, int n_sizes,
                        int64_t took[ARRAY_LEN(looks)][SIZES_MAX])
{
    printf("  %-36s", "ms, median of 9; certificates:");
    for (int i = 0; i < n_sizes; i++)
        printf("%10lld", (long long)sizes[i]);
    printf("\n");
    for (size_t j = 0; j < ARRAY_LEN(looks); j++) {
        printf("  %-36s", looks[j].what);
        for (int i = 0; i < n_sizes; i++)
            printf("%10.2f", (double)took[j][i] / 1000);
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    static int64_t took[ARRAY_LEN(looks)][SIZES_MAX];
    struct bench bench = {.n = 0};
    int64_t sizes[SIZES_MAX];
    int64_t max = 1000000;
    int n_sizes = 0;

    if (argc < 2 || (argc > 2 && !text_parse_int(argv[2], 10, 9000000, &max))) {
        fprintf(stderr, "usage: store FOLDER [10..9000000]\n");
        return 2;
    }
    begin(&bench, argv[1]);
    for (int64_t size = 10; size <= max && n_sizes < SIZES_MAX; size *= size < 1000 ? 100 : 10) {
        if (bench.store == NULL)
            bench.store = store_open(bench.folder, STORE_WRITE, &err);
        must(bench.store != NULL);
        grow(&bench, size);
        for (size_t j = 0; j < ARRAY_LEN(looks); j++)
            took[j][n_sizes] = median_us(&bench, &looks[j]);
        store_close(bench.store);
        bench.store = NULL;
        sizes[n_sizes++] = size;
    }
    print_table(sizes, n_sizes, took);
    for (int i = 0; i < TEMPLATE_COUNT; i++)
        strbuf_clear(&bench.templates[i].der);
    authority_free(bench.authority);
    key_free(bench.key);
    free(bench.folder);
    return 0;
}
