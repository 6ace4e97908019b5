/* SPDX-License-Identifier: MIT */
/* The scripts. Each reads all keys that it will write before it writes the first: a key of a wrong
 * type, or a server without memory, ends a script at its first steps, never in the middle. */
#include "redis/scripts.h"

#include "redis/options.h"

/* What a producer's mark is checked by, which is its epoch and its token: 'OK' where it is the
 * server's too, 'FENCED' where that is a newer one of another's, 'GAP' where the server has lost
 * it, or has given this producer a newer one: a hello that came late asked for that, where the
 * server was emptied. */
#define CHECK_MARK                                                                 \
  "local function check(mark)\n"                                                   \
  "  if mark == ARGV[2] then return 'OK' end\n"                                    \
  "  local theirs, token = string.match(mark, '^(%d+) (.*)$')\n"                   \
  "  local ours, own = string.match(ARGV[2], '^(%d+) (.*)$')\n"                    \
  "  if token == own or tonumber(theirs) < tonumber(ours) then return 'GAP' end\n" \
  "  return 'FENCED'\n"                                                            \
  "end\n"                                                                          \
  "local mark = redis.call('HGET', KEYS[3], ARGV[1]) or '0 -'\n"

/* One entry to the dead letters: 1, or 0 where they are full, or the server is. An entry that is
 * deleted already is only acknowledged. One with more fields than a call takes words is packed, as
 * MessagePack. */
#define BURY                                                                                   \
  "local function bury(id, why)\n"                                                             \
  "  if redis.call('XLEN', KEYS[5]) >= tonumber(ARGV[2]) then return 0 end\n"                  \
  "  local entry = redis.call('XRANGE', KEYS[1], id, id)[1]\n"                                 \
  "  if entry then\n"                                                                          \
  "    local fields = entry[2]\n"                                                              \
  "    if #fields > 1000 then fields = {'packed', cmsgpack.pack(fields)} end\n"                \
  "    local dead = redis.pcall('XADD', KEYS[5], '*', 'why', why, 'id', id, unpack(fields))\n" \
  "    if type(dead) == 'table' then return 0 end\n"                                           \
  "  end\n"                                                                                    \
  "  redis.call('XACK', KEYS[1], ARGV[1], id)\n"                                               \
  "  redis.call('XDEL', KEYS[1], id)\n"                                                        \
  "  return 1\n"                                                                               \
  "end\n"

#define TEXT_OF(number) WRITTEN(number)
#define WRITTEN(number) #number
#define UNSEEN TEXT_OF(UVCHAN__REDIS_UNSEEN)
#define MOST_CLAIM_MS TEXT_OF(UVCHAN__REDIS_MOST_CLAIM_MS)

/* Whether the stream is closed, its length, how many of its entries nobody was given yet, and how
 * often some were given back. The group is made where there is none: a source that has no room, or
 * leaves, asks for nothing that would tell it that a stranger has deleted it. */
#define LOOK                                                                     \
  "local closed = redis.call('HGET', KEYS[4], 'closed') or ''\n"                 \
  "local returns = tonumber(redis.call('GET', KEYS[6]) or '0')\n"                \
  "local function look()\n"                                                      \
  "  local length = redis.call('XLEN', KEYS[1])\n"                               \
  "  local given = redis.pcall('XPENDING', KEYS[1], ARGV[1])[1]\n"               \
  "  if not given then\n"                                                        \
  "    redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')\n"      \
  "    given = 0\n"                                                              \
  "  end\n"                                                                      \
  "  return {closed, length, length > given and length - given or 0, returns}\n" \
  "end\n"

const char* const uvchan__redis_scripts[UVCHAN__REDIS_SCRIPTS] = {
    /* It writes in each case but TAKEN and FENCED: so a replica refuses it. A token tells a
     * producer that asks again, since it had no answer, from another one of its name, and gets it
     * what it was given; and who begins names the epoch that it is to follow. So a hello of a
     * connection that was given up, which comes late, changes nothing. How a new epoch was given
     * tells its distance: BEHIND is the next one, LOST the one after that. */
    [UVCHAN__REDIS_HELLO] =
        "local mark = redis.call('HGET', KEYS[3], ARGV[1]) or '0 -'\n"
        "local theirs, token = string.match(mark, '^(%d+) (.*)$')\n"
        "local ours = tonumber(ARGV[2])\n"
        "theirs = tonumber(theirs)\n"
        "local last = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')\n"
        "local closed = redis.call('HGET', KEYS[4], 'closed') or ''\n"
        "local length = redis.call('XLEN', KEYS[1])\n"
        "local is_own = token == ARGV[3]\n"
        "local how, epoch = 'NEW', theirs + 1\n"
        "if ours > 0 then how, epoch = 'LOST', ours + 2 end\n"
        "if is_own and theirs > ours then\n"
        "  epoch = theirs\n"
        "  if ours > 0 and theirs == ours + 1 then how = 'BEHIND' end\n"
        "elseif ours == 0 and theirs ~= tonumber(ARGV[4]) then\n"
        "  return {'TAKEN', theirs, last, closed, length}\n"
        "elseif not is_own and ours > 0 and theirs >= ours then\n"
        "  return {'FENCED', theirs, last, closed, length}\n"
        "elseif is_own and theirs == ours and last >= tonumber(ARGV[4]) then\n"
        "  how, epoch = 'SAME', ours\n"
        "elseif is_own and theirs == ours then\n"
        "  how, epoch = 'BEHIND', ours + 1\n"
        "end\n"
        "redis.call('HSET', KEYS[3], ARGV[1], string.format('%.0f %s', epoch, ARGV[3]))\n"
        "if not is_own and closed == '' then\n"
        "  redis.call('HDEL', KEYS[4], 'p:' .. ARGV[1])\n"
        "end\n"
        "return {how, epoch, last, closed, length}\n",

    /* The one script that runs for each value: so what its loop uses are locals, and the server
     * writes the number as text, with 17 digits, which takes it less time than string.format(). */
    [UVCHAN__REDIS_ADD] = CHECK_MARK
    "local before = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')\n"
    "local length = redis.call('XLEN', KEYS[1])\n"
    "local code = check(mark)\n"
    "if code ~= 'OK' then return {code, 0, length} end\n"
    "if redis.call('HEXISTS', KEYS[4], 'closed') == 1 then\n"
    "  return {'CLOSED', before, length}\n"
    "end\n"
    "local first, last = tonumber(ARGV[4]), before\n"
    "if first > before + 1 then return {'GAP', before, length} end\n"
    "local call, stream, values, room = redis.call, KEYS[1], ARGV, tonumber(ARGV[3]) - length\n"
    "local producer, format = ARGV[1], ARGV[5]\n"
    "for i = 6 + before + 1 - first, #values do\n"
    "  if room <= 0 then code = 'FULL' break end\n"
    "  last = first + i - 6\n"
    "  call('XADD', stream, '*', 'f', format, 'p', producer, 'n', last, 'v', values[i])\n"
    "  room = room - 1\n"
    "end\n"
    "if last > before then\n"
    "  redis.call('HSET', KEYS[2], ARGV[1], string.format('%.0f', last))\n"
    "end\n"
    "return {code, last, length + last - before}\n",

    [UVCHAN__REDIS_END] = CHECK_MARK
    "local code = check(mark)\n"
    "if code ~= 'OK' then return {code} end\n"
    "if redis.call('HEXISTS', KEYS[4], 'closed') == 1 then return {'OK'} end\n"
    "redis.call('HSET', KEYS[4], 'p:' .. ARGV[1], ARGV[3])\n"
    "local ends = redis.call('HVALS', KEYS[4])\n"
    "if #ends < tonumber(ARGV[4]) then return {'OK'} end\n"
    "local status = 'EOF'\n"
    "for _, one in ipairs(ends) do if one ~= 'EOF' then status = one end end\n"
    "redis.call('HSET', KEYS[4], 'closed', status)\n"
    "return {'OK'}\n",

    [UVCHAN__REDIS_OPEN] = LOOK "return look()\n",

    [UVCHAN__REDIS_DONE] = LOOK
    "redis.call('XACK', KEYS[1], unpack(ARGV))\n"
    "redis.call('XDEL', KEYS[1], unpack(ARGV, 2))\n"
    "return look()\n",

    /* An entry whose time of delivery is 0 has waited for longer than any time: so whoever claims
     * next takes it. The server's count of deliveries tells whether this is the delivery that is
     * meant: a command that comes late, from a connection that was given up, gives nothing back
     * that was delivered since. So no count comes twice: where a delivery goes unseen it is taken
     * off, and UNSEEN put on instead. Who else asks is told by the number of returns. Where there
     * is no group nothing is pending. */
    [UVCHAN__REDIS_RETURN] = LOOK
    "local n = 0\n"
    "for i = 3, #ARGV, 3 do\n"
    "  local id, times = ARGV[i], tonumber(ARGV[i + 1])\n"
    "  local one = redis.pcall('XPENDING', KEYS[1], ARGV[1], id, id, 1, ARGV[2])[1]\n"
    "  if one and one[4] == times then\n"
    "    if ARGV[i + 2] == '1' then times = times - 1 + " UNSEEN
    " end\n"
    "    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, id, 'TIME', 0,\n"
    "      'RETRYCOUNT', string.format('%.0f', times), 'JUSTID')\n"
    "    n = n + 1\n"
    "  end\n"
    "end\n"
    "if n > 0 then returns = redis.call('INCR', KEYS[6]) end\n"
    "local answer = look()\n"
    "answer[5] = n\n"
    "return answer\n",

    /* Not what was given back. Where there is no group nothing is pending. */
    [UVCHAN__REDIS_RENEW] =
        "local n = 0\n"
        "for i = 3, #ARGV do\n"
        "  local one = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2])[1]\n"
        "  if one and one[3] < " MOST_CLAIM_MS
        " then\n"
        "    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')\n"
        "    n = n + 1\n"
        "  end\n"
        "end\n"
        "return n\n",

    /* What a slot has is passed over, and makes the look longer. Where a look does not reach the
     * end it answers where the next one begins: so what can't be buried hides nothing behind it.
     * XCLAIM answers nothing for an entry that is deleted. A member that has had nothing for long
     * is forgotten: it is made anew when it asks. */
    [UVCHAN__REDIS_CLAIM] = BURY
    "local entries, dead, last, held = {}, 0, '', {}\n"
    "for i = 9, #ARGV do held[ARGV[i]] = true end\n"
    "local most = tonumber(ARGV[5])\n"
    "local n = most + #ARGV - 8\n"
    "local ask = {'XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[4], ARGV[7], '+', n}\n"
    "if ARGV[8] ~= '' then ask[#ask + 1] = ARGV[8] end\n"
    "local late = redis.call(unpack(ask))\n"
    "for i, one in ipairs(late) do\n"
    "  local id, times = one[1], one[4]\n"
    "  if held[id] then\n"
    "  elseif times % " UNSEEN
    " >= tonumber(ARGV[6]) then\n"
    "    dead = dead + bury(id, 'deliveries')\n"
    "  else\n"
    "    local got = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], ARGV[4], id)[1]\n"
    "    if got then\n"
    "      entries[#entries + 1] = {id, times + 1, got[2]}\n"
    "    else\n"
    "      redis.call('XACK', KEYS[1], ARGV[1], id)\n"
    "    end\n"
    "  end\n"
    "  if i == n or #entries == most then last = id break end\n"
    "end\n"
    "if ARGV[8] == '' then\n"
    "  for _, one in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do\n"
    "    local name, given, idle = one[2], one[4], one[6]\n"
    "    if name ~= ARGV[3] and given == 0 and idle > 10 * tonumber(ARGV[4]) then\n"
    "      redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], name)\n"
    "    end\n"
    "  end\n"
    "end\n"
    "return {entries, dead, last}\n",

    [UVCHAN__REDIS_BURY] = BURY "return bury(ARGV[4], ARGV[3])\n",
};
