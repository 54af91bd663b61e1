/* The stub resolver of a host: asks its name server over UDP, and remembers (RFC 1034 §5.3.1). */
#pragma once

#include "node/machine.h"
#include "proto/dns_resolver.h"
#include "proto/dns_wire.h"

typedef struct Resolver Resolver;

Resolver *resolver_new(const Machine *machine);
void resolver_free(Resolver *resolver);

/* Told of the outcome, from a step of its own, never inside resolver_look_up. `event`, of
 * kind DNS_RESOLVER_ANSWERED, is borrowed until the next call on the resolver. `because`
 * is the seq of the fault behind a failure, or 0. */
typedef void ResolverDone(void *owner, const DnsResolverEvent *event, uint64_t because);

/* Looks up the records of `type` (DNS_TYPE_MX, …). Returns an id for resolver_forget. */
uint64_t resolver_look_up(Resolver *resolver, const char *name, uint16_t type, ResolverDone *done,
                          void *owner);
/* The asker has gone: its `done` is not called any more. 0 is ignored. */
void resolver_forget(Resolver *resolver, uint64_t id);
