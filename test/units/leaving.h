/* SPDX-License-Identifier: MIT */
/* How a callback is left without returning: by longjmp(); or in a suite that is built with
 * LEAVE_BY_THROW by an exception of C++, which leaving.cc throws and catches. */
#ifndef LEAVING_H
#define LEAVING_H

#include <uv.h>

/* uv_run(); answers 1 where a callback left it, else 0. In such a callback leave() does not
 * return. */
#ifdef LEAVE_BY_THROW

#ifdef __cplusplus
extern "C" {
#endif

int run_until_left(uv_loop_t* loop, uv_run_mode mode);
void leave(void);

#ifdef __cplusplus
}
#endif

#else

#include <setjmp.h>

static jmp_buf left;

static inline int run_until_left(uv_loop_t* loop, uv_run_mode mode) {
  if (setjmp(left) != 0) return 1;
  uv_run(loop, mode);
  return 0;
}

static inline void leave(void) { longjmp(left, 1); }

#endif

#endif /* LEAVING_H */
