/* mailsim explain: the story of one mail in plain sentences, with causes. */
#include "commands.h"

#include "audit/story.h"
#include "play.h"

#include <stdio.h>

enum { EXPLAIN_WIDTH = 80 };

int command_explain(int argc, char **argv)
{
    const GOptionEntry entries[] = {{0}};
    if (!command_parse("FILE MAIL", "Plays a scenario and tells the story of one of its mails.",
                       entries, &argc, &argv))
        return EXIT_BAD_INPUT;
    if (argc != 3)
        return command_usage("explain", "FILE MAIL");
    SimulationOptions options = {.seed = SCENARIO_UNSET, .until_ns = SCENARIO_UNSET};
    g_autoptr(Play) play = play_new(argv[1], &options);
    if (play == NULL)
        return EXIT_BAD_INPUT;
    StoryOptions story_options = {.mail = argv[2], .width = EXPLAIN_WIDTH};
    Story *story = story_new(simulation_trace(play->run->simulation), &story_options);
    bool is_balanced = play_to_end(play);
    bool is_known = play_knows_mail(play, argv[2]);
    g_autofree char *text = story_tell(story);
    if (is_known)
        fputs(text, stdout);
    story_free(story);
    if (!is_balanced)
        return EXIT_BUG;
    return is_known ? EXIT_WELL : EXIT_BAD_INPUT;
}
