/* SPDX-License-Identifier: MIT */
/* What a sink says to the server, and what it makes of the answers. */
#ifndef UVCHAN_REDIS_SENDING_H
#define UVCHAN_REDIS_SENDING_H

#include "redis/sink-state.h"

/* Sets the calls of this room. */
void uvchan__redis_sink_prepare_sending(uvchan__redis_sink_t* sink);

/* The first word on a connection. */
void uvchan__redis_sink_greet(uvchan__redis_sink_t* sink);

/* Sends what may be sent now: values, a question for replicas, the end. */
void uvchan__redis_sink_pump(uvchan__redis_sink_t* sink);

#endif /* UVCHAN_REDIS_SENDING_H */
