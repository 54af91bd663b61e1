/* What the files of the benchmarks share. */
#pragma once

#include <stddef.h>

/* Processor time, so that what else runs on the machine is not counted (but it takes its part of
 * the caches). */
double processor_seconds(void);
/* Octets that malloc has given out. */
size_t allocated(void);

/* ---- bench_mail.c ---- */

/* Whole mails, with all that a run has; rates. */
void bench_mails(void);
/* Octets of a mail in a queue, and of one that lies in its mailbox. */
void bench_mail_memory(void);
/* A million mails in one run; takes long. */
void bench_million(void);
