/* SPDX-License-Identifier: MIT */
/* What the system says of this process. Knows nothing of the pizzeria. Threads: any, but for
 * process_allow_descriptors(), which is called before there are others. */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdint.h>

/* Raises the limit of descriptors as far as it goes. */
void process_allow_descriptors(void);

/* How many descriptors are open, and how many may be; 0 where that can't be seen. */
uint64_t process_descriptors(void);
uint64_t process_descriptors_most(void);

double process_cpu_seconds(void);
uint64_t process_resident_bytes(void);

#endif /* PROCESS_H */
