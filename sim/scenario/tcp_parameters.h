/* What a scenario says about TCP, as the engine's options; and whether that makes sense. */
#pragma once

#include "net/tcp.h"
#include "scenario/reader_internal.h"

/* The profile's values with those put in their place that are given: by the machine, else by the
 * network. `machine` may be NULL: it gives none. */
TcpOptions tcp_parameters_options(const TcpParameters *network, const TcpParameters *machine);
/* Reports values of the network, or of a machine in it, that contradict each other. */
void tcp_parameters_check(Reader *reader, const TcpParameters *machine);
