/* A program of somebody who has installed mailsim: plays a scenario through the library's public
 * headers, and exits with 0 when its expectations hold and it left a trace. */
#include <mailsim/simulation.h>
#include <mailsim/version.h>

#include <stdio.h>

static void count_octets(void *user, const void *bytes, size_t length)
{
    (void)bytes;
    *(size_t *)user += length;
}

int main(int argc, char **argv)
{
    char *messages = NULL;
    size_t octets = 0;
    MsScenario *scenario = ms_scenario_read_file(argc == 2 ? argv[1] : "", &messages);
    fputs(messages, stderr);
    ms_free_text(messages);
    if (scenario == NULL)
        return 2;
    MsSimulation *simulation = ms_simulation_new(scenario);
    ms_simulation_add_trace(simulation, MS_TRACE_SEGMENT, count_octets, &octets);
    MsResult result = ms_simulation_run(simulation);
    printf("mailsim " MS_VERSION ": %s, %zu octets of trace\n", ms_scenario_title(scenario, "en"),
           octets);
    ms_simulation_free(simulation);
    ms_scenario_free(scenario);
    return result == MS_RESULT_HOLDS && octets > 0 ? 0 : 1;
}
