/* Facts as JSON, for --facts. See facts.h. Times are nanoseconds since the start. */
#include "audit/facts.h"

#include <json-glib/json-glib.h>

static void add_text(JsonBuilder *builder, const char *key, const char *text)
{
    if (text == NULL)
        return;
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    json_builder_set_member_name(builder, key);
    json_builder_add_string_value(builder, valid);
}

static void add_count(JsonBuilder *builder, const char *key, uint64_t count)
{
    json_builder_set_member_name(builder, key);
    json_builder_add_int_value(builder, (int64_t)count);
}

static void add_time(JsonBuilder *builder, const char *key, SimTime time)
{
    if (time == SIM_NEVER)
        return;
    json_builder_set_member_name(builder, key);
    json_builder_add_int_value(builder, time);
}

static void add_recipient(JsonBuilder *builder, const FactsRecipient *recipient)
{
    json_builder_begin_object(builder);
    add_text(builder, "address", recipient->address);
    add_text(builder, "status", mail_fate_name(recipient->fate));
    add_count(builder, "attempts", recipient->attempts);
    add_count(builder, "copies", recipient->copies);
    add_time(builder, "accepted_at", recipient->accepted_at);
    add_time(builder, "first_attempt_at", recipient->first_attempt_at);
    add_time(builder, "delivered_at", recipient->delivered_at);
    add_time(builder, "bounced_at", recipient->bounced_at);
    add_text(builder, "bounce", recipient->bounce);
    json_builder_end_object(builder);
}

static void add_mail(JsonBuilder *builder, const FactsMail *mail)
{
    json_builder_begin_object(builder);
    add_text(builder, "name", mail->name);
    add_text(builder, "from", mail->from);
    add_text(builder, "subject", mail->subject);
    json_builder_set_member_name(builder, "recipients");
    json_builder_begin_array(builder);
    for (size_t i = 0; i < mail->recipient_count; i++)
        add_recipient(builder, &mail->recipients[i]);
    json_builder_end_array(builder);
    json_builder_end_object(builder);
}

static void add_mails(JsonBuilder *builder, const Facts *facts)
{
    json_builder_set_member_name(builder, "mails");
    json_builder_begin_array(builder);
    for (size_t i = 0; i < facts_mail_count(facts); i++)
        add_mail(builder, facts_mail_at(facts, i));
    json_builder_end_array(builder);
}

static void add_host(JsonBuilder *builder, const FactsHost *host, TraceLevel level)
{
    json_builder_begin_object(builder);
    add_text(builder, "name", host->name);
    if (host->is_mail_server) {
        add_count(builder, "queue_length", host->queue_length);
        add_count(builder, "queue_peak", host->queue_peak);
        add_count(builder, "relay_peak", host->relay_peak);
    }
    if (level >= TRACE_LEVEL_PROTOCOL)
        add_count(builder, "connections", host->connections);
    if (level >= TRACE_LEVEL_SEGMENT) {
        add_count(builder, "segments", host->segments);
        add_count(builder, "retransmissions", host->retransmissions);
        add_count(builder, "drops", host->drops);
    }
    json_builder_end_object(builder);
}

/* Node 0, the timeline, has no facts. */
static void add_hosts(JsonBuilder *builder, const Facts *facts)
{
    json_builder_set_member_name(builder, "hosts");
    json_builder_begin_array(builder);
    for (size_t node = 1; node < facts_host_count(facts); node++) {
        FactsHost host = facts_host_at(facts, node);
        add_host(builder, &host, facts_level(facts));
    }
    json_builder_end_array(builder);
}

static void add_totals(JsonBuilder *builder, const Facts *facts)
{
    FactsTotals totals = facts_totals(facts);
    json_builder_set_member_name(builder, "totals");
    json_builder_begin_object(builder);
    if (facts_level(facts) >= TRACE_LEVEL_PROTOCOL)
        add_count(builder, "connections", totals.connections);
    if (facts_level(facts) >= TRACE_LEVEL_SEGMENT) {
        add_count(builder, "segments", totals.segments);
        add_count(builder, "retransmissions", totals.retransmissions);
        add_count(builder, "drops", totals.drops);
        json_builder_set_member_name(builder, "drops_by_reason");
        json_builder_begin_object(builder);
        for (size_t i = 0; i < totals.reason_count; i++)
            add_count(builder, totals.drops_by_reason[i].reason, totals.drops_by_reason[i].count);
        json_builder_end_object(builder);
    }
    json_builder_end_object(builder);
}

char *facts_format_json(const Facts *facts)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_object(builder);
    add_mails(builder, facts);
    add_hosts(builder, facts);
    add_totals(builder, facts);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    g_autoptr(JsonGenerator) generator = json_generator_new();
    json_generator_set_root(generator, root);
    json_generator_set_pretty(generator, TRUE);
    g_autofree char *text = json_generator_to_data(generator, NULL);
    return g_strconcat(text, "\n", NULL);
}
