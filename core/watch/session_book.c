/* session_book.c - the certificates behind sessions, looked up once and remembered. */
#include "config.h"

#include "core/watch/session_book.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/name.h"
#include "core/store/issued_many.h"

#define ENTRIES_MAX 20000 /* certificates remembered; beyond it the book starts anew */
#define SLOTS_MIN   64

struct entry {
    char *issuer; /* as the server sent it */
    char *serial; /* decimal */
    struct session_certificate certificate;
};

struct stamp { /* of the store's file: whether somebody wrote to it */
    int64_t seconds, nanoseconds;
    uint64_t inode, size;
};

struct session_book {
    struct entry **slots; /* open addressing; NULL is free */
    size_t n_slots, n;
    struct stamp stamp; /* of what the entries were read from */
};

struct session_lookup {
    char *store_folder; /* or NULL */
    struct entry **entries;
    size_t n;
    bool all; /* the store has changed: nothing that the book has counts any more */
    struct stamp stamp;
};

static void entry_free(struct entry *entry)
{
    if (!entry)
        return;
    free(entry->issuer);
    free(entry->serial);
    free(entry->certificate.role);
    free(entry->certificate.authority);
    free(entry->certificate.newer_ca);
    free(entry);
}

/* ---- the table ---- */

/* FNV-1a. An attacker who makes keys that collide needs certificates from a CA that is trusted. */
static size_t hash_of(const char *issuer, const char *serial)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (const char *at = serial; *at; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    for (const char *at = issuer; *at; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    return (size_t)(hash ^ hash >> 32);
}

static struct entry **slot_of(struct entry **slots, size_t n_slots, const char *issuer,
                              const char *serial)
{
    size_t at = hash_of(issuer, serial) & (n_slots - 1);

    while (slots[at] &&
           (strcmp(slots[at]->serial, serial) != 0 || strcmp(slots[at]->issuer, issuer) != 0))
        at = (at + 1) & (n_slots - 1);
    return &slots[at];
}

static void forget_all(struct session_book *book)
{
    for (size_t i = 0; i < book->n_slots; i++) {
        entry_free(book->slots[i]);
        book->slots[i] = NULL;
    }
    book->n = 0;
}

static void grow(struct session_book *book)
{
    size_t n_slots = book->n_slots ? book->n_slots * 2 : SLOTS_MIN;
    struct entry **slots = mem_array(n_slots, sizeof(struct entry *));

    for (size_t i = 0; i < book->n_slots; i++)
        if (book->slots[i])
            *slot_of(slots, n_slots, book->slots[i]->issuer, book->slots[i]->serial) =
                book->slots[i];
    free(book->slots);
    book->slots = slots;
    book->n_slots = n_slots;
}

struct session_book *session_book_new(void)
{
    struct session_book *book = mem_zalloc(sizeof(*book));

    grow(book);
    return book;
}

void session_book_free(struct session_book *book)
{
    if (!book)
        return;
    forget_all(book);
    free(book->slots);
    free(book);
}

const struct session_certificate *session_book_find(const struct session_book *book,
                                                    const struct session *session)
{
    const struct entry *entry;

    if (session->class != SESSION_TLS_CERT)
        return NULL;
    entry = *slot_of(book->slots, book->n_slots, session->issuer_dn_raw, session->client_serial);
    return entry ? &entry->certificate : NULL;
}

/* ---- what is to be looked up ---- */

static struct stamp stamp_of(const char *store_folder)
{
    struct stamp stamp = {0, 0, 0, 0};
    struct stat st;
    char *path;

    if (!store_folder)
        return stamp;
    path = fs_join(store_folder, "pgseal.db");
    if (stat(path, &st) == 0)
        stamp = (struct stamp){st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (uint64_t)st.st_ino,
                               (uint64_t)st.st_size};
    free(path);
    return stamp;
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
    return a->seconds == b->seconds && a->nanoseconds == b->nanoseconds && a->inode == b->inode &&
           a->size == b->size;
}

struct session_lookup *session_book_wanted(struct session_book *book,
                                           const struct sessions *sessions,
                                           const char *store_folder)
{
    struct session_lookup *lookup = mem_zalloc(sizeof(*lookup));
    struct session_book seen = {NULL, 0, 0, {0, 0, 0, 0}};

    lookup->stamp = stamp_of(store_folder);
    lookup->all = !same_stamp(&lookup->stamp, &book->stamp);
    for (size_t i = 0; i < sessions->n; i++) {
        const struct session *session = &sessions->rows[i];
        struct entry *entry, **slot;

        if (session->class != SESSION_TLS_CERT ||
            (!lookup->all && session_book_find(book, session)))
            continue;
        if (seen.n * 2 >= seen.n_slots)
            grow(&seen);
        slot = slot_of(seen.slots, seen.n_slots, session->issuer_dn_raw, session->client_serial);
        if (*slot)
            continue;
        entry = mem_zalloc(sizeof(*entry));
        entry->issuer = mem_strdup(session->issuer_dn_raw);
        entry->serial = mem_strdup(session->client_serial);
        *slot = entry;
        seen.n++;
    }
    lookup->entries = mem_array(seen.n + 1, sizeof(struct entry *));
    for (size_t i = 0; i < seen.n_slots; i++)
        if (seen.slots[i])
            lookup->entries[lookup->n++] = seen.slots[i];
    free(seen.slots);
    if (lookup->n == 0) {
        session_lookup_free(lookup);
        return NULL;
    }
    lookup->store_folder = mem_strdup(store_folder);
    return lookup;
}

void session_lookup_free(struct session_lookup *lookup)
{
    if (!lookup)
        return;
    for (size_t i = 0; i < lookup->n; i++)
        entry_free(lookup->entries[i]);
    free(lookup->entries);
    free(lookup->store_folder);
    free(lookup);
}

/* ---- the look-up ---- */

int session_book_generation(const char *name, size_t *ret_len)
{
    size_t len = strlen(name);
    size_t at = len;
    int64_t number = 1;

    while (at > 0 && isdigit((unsigned char)name[at - 1]))
        at--;
    *ret_len = len;
    if (at < 3 || at == len || name[at - 1] != 'G' || name[at - 2] != ' ' ||
        !text_parse_int(name + at, 2, 99999, &number))
        return 1;
    *ret_len = at - 2;
    return (int)number;
}

/* The latest generation of this CA that is in use, when it is a later one. */
static const char *newer_than(const struct authority_list *list, const char *name)
{
    size_t len, other_len;
    int newest = session_book_generation(name, &len);
    const char *found = NULL;

    for (size_t i = 0; i < list->n; i++) {
        int generation = session_book_generation(list->rows[i]->name, &other_len);

        if (list->rows[i]->retired || generation <= newest || other_len != len ||
            strncasecmp(list->rows[i]->name, name, len) != 0)
            continue;
        newest = generation;
        found = list->rows[i]->name;
    }
    return found;
}

static bool is_issuer_of_ours(const struct authority_list *list, const char *issuer)
{
    bool found = false;

    for (size_t i = 0; i < list->n && !found; i++) {
        struct name *subject = cert_subject(list->rows[i]->cert);
        char as_shown[NAME_PG_SIZE];

        name_format_pg(subject, as_shown);
        found = strcmp(as_shown, issuer) == 0;
        name_free(subject);
    }
    return found;
}

/* Whether a later certificate of the same role is good, and good for longer. */
static bool find_newer(struct store *store, const struct issued *issued, bool *ret, struct err *err)
{
    /* The newest first; of these few some may be revoked, or a server's. */
    struct issued_filter filter = {.role = issued->role, .state = -1, .limit = 8, .no_total = true};
    struct issued_list list = {.n = 0};

    if (!issued_list(store, &filter, &list, err))
        return false;
    *ret = false;
    for (size_t i = 0; i < list.n && list.rows[i]->id > issued->id; i++)
        *ret |= list.rows[i]->kind == issued->kind && list.rows[i]->revoked_at == 0 &&
                list.rows[i]->not_after > issued->not_after;
    issued_list_clear(&list);
    return true;
}

static bool look_up(struct store *store, const struct authority_list *authorities,
                    struct entry *entry, struct err *err)
{
    struct session_certificate *ret = &entry->certificate;
    struct issued *issued = NULL;
    const char *newer;

    ret->our_issuer = is_issuer_of_ours(authorities, entry->issuer);
    if (!issued_find_session(store, entry->issuer, entry->serial, &issued, err))
        return false;
    if (!issued)
        return true;
    if (!find_newer(store, issued, &ret->superseded, err)) {
        issued_free(issued);
        return false;
    }
    ret->role = mem_strdup(issued->role);
    ret->authority = mem_strdup(issued->authority);
    ret->kind = issued->kind;
    ret->not_after = issued->not_after;
    ret->revoked_at = issued->revoked_at;
    serial_format_hex(ret->serial_hex, &issued->serial);
    newer = newer_than(authorities, issued->authority);
    ret->newer_ca = mem_strdup(newer);
    for (size_t i = 0; i < authorities->n; i++)
        if (authorities->rows[i]->id == issued->authority_id)
            ret->ca_retired = authorities->rows[i]->retired;
    ret->known = true;
    issued_free(issued);
    return true;
}

bool session_lookup_run(struct session_lookup *lookup, bool (*cancelled)(void *arg), void *arg,
                        struct err *err)
{
    struct authority_list authorities = {NULL, 0};
    struct err why = ERR_INIT;
    struct store *store = NULL;
    bool ok = true;

    if (!lookup->store_folder)
        return true;
    store = store_open(lookup->store_folder, STORE_READ, &why);
    if (!store) {
        if (why.code == ERR_NO_STORE)
            return true;
        *err = why;
        return false;
    }
    ok = authority_list(store, &authorities, err);
    for (size_t i = 0; ok && i < lookup->n && (!cancelled || !cancelled(arg)); i++)
        ok = look_up(store, &authorities, lookup->entries[i], err);
    authority_list_clear(&authorities);
    store_close(store);
    return ok;
}

bool session_lookup_names(struct session_lookup *lookup, struct store *store, struct err *err)
{
    struct issued_name *names = mem_array(lookup->n + 1, sizeof(*names));
    bool ok;

    for (size_t i = 0; i < lookup->n; i++)
        names[i] = (struct issued_name){.issuer_dn = lookup->entries[i]->issuer,
                                        .serial_decimal = lookup->entries[i]->serial};
    ok = issued_name_authorities(store, names, lookup->n, err);
    for (size_t i = 0; i < lookup->n; i++) {
        lookup->entries[i]->certificate.known = ok && names[i].authority != NULL;
        lookup->entries[i]->certificate.authority = names[i].authority;
    }
    free(names);
    return ok;
}

void session_book_take(struct session_book *book, struct session_lookup *taken)
{
    if (taken->all || book->n + taken->n > ENTRIES_MAX)
        forget_all(book); /* what the sessions of today do not use is looked up when it comes */
    for (size_t i = 0; i < taken->n; i++) {
        struct entry *entry = taken->entries[i];
        struct entry **slot;

        if (book->n * 2 >= book->n_slots)
            grow(book);
        slot = slot_of(book->slots, book->n_slots, entry->issuer, entry->serial);
        if (*slot)
            entry_free(*slot);
        else
            book->n++;
        *slot = entry;
    }
    book->stamp = taken->stamp;
    taken->n = 0;
    session_lookup_free(taken);
}
