/* How a callback is left without returning: by longjmp() in test-leaving.c, and where
 * test-leaving.c is built with LEAVE_BY_THROW, by an exception of C++, which leaving.cc throws and
 * catches. */
#ifndef LEAVING_H
#define LEAVING_H

#include <uv.h>

#ifdef __cplusplus
extern "C" {
#endif

/* uv_run(); answers 1 where a callback left it, else 0. */
int run_until_left(uv_loop_t* loop, uv_run_mode mode);

/* In a callback of run_until_left(): does not return. */
void leave(void);

#ifdef __cplusplus
}
#endif
#endif /* LEAVING_H */
