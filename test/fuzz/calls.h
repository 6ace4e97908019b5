/* SPDX-License-Identifier: MIT */
/* One call of the library, as the input says. Knows the parties. One thread. */
#ifndef FUZZ_CALLS_H
#define FUZZ_CALLS_H

#include "parties.h"

void fuzz_call(void);
void fuzz_nested_calls(void); /* some, in a callback; none while a loop is about to end */
void fuzz_calls_begin(void);

#endif /* FUZZ_CALLS_H */
