/* See tcp_parameters.h. */
#include "scenario/tcp_parameters.h"

#include <string.h>

/* Puts `number` into a field where the scenario gives one. */
#define SET_IF_GIVEN(field, type, number)                                                          \
    do {                                                                                           \
        if ((number) != SCENARIO_UNSET)                                                            \
            (field) = (type)(number);                                                              \
    } while (false)

/* The smallest shift by which the buffer fits the window field (RFC 7323 §2). */
static uint8_t window_scale_for(uint32_t receive_buffer)
{
    uint8_t scale = 0;
    while (receive_buffer >> scale > UINT16_MAX)
        scale++;
    return scale;
}

static void set_times(TcpOptions *options, const TcpParameters *parameters)
{
    SET_IF_GIVEN(options->initial_rto, SimTime, parameters->initial_rto_ns);
    SET_IF_GIVEN(options->minimum_rto, SimTime, parameters->minimum_rto_ns);
    SET_IF_GIVEN(options->maximum_rto, SimTime, parameters->maximum_rto_ns);
    SET_IF_GIVEN(options->delayed_ack, SimTime, parameters->delayed_ack_ns);
    SET_IF_GIVEN(options->user_timeout, SimTime, parameters->user_timeout_ns);
    SET_IF_GIVEN(options->keep_alive_idle, SimTime, parameters->keep_alive_ns);
    SET_IF_GIVEN(options->keep_alive_interval, SimTime, parameters->keep_alive_interval_ns);
    SET_IF_GIVEN(options->fin_wait_2_timeout, SimTime, parameters->fin_wait_2_timeout_ns);
    SET_IF_GIVEN(options->maximum_lifetime, SimTime, parameters->msl_ns);
    /* A shorter minimum is a finer clock too: Linux bounds the variance by it (net/tcp.c). */
    options->rto_granularity = MIN(options->rto_granularity, options->minimum_rto);
}

static void set_numbers(TcpOptions *options, const TcpParameters *parameters)
{
    SET_IF_GIVEN(options->initial_window, uint8_t, parameters->initial_window);
    SET_IF_GIVEN(options->mss, uint16_t, parameters->mss_bytes);
    SET_IF_GIVEN(options->receive_buffer, uint32_t, parameters->receive_buffer_bytes);
    SET_IF_GIVEN(options->send_buffer, uint32_t, parameters->send_buffer_bytes);
    SET_IF_GIVEN(options->slow_start_limit, uint8_t, parameters->slow_start_limit);
    SET_IF_GIVEN(options->warning_retries, uint8_t, parameters->r1);
    SET_IF_GIVEN(options->data_retries, uint8_t, parameters->r2);
    SET_IF_GIVEN(options->syn_retries, uint8_t, parameters->r2_syn);
    SET_IF_GIVEN(options->keep_alive_probes, uint8_t, parameters->keep_alive_probes);
}

static void set_choices(TcpOptions *options, const TcpParameters *parameters)
{
    static const uint8_t NAGLE[] = {[NAGLE_CHOICE_NEVER] = TCP_NAGLE_OFF,
                                    [NAGLE_CHOICE_CLASSIC] = TCP_NAGLE_ON,
                                    [NAGLE_CHOICE_MINSHALL] = TCP_NAGLE_MINSHALL};
    static const uint8_t RECOVERY[] = {[RECOVERY_CHOICE_TIMER] = TCP_RECOVERY_TIMER,
                                       [RECOVERY_CHOICE_TAHOE] = TCP_RECOVERY_TAHOE,
                                       [RECOVERY_CHOICE_RENO] = TCP_RECOVERY_RENO,
                                       [RECOVERY_CHOICE_NEWRENO] = TCP_RECOVERY_NEWRENO};
    if (parameters->nagle != SCENARIO_UNSET)
        options->nagle = NAGLE[parameters->nagle];
    if (parameters->recovery != SCENARIO_UNSET)
        options->recovery = RECOVERY[parameters->recovery];
    SET_IF_GIVEN(options->limited_transmit, bool, parameters->limited_transmit);
    SET_IF_GIVEN(options->tail_loss_probe, bool, parameters->tail_loss_probe);
    SET_IF_GIVEN(options->restart_after_idle, bool, parameters->restart_after_idle);
    SET_IF_GIVEN(options->soft_error_ends_open, bool, parameters->soft_errors);
}

static void set_window_scale(TcpOptions *options, const TcpParameters *parameters)
{
    bool is_offered =
        options->window_scale != SEGMENT_NO_WINDOW_SCALE || options->receive_buffer > UINT16_MAX;
    SET_IF_GIVEN(is_offered, bool, parameters->window_scale);
    if (!is_offered)
        options->window_scale = SEGMENT_NO_WINDOW_SCALE;
    else if (options->window_scale == SEGMENT_NO_WINDOW_SCALE ||
             options->window_scale < window_scale_for(options->receive_buffer))
        options->window_scale = window_scale_for(options->receive_buffer);
}

/* What a machine does not give is as in the network. */
static TcpParameters inherit(const TcpParameters *network, const TcpParameters *machine)
{
    TcpParameters merged = machine != NULL ? *machine : *network;
    for (size_t i = 0; i < format_tcp.key_count; i++) {
        size_t offset = format_tcp.keys[i].offset;
        int64_t own;
        memcpy(&own, (const char *)&merged + offset, sizeof own);
        if (own == SCENARIO_UNSET)
            memcpy((char *)&merged + offset, (const char *)network + offset, sizeof own);
    }
    return merged;
}

TcpOptions tcp_parameters_options(const TcpParameters *network, const TcpParameters *machine)
{
    const TcpParameters merged = inherit(network, machine);
    TcpOptions options;
    tcp_options_init(&options,
                     merged.profile == TCP_CHOICE_LINUX ? TCP_PROFILE_LINUX : TCP_PROFILE_RFC);
    set_times(&options, &merged);
    set_numbers(&options, &merged);
    set_choices(&options, &merged);
    set_window_scale(&options, &merged);
    return options;
}

static void check_order(Reader *reader, const TcpParameters *parameters, const char *lesser,
                        SimTime less, const char *greater, SimTime more)
{
    if (less <= more)
        return;
    g_autofree char *first = units_format(UNITS_DURATION, less);
    g_autofree char *second = units_format(UNITS_DURATION, more);
    diagnostics_error(reader->diagnostics, parameters->at, "`%s` (%s) is longer than `%s` (%s)",
                      lesser, first, greater, second);
}

void tcp_parameters_check(Reader *reader, const TcpParameters *machine)
{
    const TcpParameters merged = inherit(&reader->scenario->network.tcp, machine);
    const TcpParameters *parameters = &merged;
    TcpOptions options = tcp_parameters_options(parameters, NULL);
    Diagnostics *diagnostics = reader->diagnostics;
    if (machine->at.line == 0) /* it gives nothing */
        return;
    check_order(reader, parameters, "minimum_rto", options.minimum_rto, "maximum_rto",
                options.maximum_rto);
    check_order(reader, parameters, "initial_rto", options.initial_rto, "maximum_rto",
                options.maximum_rto);
    if (parameters->r1 != SCENARIO_UNSET && options.warning_retries >= options.data_retries)
        diagnostics_error(diagnostics, parameters->at,
                          "`r1` (%u) comes before `r2` (%u): it is to be less (RFC 9293 §3.8.3)",
                          options.warning_retries, options.data_retries);
    if (options.delayed_ack >= 500 * SIM_MILLISECOND)
        diagnostics_error(diagnostics, parameters->at,
                          "`delayed_ack` is less than 500 ms (RFC 9293 §3.8.6.3)");
    if (parameters->receive_buffer_bytes > UINT16_MAX && parameters->window_scale == SWITCH_NEVER)
        diagnostics_error(diagnostics, parameters->at,
                          "a `receive_buffer` of more than 65,535 octets needs the window scale "
                          "option (RFC 7323 §2), so `window_scale` cannot be `never`");
}
