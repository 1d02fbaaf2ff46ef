/* publish_crl.c - the current lists of revoked certificates go to the server: there is nothing to be
 * answered before, so the plan's page is the page. */
#include "config.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "screens/pages.h"
#include "screens/plan_page.h"

static struct plan *publish_build(const void *data, const struct attempt_tools *tools,
                                  struct err *err)
{
    (void)data;
    return plan_publish_crl(tools->target, err);
}

static void publish_command(const void *data, const char *server, struct strbuf *out)
{
    (void)data;
    strbuf_printf(out, "pgseal server crl %s\n", server);
}

static void *publish_copy(const void *data)
{
    return mem_strdup(data);
}

static const struct attempt_intent publish_intent = {.name = "server crl",
                                                     .members = attempt_for_members,
                                                     .missed = SERVER_MISSED_CRLS,
                                                     .build = publish_build,
                                                     .command = publish_command,
                                                     .copy = publish_copy,
                                                     .free = free};
static const struct plan_page_spec publish_spec = {
    .title = N_("Publish the CRLs"),
    .path = N_("CRL"),
    .next = N_("What is revoked in these lists is refused from now on. Sessions that were open "
               "stay open."),
    .word = "CRL",
    .intent = &publish_intent};

struct screen *page_publish_crl(struct app *app)
{
    return page_plan(app, &publish_spec, mem_strdup(""));
}
