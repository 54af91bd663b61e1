/* The table of the message store's states, and the look at a disk that finds them. See
 * mailbox_states.h. */
#include "store/mailbox_states.h"

#include "core/check.h"
#include "store/mailbox_internal.h"
#include "store/mailbox_names.h"
#include "store/numbers.h"

#include <string.h>

static const MailboxStateInfo table[MAILBOX_STATE_COUNT] = {
    [MAILBOX_STATE_MARK] = {"mark", "a folder is there while its mark is", true, MAILBOX_KEEPS},
    [MAILBOX_STATE_MESSAGE] = {"message",
                               "synced before it got its name; whether it was told or not, it is "
                               "whole",
                               true, MAILBOX_KEEPS},
    [MAILBOX_STATE_TWO_FOLDERS] = {"two folders",
                                   "the new name of a move was synced, the going of the old one "
                                   "was not: both stay (RFC 6851 §3.3)",
                                   true, MAILBOX_KEEPS},
    [MAILBOX_STATE_UNNAMED] = {"unnamed",
                               "the crash came before the rename: the queue has the message yet",
                               true, MAILBOX_REMOVES},
    [MAILBOX_STATE_ORPHAN] = {"orphan",
                              "the crash came before the first message's mark, or after the mark "
                              "of a folder being deleted had gone",
                              true, MAILBOX_REMOVES},
    [MAILBOX_STATE_SECOND_MARK] = {"second mark", "the rename of a mark is one change of names",
                                   false, MAILBOX_LEAVES},
    [MAILBOX_STATE_SECOND_UID] = {"second UID", "no UID is given twice (RFC 9051 §2.3.1.1)", false,
                                  MAILBOX_LEAVES},
    [MAILBOX_STATE_STRANGE] = {"strange", "the store gives no file such a name", false,
                               MAILBOX_LEAVES},
};

const MailboxStateInfo *mailbox_state_info(MailboxState state)
{
    CHECK(state < MAILBOX_STATE_COUNT);
    return &table[state];
}

static void file_clear(void *file)
{
    g_free(((MailboxFile *)file)->path);
}

/* The look as it goes on. */
typedef struct Survey {
    const Disk *disk;
    GArray *files;     /* MailboxFile */
    GHashTable *known; /* "1-5-0" of the deliveries in the user's folders before; NULL: only damage
                          is looked for */
} Survey;

static void add(const Survey *survey, const char *folder, const char *name, MailboxState state)
{
    if (survey->known == NULL && table[state].is_legal)
        return;
    MailboxFile file = {g_strconcat(folder, "/", name, NULL), state};
    g_array_append_val(survey->files, file);
}

static bool is_mark(const char *name)
{
    uint32_t ignored = 0;
    g_autofree char *folder = NULL;
    return mail_folder_name_parse(name, &ignored, &folder);
}

static bool has_mark(char **names)
{
    for (char **name = names; *name != NULL; name++) {
        if (is_mark(*name))
            return true;
    }
    return false;
}

static bool is_unnamed(const char *name)
{
    uint64_t ignored = 0;
    return g_str_has_prefix(name, MAIL_TMP_PREFIX) &&
           number_parse(span_of_text(name + strlen(MAIL_TMP_PREFIX)), UINT32_MAX, &ignored);
}

/* Whether the delivery is in a folder before; it is known from now on. */
static bool is_known(const Survey *survey, MailOrigin origin)
{
    if (survey->known == NULL || origin.start == 0)
        return false;
    return !g_hash_table_add(
        survey->known, g_strdup_printf("%u-%u-%u", origin.start, origin.number, origin.recipient));
}

/* The names are in byte order, so that those of one UID come one after the other. */
static void survey_folder(const Survey *survey, const char *path)
{
    g_auto(GStrv) names = disk_list(survey->disk, path);
    bool is_folder = has_mark(names);
    unsigned marks = 0;
    uint32_t last_uid = 0;
    for (char **name = names; *name != NULL; name++) {
        MailMessage message;
        MailboxState state = MAILBOX_STATE_STRANGE;
        if (!is_folder)
            state = MAILBOX_STATE_ORPHAN;
        else if (is_mark(*name))
            state = ++marks == 1 ? MAILBOX_STATE_MARK : MAILBOX_STATE_SECOND_MARK;
        else if (is_unnamed(*name))
            state = MAILBOX_STATE_UNNAMED;
        else if (mail_message_name_parse(*name, &message)) {
            state = message.uid == last_uid            ? MAILBOX_STATE_SECOND_UID
                    : is_known(survey, message.origin) ? MAILBOX_STATE_TWO_FOLDERS
                                                       : MAILBOX_STATE_MESSAGE;
            last_uid = message.uid;
        }
        add(survey, path, *name, state);
    }
}

static void survey_strange(const Survey *survey, const char *path)
{
    g_auto(GStrv) names = disk_list(survey->disk, path);
    for (char **name = names; *name != NULL; name++)
        add(survey, path, *name, MAILBOX_STATE_STRANGE);
}

static void survey_user(const Survey *survey, const char *path)
{
    g_auto(GStrv) numbers = disk_list_folders(survey->disk, path);
    if (survey->known != NULL)
        g_hash_table_remove_all(survey->known);
    survey_strange(survey, path);
    for (char **number = numbers; *number != NULL; number++) {
        uint64_t uid_validity = 0;
        g_autofree char *folder = g_strconcat(path, "/", *number, NULL);
        if (number_parse(span_of_text(*number), UINT32_MAX, &uid_validity) && uid_validity > 0)
            survey_folder(survey, folder);
        else
            survey_strange(survey, folder);
    }
}

static GArray *look(const Disk *disk, GHashTable *known)
{
    Survey survey = {disk, g_array_new(FALSE, FALSE, sizeof(MailboxFile)), known};
    g_array_set_clear_func(survey.files, file_clear);
    g_auto(GStrv) users = disk_list_folders(disk, MAIL_STORE_PATH);
    survey_strange(&survey, MAIL_STORE_PATH);
    for (char **user = users; *user != NULL; user++) {
        g_autofree char *path = g_strconcat(MAIL_STORE_PATH "/", *user, NULL);
        survey_user(&survey, path);
    }
    return survey.files;
}

GArray *mailbox_survey(const Disk *disk)
{
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return look(disk, known);
}

GArray *mailbox_survey_damage(const Disk *disk)
{
    return look(disk, NULL);
}
