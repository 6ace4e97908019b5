/* SPDX-License-Identifier: MIT */
/* The scripts. Each reads all keys that it will write before it writes the first: a key of a wrong
 * type, or a server without memory, ends a script at its first steps, never in the middle. */
#include "redis/scripts.h"

/* One entry to the dead letters: 1, or 0 where they are full. An entry that is deleted already is
 * only acknowledged. */
#define BURY                                                                       \
  "local function bury(id, why)\n"                                                 \
  "  if redis.call('XLEN', KEYS[5]) >= tonumber(ARGV[2]) then return 0 end\n"      \
  "  local entry = redis.call('XRANGE', KEYS[1], id, id)[1]\n"                     \
  "  if entry then\n"                                                              \
  "    redis.call('XADD', KEYS[5], '*', 'why', why, 'id', id, unpack(entry[2]))\n" \
  "  end\n"                                                                        \
  "  redis.call('XACK', KEYS[1], ARGV[1], id)\n"                                   \
  "  redis.call('XDEL', KEYS[1], id)\n"                                            \
  "  return 1\n"                                                                   \
  "end\n"

const char* const uvchan__redis_scripts[UVCHAN__REDIS_SCRIPTS] = {
    /* An epoch that the server has lost, which the other scripts answer with GAP, is taken from the
     * producer that goes on in it. */
    [UVCHAN__REDIS_HELLO] =
        "local epoch = tonumber(redis.call('HGET', KEYS[3], ARGV[1]) or '0')\n"
        "local closed = redis.call('HGET', KEYS[4], 'closed') or ''\n"
        "if ARGV[2] == '0' then\n"
        "  epoch = redis.call('HINCRBY', KEYS[3], ARGV[1], 1)\n"
        "  if closed == '' then redis.call('HDEL', KEYS[4], 'p:' .. ARGV[1]) end\n"
        "elseif epoch < tonumber(ARGV[2]) then\n"
        "  redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])\n"
        "  epoch = tonumber(ARGV[2])\n"
        "end\n"
        "local last = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')\n"
        "return {epoch, last, closed, redis.call('XLEN', KEYS[1])}\n",

    [UVCHAN__REDIS_ADD] =
        "local before = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')\n"
        "local length = redis.call('XLEN', KEYS[1])\n"
        "local epoch = tonumber(redis.call('HGET', KEYS[3], ARGV[1]) or '0')\n"
        "if epoch > tonumber(ARGV[2]) then return {'FENCED', before, length} end\n"
        "if epoch < tonumber(ARGV[2]) then return {'GAP', 0, length} end\n"
        "if redis.call('HEXISTS', KEYS[4], 'closed') == 1 then\n"
        "  return {'CLOSED', before, length}\n"
        "end\n"
        "local first = tonumber(ARGV[4])\n"
        "if first > before + 1 then return {'GAP', before, length} end\n"
        "local code, last = 'OK', before\n"
        "for i = 6 + before + 1 - first, #ARGV do\n"
        "  if length >= tonumber(ARGV[3]) then code = 'FULL' break end\n"
        "  last = first + i - 6\n"
        "  redis.call('XADD', KEYS[1], '*', 'f', ARGV[5], 'p', ARGV[1],\n"
        "             'n', string.format('%.0f', last), 'v', ARGV[i])\n"
        "  length = length + 1\n"
        "end\n"
        "if last > before then\n"
        "  redis.call('HSET', KEYS[2], ARGV[1], string.format('%.0f', last))\n"
        "end\n"
        "return {code, last, length}\n",

    [UVCHAN__REDIS_END] =
        "local epoch = tonumber(redis.call('HGET', KEYS[3], ARGV[1]) or '0')\n"
        "if epoch > tonumber(ARGV[2]) then return {'FENCED'} end\n"
        "if epoch < tonumber(ARGV[2]) then return {'GAP'} end\n"
        "if redis.call('HEXISTS', KEYS[4], 'closed') == 1 then return {'OK'} end\n"
        "redis.call('HSET', KEYS[4], 'p:' .. ARGV[1], ARGV[3])\n"
        "local ends = redis.call('HVALS', KEYS[4])\n"
        "if #ends < tonumber(ARGV[4]) then return {'OK'} end\n"
        "local status = 'EOF'\n"
        "for _, one in ipairs(ends) do if one ~= 'EOF' then status = one end end\n"
        "redis.call('HSET', KEYS[4], 'closed', status)\n"
        "return {'OK'}\n",

    [UVCHAN__REDIS_OPEN] =
        "if redis.pcall('XPENDING', KEYS[1], ARGV[1]).err then\n"
        "  redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')\n"
        "end\n"
        "return {redis.call('HGET', KEYS[4], 'closed') or '', redis.call('XLEN', KEYS[1])}\n",

    [UVCHAN__REDIS_DONE] =
        "local closed = redis.call('HGET', KEYS[4], 'closed') or ''\n"
        "redis.call('XACK', KEYS[1], unpack(ARGV))\n"
        "redis.call('XDEL', KEYS[1], unpack(ARGV, 2))\n"
        "return {closed, redis.call('XLEN', KEYS[1])}\n",

    /* XCLAIM answers nothing for an entry that is deleted. */
    [UVCHAN__REDIS_CLAIM] = BURY
    "local entries, dead = {}, 0\n"
    "local late = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[4], '-', '+', ARGV[5])\n"
    "for _, one in ipairs(late) do\n"
    "  local id, times = one[1], one[4]\n"
    "  if times >= tonumber(ARGV[6]) then\n"
    "    dead = dead + bury(id, 'deliveries')\n"
    "  else\n"
    "    local got = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], ARGV[4], id)[1]\n"
    "    if got then\n"
    "      entries[#entries + 1] = {id, times + 1, got[2]}\n"
    "    else\n"
    "      redis.call('XACK', KEYS[1], ARGV[1], id)\n"
    "    end\n"
    "  end\n"
    "end\n"
    "return {entries, dead}\n",

    [UVCHAN__REDIS_BURY] = BURY "return bury(ARGV[4], ARGV[3])\n",
};
