/* Names that observers share. See roster.h. */
#include "audit/roster.h"

#include "core/check.h"
#include "core/slab.h"

#include <string.h>

/* With this most names lie where they belong, and a mail takes a quarter of a cache line. */
enum { NAME_ROOM = 14 };

typedef struct RosterMail {
    char name[NAME_ROOM]; /* with its NUL; where it is longer: the address of a copy */
    bool is_apart;
    uint8_t holders; /* RosterHolder as bits */
} RosterMail;

struct Roster {
    unsigned references;
    Interner *names;
    Slab mails; /* RosterMail */
    IdTable table;
    RecentNames recent; /* MailId */
};

static RosterMail *mail_at(const Roster *roster, MailId mail)
{
    return slab_at(&roster->mails, mail);
}

static char *copy_of(const RosterMail *mail)
{
    char *copy;
    memcpy(&copy, mail->name, sizeof copy);
    return copy;
}

static const char *name_of(const RosterMail *mail)
{
    return mail->is_apart ? copy_of(mail) : mail->name;
}

const char *roster_name(const Roster *roster, MailId mail)
{
    return name_of(mail_at(roster, mail));
}

MailId roster_end(const Roster *roster)
{
    return roster->mails.end;
}

Interner *roster_names(Roster *roster)
{
    return roster->names;
}

/* ---- Life ---- */

static uint32_t hash_of(const void *owner, uint32_t id)
{
    const char *name = roster_name(owner, id);
    return table_hash(name, strlen(name));
}

Roster *roster_new(void)
{
    Roster *roster = g_new0(Roster, 1);
    roster->references = 1;
    roster->names = interner_new();
    roster->mails.size = sizeof(RosterMail);
    slab_reach(&roster->mails, 0);
    roster->table.hash_of = hash_of;
    roster->table.owner = roster;
    return roster;
}

Roster *roster_ref(Roster *roster)
{
    roster->references++;
    return roster;
}

static void clear_name(RosterMail *mail)
{
    if (mail->is_apart)
        g_free(copy_of(mail));
}

void roster_unref(Roster *roster)
{
    if (--roster->references > 0)
        return;
    for (MailId mail = 1; mail < roster_end(roster); mail++)
        clear_name(mail_at(roster, mail));
    slab_clear(&roster->mails);
    id_table_clear(&roster->table);
    interner_free(roster->names);
    g_free(roster);
}

/* ---- Mails ---- */

static MailId find(const Roster *roster, uint32_t hash, const char *name)
{
    TableProbe probe = id_table_probe(&roster->table, hash);
    MailId found;
    while ((found = id_table_next(&roster->table, &probe)) != 0 &&
           strcmp(roster_name(roster, found), name) != 0)
        continue;
    return found;
}

static MailId add(Roster *roster, uint32_t hash, const char *name, size_t length)
{
    MailId id = slab_take(&roster->mails);
    RosterMail *mail = mail_at(roster, id);
    mail->is_apart = length >= NAME_ROOM;
    if (mail->is_apart) {
        char *copy = g_strdup(name);
        memcpy(mail->name, &copy, sizeof copy);
    } else {
        memcpy(mail->name, name, length + 1);
    }
    id_table_add(&roster->table, hash, id);
    return id;
}

static MailId find_or_add(Roster *roster, const char *name)
{
    size_t length = strlen(name);
    uint32_t hash = table_hash(name, length);
    MailId found = find(roster, hash, name);
    return found != 0 ? found : add(roster, hash, name, length);
}

/* A number that nobody holds any more may still be among the recent; of 0 the place is there, too.
 */
static bool is_called(const RosterMail *mail, const char *name)
{
    return mail->holders != 0 && strcmp(name_of(mail), name) == 0;
}

MailId roster_take(Roster *roster, RosterHolder holder, const char *name)
{
    if (name == NULL)
        name = "";
    MailId *recent = recent_name(&roster->recent, name);
    RosterMail *mail = mail_at(roster, *recent);
    if (!is_called(mail, name)) {
        *recent = find_or_add(roster, name);
        mail = mail_at(roster, *recent);
    }
    mail->holders |= (uint8_t)holder;
    return *recent;
}

MailId roster_find(const Roster *roster, RosterHolder holder, const char *name)
{
    if (name == NULL)
        name = "";
    MailId id = find(roster, table_hash(name, strlen(name)), name);
    return id != 0 && (mail_at(roster, id)->holders & holder) != 0 ? id : 0;
}

void roster_release(Roster *roster, RosterHolder holder, MailId id)
{
    RosterMail *mail = mail_at(roster, id);
    CHECK((mail->holders & holder) != 0);
    mail->holders &= (uint8_t)~holder;
    if (mail->holders != 0)
        return;
    id_table_remove(&roster->table, id);
    clear_name(mail);
    slab_give_back(&roster->mails, id);
}
