/* What the files of the IMAP client engine share. See imap_client.h.
 *
 *     imap_client.c            life, events, transitions, time-outs
 *     imap_client_commands.c   the calls that give a command
 *     imap_client_responses.c  from a response line to its event
 */
#pragma once

#include "proto/imap_client.h"
#include "proto/imap_lexer.h"
#include "proto/imap_output.h"
#include "proto/imap_reader.h"

/* Numbers in one result of SEARCH. */
enum { IMAP_CLIENT_FOUND_MAXIMUM = 1 << 20 };

struct ImapClient {
    uint8_t state;
    ImapReader reader; /* its text stays until the events that span it have been read */
    bool line_taken;   /* the line in the reader has been dealt with */
    bool input_ended;
    bool ended; /* IMAP_CLIENT_CLOSED is the last event */
    ImapOutput output;
    GQueue events; /* of QueuedEvent */
    char *event_text;
    GArray *numbers; /* of uint32_t: what FOUND spans */
    /* The command under way. */
    bool busy;
    ImapClientInput command;
    uint32_t last_tag;
    Slice content; /* what APPEND sends when it is invited */
    bool content_waits;
    bool idling;     /* the server has begun IDLE */
    bool idle_ended; /* DONE has been sent */
};

/* imap_client.c */
/* `text`, which the event's line spans, is taken; NULL: the line lives elsewhere. */
void imap_client_push(ImapClient *client, ImapClientEvent event, char *text);
/* The one door through which every change of state passes. */
const StateCell *imap_client_transition(ImapClient *client, ImapClientInput input);
/* The same, and the end of the session where the cell says so. */
void imap_client_happen(ImapClient *client, ImapClientInput input);
/* `why`, for people, is a literal. */
void imap_client_end(ImapClient *client, const char *why);
/* Gives the session up: the server has said what cannot be understood. */
void imap_client_protocol_error(ImapClient *client, const char *text);

/* imap_client_commands.c */
/* Sends the content of APPEND, which the server has invited. */
void imap_client_send_content(ImapClient *client);

/* imap_client_responses.c */
/* Takes the response in reader.text. */
void imap_client_respond(ImapClient *client);
