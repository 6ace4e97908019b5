/* SPDX-License-Identifier: MIT */
/* Ctrl-C, which a terminal sends to each process of a job. */
#ifndef INTERRUPT_H
#define INTERRUPT_H

#include <signal.h>
#include <stddef.h>

/* Whether this process was begun with it ignored, as a script begins what runs in the background:
 * then the script is asked, and ends its processes by SIGTERM, each at its time. */
static inline int interrupt_is_ignored(void) {
  struct sigaction action;

  return sigaction(SIGINT, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

#endif /* INTERRUPT_H */
