/* What the files of the reader share: reader.c (maps and lists), reader_words.c (scalars),
 * reader_facts.c (selectors), and checks*.c (what needs the whole file). */
#pragma once

#include "scenario/format.h"
#include "scenario/model.h"
#include "scenario/names.h"
#include "scenario/suggest.h"
#include "scenario/yaml.h"

/* A name that must exist somewhere in the file, to be looked up when all of it is read. */
typedef struct Reference {
    ValueType type;
    const ScenarioText *text;
    uint32_t length; /* characters to underline */
} Reference;

typedef struct Reader {
    Scenario *scenario;
    Arena *arena; /* the scenario's */
    Diagnostics *diagnostics;
    GArray *references;   /* of Reference */
    GPtrArray *selectors; /* FactSelector *, to be checked against the mails */
    GHashTable *defaults; /* default text -> its YamlNode */
    Arena *defaults_arena;
    GPtrArray *real_names; /* YamlNode *, names in the form of somebody's */
    GArray *misread;       /* SourcePosition of each map with a key that nobody knows */
    bool in_default;       /* a default is being read: it stands nowhere in the file */
    bool is_partial;       /* the YAML ended in an error: what is missing may just not be read */
} Reader;

/* Notes that a node names a mail, or something that comes of one (`lunch.bounce`): that the mail
 * exists is checked when all of the file is read. */
void reader_note_mail(Reader *reader, const YamlNode *node);
/* Whether the map that begins there has a key that nobody knows, which has been told: what seems to
 * be missing may be that. */
bool reader_has_misread(const Reader *reader, SourcePosition at);
/* An error about a node of the file. */
void reader_error(Reader *reader, const YamlNode *node, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
void reader_warning(Reader *reader, const YamlNode *node, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
/* The same about a word of the model. */
void reader_text_error(Reader *reader, const ScenarioText *text, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
void reader_text_warning(Reader *reader, const ScenarioText *text, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
/* "; did you mean `x`?", or "" without a suggestion. To free. */
char *reader_did_you_mean(const Suggestion *suggestion);
/* A search for what may be meant by `word`. It finds nothing when there are so many errors already
 * that nobody would see the suggestion. */
Suggestion reader_suggestion(const Reader *reader, const char *word);

/* Where the node stands; nowhere while a default is read. */
SourcePosition reader_position(const Reader *reader, const YamlNode *node);

/* Reads the value of a key into the model. `key` is the key's name, for messages. */
void read_value(Reader *reader, const char *key, const ValueSpec *value, const YamlNode *node,
                void *target);
/* Reads a map whose keys are those of `mapping` and `more` (which may be NULL); both lie in the
 * struct `target`. Keys of neither are put into `unknown`, or are errors when that is NULL. */
void read_mapping(Reader *reader, const MappingSpec *mapping, const ActionSpec *more,
                  const YamlNode *node, void *target, GPtrArray *unknown);
/* reader_words.c: a scalar of type `value` into its target. */
void read_scalar(Reader *reader, const char *key, const ValueSpec *value, const YamlNode *node,
                 void *target);
void read_local_text(Reader *reader, const char *key, const YamlNode *node, LocalText *target);
/* Checks a name that stands as a key. */
void read_name(Reader *reader, ValueType type, const YamlNode *node, ScenarioText *target);
/* reader_facts.c */
void read_expectation(Reader *reader, const YamlNode *node, ScenarioExpectation *target);
void read_trigger(Reader *reader, const YamlNode *node, ScenarioTrigger *target);
void read_selector(Reader *reader, const YamlNode *node, FactSelector *target);

/* The names of the whole file, by what they name. The entries' `kind` is a NodeKind in `nodes`. */
typedef enum NodeKind {
    NODE_ROUTER,
    NODE_SERVER,
    NODE_AGENT,
    NODE_HOME, /* a router, with private addresses behind it */
} NodeKind;

typedef struct Checks {
    Reader *reader;
    Scenario *scenario;
    Names *nodes;     /* routers, servers, agents' machines; what: the name's ScenarioText */
    Names *people;    /* what: ScenarioPerson */
    Names *mails;     /* what: ScenarioMail, or for the answer of a reply its ScenarioAction */
    Names *domains;   /* what: the domain's ScenarioText; kind: the server's index */
    Names *users;     /* "INDEX USER", the index being that of the server */
    Names *links;     /* see checks_network.c, which fills it */
    Names *looked_up; /* names with DNS records */
} Checks;

typedef enum MailKind {
    MAIL_OF_LIST,
    MAIL_OF_REPLY,
} MailKind;

/* The server of a mail domain, or NULL. */
const ScenarioServer *checks_find_domain(const Checks *checks, const char *domain);
/* The mail of that name in `mails`; NULL for the answer of a reply, or when there is none. */
const ScenarioMail *checks_find_mail(const Checks *checks, const char *name);
/* True when the address is among the mail's recipients. */
bool mail_is_for(const ScenarioMail *mail, const char *address);
/* Or some alias, list or forwarding leads there. */
bool mail_may_reach(const Checks *checks, const ScenarioMail *mail, const char *address);
/* An error for each name that stands twice; `format` goes on after the name, and before its place.
 */
void check_names_differ(const Checks *checks, const Names *names, const char *format);
/* reader_words.c: a warning for each name that may be somebody's, unless an agent's machine has it.
 */
void reader_warn_of_real_names(Reader *reader, const Names *nodes);
/* checks_servers.c */
void check_servers(const Checks *checks);
void check_outboxes(const Checks *checks);
/* checks_network.c */
void check_network(Checks *checks);
void check_dns(Checks *checks);
/* The records of the name; of dns_set, the action has it. */
void check_records(Checks *checks, const ScenarioText *name, const DnsRecords *records);
/* True when a link joins the two nodes: one of `links`, or that of a machine to its router. */
bool nodes_are_joined(const Checks *checks, const char *a, const char *b);
/* A rule of a firewall. */
void check_rule(Checks *checks, const ScenarioRule *rule);
/* Homes, their forwards and links. */
void check_homes(Checks *checks);
/* Whether any key of a link's behaviour is given. */
bool link_parameters_are_given(const LinkParameters *link);
/* checks_timeline.c */
void check_people(Checks *checks);
void check_mails(Checks *checks);
void check_timeline(Checks *checks);
/* reader_facts.c */
void check_selectors(Checks *checks);
/* checks.c: fills in what depends on other parts of the file, then checks the whole. */
void check_scenario(Reader *reader);
