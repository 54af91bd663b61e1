/* What every public header of mailsim needs. The library exports nothing but names that begin with
 * ms_, Ms or MS_. */
#pragma once

#define MS_API __attribute__((visibility("default")))
