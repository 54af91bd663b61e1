/* The inventory. See inventory.h. */
#include "store/inventory.h"

#include "store/mail_name.h"
#include "store/mailbox.h"
#include "store/mailbox_states.h"
#include "store/numbers.h"
#include "store/spool_states.h"

typedef struct Inventory {
    const Disk *disk;
    Trace *trace;
    NodeId host;
    bool is_final;
    Cause cause; /* of every record, for none sets another off */
} Inventory;

static void record(const Inventory *inventory, TraceFields_STORE_INVENTORY fields)
{
    fields.is_final = inventory->is_final;
    *simulator_cause(trace_simulator(inventory->trace)) = inventory->cause;
    trace_write(inventory->trace, inventory->host, TRACE_STORE_INVENTORY, 0, &fields);
}

/* ---- The spool ---- */

static void record_entry(const Inventory *inventory, const SpoolEntry *entry)
{
    g_autofree char *mail = mail_name_of(entry->message);
    for (size_t i = 0; i < entry->envelope->recipient_count; i++) {
        TraceFields_STORE_INVENTORY fields = {
            .place = "queue",
            .mail = mail,
            .recipient = entry->envelope->recipients[i].address,
            .entry = entry->id,
        };
        if (!entry->recipients[i].is_done)
            record(inventory, fields);
    }
}

/* What recovery leaves alone. */
static void record_damage(const Inventory *inventory)
{
    g_autoptr(GArray) files = spool_survey(inventory->disk);
    for (guint i = 0; i < files->len; i++) {
        const SpoolFile *file = &g_array_index(files, SpoolFile, i);
        TraceFields_STORE_INVENTORY fields = {.place = "damaged", .folder = file->path};
        if (!spool_state_info(file->state)->is_legal)
            record(inventory, fields);
    }
}

static void record_spool(const Inventory *inventory)
{
    record_damage(inventory);
    g_autoptr(GPtrArray) entries = spool_read_all(inventory->disk);
    for (guint i = 0; i < entries->len; i++)
        record_entry(inventory, entries->pdata[i]);
}

/* ---- Mailboxes ---- */

/* The name of the folder with these files, to free; NULL when it has no mark, so is none. */
static char *find_folder_name(char **names)
{
    for (char **name = names; *name != NULL; name++) {
        uint32_t ignored = 0;
        char *folder = NULL;
        if (mail_folder_name_parse(*name, &ignored, &folder))
            return folder;
    }
    return NULL;
}

static void record_message(const Inventory *inventory, const char *user, const char *folder,
                           const char *path, const char *name)
{
    MailMessage message;
    if (!mail_message_name_parse(name, &message))
        return;
    g_autofree char *file = g_strconcat(path, "/", name, NULL);
    g_autoptr(GBytes) content = disk_read(inventory->disk, file);
    g_autofree char *mail = mail_name_of(content);
    TraceFields_STORE_INVENTORY fields = {
        .place = "mailbox",
        .mail = mail,
        .recipient = user,
        .folder = folder,
        .uid = message.uid,
    };
    record(inventory, fields);
}

static void record_folder(const Inventory *inventory, const char *user, const char *path)
{
    g_auto(GStrv) names = disk_list(inventory->disk, path);
    g_autofree char *folder = find_folder_name(names);
    for (char **name = names; folder != NULL && *name != NULL; name++)
        record_message(inventory, user, folder, path, *name);
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;
    return first < second ? -1 : first > second;
}

/* The numbers that are folders' names, rising. */
static GArray *list_numbers(const Disk *disk, const char *path)
{
    GArray *numbers = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    g_auto(GStrv) names = disk_list_folders(disk, path);
    for (char **name = names; *name != NULL; name++) {
        uint64_t number = 0;
        if (number_parse(span_of_text(*name), UINT32_MAX, &number))
            g_array_append_val(numbers, number);
    }
    g_array_sort(numbers, compare_numbers);
    return numbers;
}

static void record_user(const Inventory *inventory, const char *user, const char *path)
{
    g_autoptr(GArray) numbers = list_numbers(inventory->disk, path);
    for (guint i = 0; i < numbers->len; i++) {
        g_autofree char *folder_path =
            g_strdup_printf("%s/%" G_GUINT64_FORMAT, path, g_array_index(numbers, uint64_t, i));
        record_folder(inventory, user, folder_path);
    }
}

static void record_mailboxes(const Inventory *inventory)
{
    g_auto(GStrv) names = disk_list_folders(inventory->disk, MAIL_STORE_PATH);
    for (char **name = names; *name != NULL; name++) {
        g_autofree char *user = mail_name_unescape(*name);
        g_autofree char *path = g_strconcat(MAIL_STORE_PATH "/", *name, NULL);
        if (user != NULL)
            record_user(inventory, user, path);
    }
}

/* What recovery leaves alone. */
static void record_mailbox_damage(const Inventory *inventory)
{
    g_autoptr(GArray) files = mailbox_survey_damage(inventory->disk);
    for (guint i = 0; i < files->len; i++) {
        const MailboxFile *file = &g_array_index(files, MailboxFile, i);
        TraceFields_STORE_INVENTORY fields = {.place = "damaged", .folder = file->path};
        record(inventory, fields);
    }
}

void store_inventory(const Disk *disk, Trace *trace, NodeId host, bool is_final)
{
    Cause *cause = simulator_cause(trace_simulator(trace));
    Inventory inventory = {disk, trace, host, is_final, *cause};
    record_spool(&inventory);
    record_mailbox_damage(&inventory);
    record_mailboxes(&inventory);
    *cause = inventory.cause;
}
