/* The state tables that the protocol engines run from. See machines.h. */
#include "machines.h"

#include "net/tcp.h"
#include "proto/imap_client.h"
#include "proto/imap_server.h"
#include "proto/mail_route.h"
#include "proto/smtp_client.h"
#include "proto/smtp_server.h"

const StateTable *const MACHINES[] = {&smtp_server_table,
                                      &smtp_client_table,
                                      &imap_server_table,
                                      &imap_client_table,
                                      &tcp_table,
                                      &mail_route_table,
                                      NULL};
