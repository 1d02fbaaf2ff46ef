/* hba_match.c - which line fits a client: the first one decides. */
#include "config.h"

#include "core/pg/hba_line.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/mem.h"
#include "core/base/text.h"

/* ---- addresses ---- */

bool hba_range_address(const char *text, struct hba_range *ret)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_family = AF_UNSPEC};
    struct addrinfo *found = NULL;
    bool good = true;

    /* AI_NUMERICHOST: PostgreSQL asks the same way, and nothing is looked up */
    if (*text == '\0' || getaddrinfo(text, NULL, &hints, &found) != 0)
        return false;
    *ret = (struct hba_range){.family = found->ai_family};
    if (found->ai_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, found->ai_addr, sizeof(in));
        ret->len = 4;
        memcpy(ret->address, &in.sin_addr, ret->len);
    } else if (found->ai_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, found->ai_addr, sizeof(in6));
        ret->len = 16;
        memcpy(ret->address, &in6.sin6_addr, ret->len);
    } else {
        good = false;
    }
    memset(ret->mask, 0xff, ret->len);
    freeaddrinfo(found);
    return good;
}

bool hba_range_bits(struct hba_range *range, const char *bits)
{
    int64_t n;

    if (!text_parse_int(bits, 0, (int64_t)range->len * 8, &n))
        return false;
    for (size_t i = 0; i < range->len; i++) {
        int64_t left = n - (int64_t)i * 8;

        range->mask[i] = (unsigned char)(left >= 8 ? 0xff : left <= 0 ? 0 : 0xff00 >> left);
    }
    return true;
}

static bool overlap(const struct hba_range *a, const struct hba_range *b)
{
    if (a->family != b->family)
        return false;
    if (a->len == 4) {
        uint32_t x, y, mask_x, mask_y;

        memcpy(&x, a->address, 4);
        memcpy(&y, b->address, 4);
        memcpy(&mask_x, a->mask, 4);
        memcpy(&mask_y, b->mask, 4);
        return ((x ^ y) & mask_x & mask_y) == 0;
    }
    for (size_t i = 0; i < a->len; i++) {
        if ((a->address[i] ^ b->address[i]) & a->mask[i] & b->mask[i])
            return false;
    }
    return true;
}

/* "10.0.0.0/8", "10.0.0.1", "::1" with mask NULL or as in the file. */
static bool range_of(const char *address, const char *mask, struct hba_range *ret)
{
    char *host = mem_strdup(address);
    char *slash = strchr(host, '/');
    bool good;

    if (slash)
        *slash = '\0';
    good = hba_range_address(host, ret) && (!slash || hba_range_bits(ret, slash + 1));
    free(host);
    if (good && mask) {
        struct hba_range m;

        good = hba_range_address(mask, &m) && m.family == ret->family;
        if (good)
            memcpy(ret->mask, m.address, sizeof(ret->mask));
    }
    return good;
}

static bool is_loopback(const struct hba_range *range)
{
    static const unsigned char v6[16] = {[15] = 1};

    return range->family == AF_INET ? range->address[0] == 127
                                    : memcmp(range->address, v6, sizeof(v6)) == 0;
}

/* What stands in a line's address, or what a client comes from: read once, asked often. */
enum where_kind { WHERE_NONE, WHERE_ALL, WHERE_KEYWORD, WHERE_RANGE, WHERE_NAME };
struct where {
    enum where_kind kind;
    struct hba_range range;
};

static struct where where_of(const char *address, const char *mask)
{
    struct where where = {.kind = WHERE_NAME};

    if (!address)
        where.kind = WHERE_NONE;
    else if (strcmp(address, "all") == 0)
        where.kind = WHERE_ALL;
    else if (strcmp(address, "samehost") == 0 || strcmp(address, "samenet") == 0)
        where.kind = WHERE_KEYWORD;
    else if (range_of(address, mask, &where.range))
        where.kind = WHERE_RANGE;
    return where;
}

static enum hba_fit address_fits(const struct where *line, const struct where *client)
{
    if (line->kind == WHERE_ALL)
        return HBA_FIT_YES;
    if (client->kind == WHERE_ALL)
        return line->kind == WHERE_RANGE ? HBA_FIT_YES : HBA_FIT_MAYBE;
    if (client->kind != WHERE_RANGE)
        return HBA_FIT_MAYBE;
    if (line->kind == WHERE_KEYWORD)
        return is_loopback(&client->range) ? HBA_FIT_YES : HBA_FIT_MAYBE;
    if (line->kind != WHERE_RANGE)
        return HBA_FIT_MAYBE; /* a host name */
    return overlap(&line->range, &client->range) ? HBA_FIT_YES : HBA_FIT_NO;
}

/* ---- names ---- */

/* Most names differ in their first character: a call for each would be most of the time. */
static bool same(const char *a, const char *b)
{
    return a[0] == b[0] && strcmp(a, b) == 0;
}

static bool is_member(const struct hba_client *client, const char *group)
{
    if (text_equal(client->role, group))
        return true;
    for (size_t i = 0; i < client->n_member_of; i++) {
        if (strcmp(client->member_of[i], group) == 0)
            return true;
    }
    return false;
}

static enum hba_fit yes_if(bool fits)
{
    return fits ? HBA_FIT_YES : HBA_FIT_NO;
}

/* "@file", and since 16 "/pattern" (a file for an older server has no use for such a name). */
static bool cannot_tell(const char *name, bool quoted)
{
    return name[0] == '/' || (!quoted && name[0] == '@' && name[1] != '\0');
}

static enum hba_fit database_fits(const char *name, bool quoted, const struct hba_client *client)
{
    bool replication = !quoted && same(name, "replication");

    if (client->replication)
        return replication ? HBA_FIT_YES : cannot_tell(name, quoted) ? HBA_FIT_MAYBE : HBA_FIT_NO;
    if (replication)
        return HBA_FIT_NO;
    if (!client->database)
        return HBA_FIT_YES;
    if (cannot_tell(name, quoted))
        return HBA_FIT_MAYBE;
    if (!quoted && same(name, "all"))
        return HBA_FIT_YES;
    if (!quoted && same(name, "sameuser"))
        return yes_if(text_equal(client->database, client->role));
    if (!quoted && (same(name, "samerole") || same(name, "samegroup")))
        return yes_if(is_member(client, client->database));
    return yes_if(same(name, client->database));
}

static enum hba_fit role_fits(const char *name, bool quoted, const struct hba_client *client)
{
    if (cannot_tell(name, quoted))
        return HBA_FIT_MAYBE;
    if (!quoted && same(name, "all"))
        return HBA_FIT_YES;
    if (!quoted && name[0] == '+')
        return yes_if(is_member(client, name + 1));
    return yes_if(client->role && same(name, client->role));
}

static enum hba_fit any_name(char *const *names, const bool *quoted, size_t n,
                             const struct hba_client *client,
                             enum hba_fit (*fits)(const char *, bool, const struct hba_client *))
{
    enum hba_fit best = HBA_FIT_NO;

    for (size_t i = 0; i < n; i++) {
        enum hba_fit fit = fits(names[i], quoted && quoted[i], client);

        if (fit > best)
            best = fit;
    }
    return best;
}

/* ---- lines ---- */

static bool type_fits(enum hba_type type, const struct hba_client *client)
{
    if (!client->address)
        return type == HBA_LOCAL;
    switch (type) {
    case HBA_LOCAL:
        return false;
    case HBA_HOST:
        return true;
    case HBA_HOSTSSL:
        return client->tls;
    case HBA_HOSTNOSSL:
        return !client->tls;
    case HBA_HOSTGSSENC:
        return client->gss;
    case HBA_HOSTNOGSSENC:
        return !client->gss;
    }
    return false;
}

static enum hba_fit weaker(enum hba_fit a, enum hba_fit b)
{
    return a < b ? a : b;
}

static enum hba_fit missed(enum hba_miss *ret, enum hba_miss what)
{
    *ret = what;
    return HBA_FIT_NO;
}

static enum hba_fit line_fits(const struct hba_line *line, const struct where *line_where,
                              const struct hba_client *client, const struct where *client_where,
                              enum hba_miss *ret_miss)
{
    const struct hba_rule *rule = &line->rule;
    enum hba_fit database, role, address = HBA_FIT_YES;

    *ret_miss = HBA_MISS_NONE;
    if (line->kind == HBA_INCLUDE)
        return HBA_FIT_MAYBE;
    if (line->kind != HBA_RULE)
        return missed(ret_miss, HBA_MISS_NO_RULE);
    if (!type_fits(rule->type, client))
        return missed(ret_miss, HBA_MISS_TYPE);
    database =
        any_name(rule->databases, rule->databases_quoted, rule->n_databases, client, database_fits);
    if (database == HBA_FIT_NO)
        return missed(ret_miss, HBA_MISS_DATABASE);
    role = any_name(rule->roles, rule->roles_quoted, rule->n_roles, client, role_fits);
    if (role == HBA_FIT_NO)
        return missed(ret_miss, HBA_MISS_ROLE);
    if (client->address)
        address = address_fits(line_where, client_where);
    if (address == HBA_FIT_NO)
        return missed(ret_miss, HBA_MISS_ADDRESS);
    return weaker(weaker(database, role), address);
}

enum hba_fit hba_fits_why(const struct hba_line *line, const struct hba_client *client,
                          enum hba_miss *ret_miss)
{
    struct where line_where = where_of(line->rule.address, line->rule.mask);
    struct where client_where = where_of(client->address, NULL);

    return line_fits(line, &line_where, client, &client_where, ret_miss);
}

enum hba_fit hba_fits(const struct hba_line *line, const struct hba_client *client)
{
    enum hba_miss miss;

    return hba_fits_why(line, client, &miss);
}

/* ---- what a line asks for ---- */

const char *hba_rule_option(const struct hba_rule *rule, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < rule->n_options; i++) {
        if (strncmp(rule->options[i], name, len) == 0 && rule->options[i][len] == '=')
            return rule->options[i] + len + 1;
    }
    return NULL;
}

bool hba_rule_needs_cert(const struct hba_rule *rule)
{
    const char *wanted = hba_rule_option(rule, "clientcert");

    /* "1" is what 13 and older had for verify-ca */
    return strcmp(rule->method, "cert") == 0 ||
           (wanted && strcmp(wanted, "no-verify") != 0 && strcmp(wanted, "0") != 0);
}

/* ---- files ---- */

/* The names of a field, when all of them are plain ones: then one number tells most of them apart. */
struct plain {
    uint32_t *hashes; /* owned; NULL: keywords, groups or files are among them */
    size_t n;
};
struct quick {
    struct where where;
    struct plain databases, roles;
};
struct hba_matcher {
    const struct hba *hba;
    struct quick *lines; /* one for each line */
};

static uint32_t hash_of(const char *name) /* FNV-1a */
{
    uint32_t hash = UINT32_C(2166136261);

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * UINT32_C(16777619);
    return hash;
}

static bool is_plain(const char *name, bool quoted)
{
    static const char *const keywords[] = {"all", "sameuser", "samerole", "samegroup",
                                           "replication"};

    if (name[0] == '/')
        return false;
    if (quoted)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
        if (same(name, keywords[i]))
            return false;
    }
    return name[0] != '+' && name[0] != '@';
}

static struct plain plain_of(char *const *names, const bool *quoted, size_t n)
{
    struct plain plain = {.n = n};

    for (size_t i = 0; i < n; i++) {
        if (!is_plain(names[i], quoted && quoted[i]))
            return (struct plain){.n = 0};
    }
    plain.hashes = mem_array(n + 1, sizeof(plain.hashes[0]));
    for (size_t i = 0; i < n; i++)
        plain.hashes[i] = hash_of(names[i]);
    return plain;
}

static bool cannot_be(const struct plain *plain, uint32_t hash)
{
    if (!plain->hashes)
        return false;
    for (size_t i = 0; i < plain->n; i++) {
        if (plain->hashes[i] == hash)
            return false;
    }
    return true;
}

struct hba_matcher *hba_matcher_new(const struct hba *hba)
{
    struct hba_matcher *matcher = mem_zalloc(sizeof(*matcher));

    matcher->hba = hba;
    matcher->lines = mem_array(hba->n + 1, sizeof(matcher->lines[0]));
    for (size_t i = 0; i < hba->n; i++) {
        const struct hba_rule *rule = &hba->lines[i].rule;
        struct quick *quick = &matcher->lines[i];

        if (hba->lines[i].kind != HBA_RULE)
            continue;
        quick->where = where_of(rule->address, rule->mask);
        quick->databases = plain_of(rule->databases, rule->databases_quoted, rule->n_databases);
        quick->roles = plain_of(rule->roles, rule->roles_quoted, rule->n_roles);
    }
    return matcher;
}

void hba_matcher_free(struct hba_matcher *matcher)
{
    if (!matcher)
        return;
    for (size_t i = 0; i < matcher->hba->n; i++) {
        free(matcher->lines[i].databases.hashes);
        free(matcher->lines[i].roles.hashes);
    }
    free(matcher->lines);
    free(matcher);
}

/* Who asks, read once. */
struct asker {
    struct where where;
    uint32_t database, role;
    bool has_database, has_role;
};

/* The cheap questions, which most lines of a long file fail; a false "no" is not possible. */
static bool surely_not(const struct quick *quick, const struct asker *asker)
{
    return (quick->where.kind == WHERE_RANGE && asker->where.kind == WHERE_RANGE &&
            !overlap(&quick->where.range, &asker->where.range)) ||
           (asker->has_role && cannot_be(&quick->roles, asker->role)) ||
           (asker->has_database && cannot_be(&quick->databases, asker->database));
}

int hba_matcher_first(const struct hba_matcher *matcher, const struct hba_client *client,
                      bool *ret_sure)
{
    const struct hba *hba = matcher->hba;
    struct asker asker = {.where = where_of(client->address, NULL),
                          .has_role = client->role != NULL,
                          .has_database = client->database && !client->replication};
    bool sure = true;
    int found = -1;

    if (asker.has_role)
        asker.role = hash_of(client->role);
    if (asker.has_database)
        asker.database = hash_of(client->database);
    for (size_t i = 0; i < hba->n && found < 0; i++) {
        const struct quick *quick = &matcher->lines[i];
        enum hba_miss miss;
        enum hba_fit fit;

        if (hba->lines[i].kind == HBA_RULE && surely_not(quick, &asker))
            continue;
        fit = line_fits(&hba->lines[i], &quick->where, client, &asker.where, &miss);
        if (fit == HBA_FIT_MAYBE || hba->lines[i].kind == HBA_BAD)
            sure = false;
        if (fit != HBA_FIT_NO)
            found = (int)i;
    }
    if (ret_sure)
        *ret_sure = sure;
    return found;
}

int hba_first_match(const struct hba *hba, const struct hba_client *client, bool *ret_sure)
{
    struct hba_matcher *matcher = hba_matcher_new(hba);
    int found = hba_matcher_first(matcher, client, ret_sure);

    hba_matcher_free(matcher);
    return found;
}
