/* The inventory. See inventory.h. */
#include "store/inventory.h"

#include "store/mail_name.h"
#include "store/mailbox_states.h"
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

static void record_damaged(const Inventory *inventory, const char *path)
{
    record(inventory, (TraceFields_STORE_INVENTORY){.place = "damaged", .folder = path});
}

/* ---- The spool ---- */

static void record_entry(const Inventory *inventory, const SpoolEntry *entry)
{
    g_autofree char *mail = mail_name_of_stored(entry->message);
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
        if (!spool_state_info(file->state)->is_legal)
            record_damaged(inventory, file->path);
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

static void record_message(const Inventory *inventory, const MailboxFolder *folder,
                           const MailboxMessage *message, const char *path)
{
    g_autofree char *mail = mail_name_of_file(inventory->disk, path);
    TraceFields_STORE_INVENTORY fields = {
        .place = "mailbox",
        .mail = mail,
        .recipient = folder->user,
        .folder = folder->name,
        .uid = message->uid,
    };
    record(inventory, fields);
}

static void record_folder(const Inventory *inventory, const MailboxFolder *folder)
{
    g_autoptr(GString) path = g_string_new(folder->path);
    g_string_append_c(path, '/');
    size_t front = path->len;
    for (guint i = 0; i < folder->messages->len; i++) {
        const MailboxMessage *message = &g_array_index(folder->messages, MailboxMessage, i);
        g_string_append(g_string_truncate(path, front), message->file);
        record_message(inventory, folder, message, path->str);
    }
}

static void record_mailboxes(const Inventory *inventory)
{
    MailboxStock stock = mailbox_take_stock(inventory->disk);
    for (guint i = 0; i < stock.damaged->len; i++) /* what recovery leaves alone */
        record_damaged(inventory, g_array_index(stock.damaged, MailboxFile, i).path);
    for (guint i = 0; i < stock.folders->len; i++)
        record_folder(inventory, &g_array_index(stock.folders, MailboxFolder, i));
    mailbox_stock_clear(&stock);
}

void store_inventory(const Disk *disk, Trace *trace, NodeId host, bool is_final)
{
    Cause *cause = simulator_cause(trace_simulator(trace));
    Inventory inventory = {disk, trace, host, is_final, *cause};
    record_spool(&inventory);
    record_mailboxes(&inventory);
    *cause = inventory.cause;
}
