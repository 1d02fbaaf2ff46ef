/* key_protection.c - the fields that ask for the passphrase of a new private key. */
#include "config.h"

#include "screens/key_protection.h"

#include <stdio.h>
#include <string.h>

#include "core/base/intl.h"

#define GOOD_CHARACTERS 12

enum { CHOICE_PASSPHRASE, CHOICE_NONE };

static const struct choice_item ca_items[] = {
    {N_("a passphrase"), N_("asked whenever a certificate is signed")},
    {N_("none"), N_("a copy of the file is enough to sign")},
};
static const struct choice_item client_items[] = {
    {N_("a passphrase"), N_("the application must know it")},
    {N_("none"), N_("for services that must start alone")},
};

static const struct form_field ca_choice = {
    .label = N_("Key protection"),
    .why = N_("The private key of a CA makes certificates that every server believes. With a "
              "passphrase a copied file is of no use: trying passphrases is made slow on purpose "
              "(600,000 rounds)."),
    .help = N_("With a passphrase the key file is encrypted (AES-256). pgseal asks for it when it "
               "signs a certificate or a list of revoked ones. It is kept nowhere: a lost "
               "passphrase means a new CA."),
    .word = "passphrase",
};
static const struct form_field client_choice = {
    .label = N_("Key protection"),
    .why = N_("A key with a passphrase is useless to a thief, and to a service that starts at "
              "night with nobody there. Then \"none\" is right: the file's mode 0600 guards it."),
    .help = N_("libpq asks for the passphrase at every connect, or takes it from sslpassword. "
               "Services usually have a key without one, in a file that only they can read."),
    .word = "passphrase",
};
static const struct form_field passphrase_field = {
    .label = N_("Passphrase"),
    .why = N_("Long beats complicated: four or five words that do not belong together are good. At "
              "least 8 characters, 12 or more are better. F6 shows what you type."),
    .help = N_("F6 shows the text until you leave the field. It is not written anywhere, and it is "
               "wiped from memory when the page closes."),
    .word = "passphrase",
    .width = 34,
};
static const struct form_field again_field = {
    .label = N_("Again"),
    .why = N_("The same once more: a slip of the finger here would lock the key for ever."),
    .word = "passphrase",
    .width = 34,
};

void key_protection_add(struct key_protection *ret, struct form *form, enum key_protection_for what)
{
    bool ca = what == KEY_PROTECTION_CA;

    ret->choice = form_add_choice(form, ca ? &ca_choice : &client_choice,
                                  ca ? ca_items : client_items, 2, CHOICE_PASSPHRASE);
    ret->passphrase = form_add_secret(form, &passphrase_field);
    ret->again = form_add_secret(form, &again_field);
}

bool key_protection_none(const struct key_protection *protection, const struct form *form)
{
    return form_choice(form, protection->choice) == CHOICE_NONE;
}

const struct secret *key_protection_secret(const struct key_protection *protection,
                                           const struct form *form)
{
    return key_protection_none(protection, form) ? NULL : form_secret(form, protection->passphrase);
}

void key_protection_show(const struct key_protection *protection, struct form *form, bool shown)
{
    bool asked = shown && !key_protection_none(protection, form);

    form_show(form, protection->choice, shown);
    form_show(form, protection->passphrase, asked);
    form_show(form, protection->again, asked);
}

static bool digits_only(const struct secret *secret)
{
    return strspn(secret_data(secret), "0123456789") == secret_len(secret);
}

static void check_quality(const struct key_protection *protection, struct form *form)
{
    const struct secret *secret = form_secret(form, protection->passphrase);
    size_t n = secret_characters(secret);
    char note[120];

    if (n < KEY_PROTECTION_MIN) {
        snprintf(note, sizeof(note), _("at least %d characters"), KEY_PROTECTION_MIN);
        form_say(form, protection->passphrase, MARK_TODO, note);
    } else if (digits_only(secret)) {
        form_say(form, protection->passphrase, MARK_WARN,
                 _("digits only: guessed quickly, also when it is slow"));
    } else if (n < GOOD_CHARACTERS) {
        snprintf(note, sizeof(note), _("it will do; %d characters or more are much better"),
                 GOOD_CHARACTERS);
        form_say(form, protection->passphrase, MARK_WARN, note);
    } else {
        form_say(form, protection->passphrase, MARK_OK, NULL);
    }
}

void key_protection_check(const struct key_protection *protection, struct form *form)
{
    const struct secret *first = form_secret(form, protection->passphrase);
    const struct secret *again = form_secret(form, protection->again);
    size_t n = secret_len(again);

    key_protection_show(protection, form, true);
    if (key_protection_none(protection, form))
        return;
    check_quality(protection, form);
    if (secret_len(first) == 0 || n == 0)
        form_say(form, protection->again, MARK_TODO, NULL);
    else if (secret_equal(first, again))
        form_say(form, protection->again, MARK_OK, NULL);
    else if (n < secret_len(first) && memcmp(secret_data(first), secret_data(again), n) == 0)
        form_say(form, protection->again, MARK_BUSY, NULL); /* still being typed */
    else
        form_say(form, protection->again, MARK_BAD, _("this is not the same passphrase"));
}
