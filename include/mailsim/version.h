/* The version of mailsim; a trace names it, since a run is a function of scenario, seed and
 * version. */
#pragma once

#define MS_VERSION "0.1"
