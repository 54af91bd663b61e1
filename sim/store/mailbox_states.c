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
    [MAILBOX_STATE_SUBSCRIPTION] = {"subscription",
                                    "it holds nothing that could be cut off; to be subscribed is "
                                    "harmless where it was not told",
                                    true, MAILBOX_KEEPS},
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

static void folder_clear(void *data)
{
    MailboxFolder *folder = data;
    g_free(folder->user);
    g_free(folder->name);
    g_free(folder->path);
    g_strfreev(folder->files);
    g_array_unref(folder->messages);
}

/* The look as it goes on. */
typedef struct Survey {
    const Disk *disk;
    GArray *files;     /* MailboxFile */
    GHashTable *known; /* "1-5-0" of the deliveries in the user's folders before; NULL: of the legal
                          files only the messages count: */
    GArray *folders;   /* MailboxFolder; NULL: they do not count */
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

/* The name of the folder with these files, to free; NULL when it has no mark, so is none. */
static char *find_folder_name(char **files)
{
    for (char **file = files; *file != NULL; file++) {
        uint32_t ignored = 0;
        char *folder = NULL;
        if (mail_folder_name_parse(*file, &ignored, &folder))
            return folder;
    }
    return NULL;
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
static void survey_files(const Survey *survey, const MailboxFolder *folder)
{
    unsigned marks = 0;
    uint32_t last_uid = 0;
    for (char **name = folder->files; *name != NULL; name++) {
        MailMessage message;
        MailboxState state = MAILBOX_STATE_STRANGE;
        if (folder->name == NULL)
            state = MAILBOX_STATE_ORPHAN;
        else if (is_mark(*name))
            state = ++marks == 1 ? MAILBOX_STATE_MARK : MAILBOX_STATE_SECOND_MARK;
        else if (is_unnamed(*name))
            state = MAILBOX_STATE_UNNAMED;
        else if (mail_message_name_parse(*name, &message)) {
            MailboxMessage found = {*name, message.uid};
            g_array_append_val(folder->messages, found);
            state = message.uid == last_uid            ? MAILBOX_STATE_SECOND_UID
                    : is_known(survey, message.origin) ? MAILBOX_STATE_TWO_FOLDERS
                                                       : MAILBOX_STATE_MESSAGE;
            last_uid = message.uid;
        }
        add(survey, folder->path, *name, state);
    }
}

/* `user` as it is written in the path. */
static void survey_folder(const Survey *survey, const char *user, const char *path, uint64_t number)
{
    MailboxFolder folder = {.path = g_strdup(path),
                            .number = (uint32_t)number,
                            .files = disk_list(survey->disk, path),
                            .messages = g_array_new(FALSE, FALSE, sizeof(MailboxMessage))};
    folder.name = find_folder_name(folder.files);
    survey_files(survey, &folder);
    if (survey->folders != NULL && folder.messages->len > 0)
        folder.user = mail_name_unescape(user);
    if (folder.user != NULL)
        g_array_append_val(survey->folders, folder);
    else
        folder_clear(&folder);
}

static void survey_strange(const Survey *survey, const char *path)
{
    g_auto(GStrv) names = disk_list(survey->disk, path);
    for (char **name = names; *name != NULL; name++)
        add(survey, path, *name, MAILBOX_STATE_STRANGE);
}

static void survey_subscriptions(const Survey *survey, const char *path)
{
    g_auto(GStrv) names = disk_list(survey->disk, path);
    for (char **name = names; *name != NULL; name++) {
        g_autofree char *folder = mail_subscription_name_parse(*name);
        add(survey, path, *name,
            folder != NULL ? MAILBOX_STATE_SUBSCRIPTION : MAILBOX_STATE_STRANGE);
    }
}

static int compare_numbers(const void *a, const void *b)
{
    const MailboxFolder *first = a, *second = b;
    return first->number < second->number ? -1 : first->number > second->number;
}

/* The user's folders were looked at in the order of their paths. */
static void sort_folders(const Survey *survey, guint first)
{
    if (survey->folders != NULL && survey->folders->len > first)
        qsort(&g_array_index(survey->folders, MailboxFolder, first), survey->folders->len - first,
              sizeof(MailboxFolder), compare_numbers);
}

static void survey_user(const Survey *survey, const char *user, const char *path)
{
    g_auto(GStrv) numbers = disk_list_folders(survey->disk, path);
    guint first = survey->folders != NULL ? survey->folders->len : 0;
    if (survey->known != NULL)
        g_hash_table_remove_all(survey->known);
    survey_subscriptions(survey, path);
    for (char **number = numbers; *number != NULL; number++) {
        uint64_t uid_validity = 0;
        g_autofree char *folder = g_strconcat(path, "/", *number, NULL);
        if (number_parse(span_of_text(*number), UINT32_MAX, &uid_validity) && uid_validity > 0)
            survey_folder(survey, user, folder, uid_validity);
        else
            survey_strange(survey, folder);
    }
    sort_folders(survey, first);
}

static void look(const Survey *survey)
{
    g_auto(GStrv) users = disk_list_folders(survey->disk, MAIL_STORE_PATH);
    g_array_set_clear_func(survey->files, file_clear);
    survey_strange(survey, MAIL_STORE_PATH);
    for (char **user = users; *user != NULL; user++) {
        g_autofree char *path = g_strconcat(MAIL_STORE_PATH "/", *user, NULL);
        survey_user(survey, *user, path);
    }
}

GArray *mailbox_survey(const Disk *disk)
{
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Survey survey = {disk, g_array_new(FALSE, FALSE, sizeof(MailboxFile)), known, NULL};
    look(&survey);
    return survey.files;
}

MailboxStock mailbox_take_stock(const Disk *disk)
{
    MailboxStock stock = {g_array_new(FALSE, FALSE, sizeof(MailboxFile)),
                          g_array_new(FALSE, FALSE, sizeof(MailboxFolder))};
    g_array_set_clear_func(stock.folders, folder_clear);
    look(&(Survey){disk, stock.damaged, NULL, stock.folders});
    return stock;
}

void mailbox_stock_clear(MailboxStock *stock)
{
    g_array_unref(stock->damaged);
    g_array_unref(stock->folders);
}
