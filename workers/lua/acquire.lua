-- Take the lease and read what the caller does not know yet. KEYS: log, meta, due. ARGV: thread, seconds, token, mark, version.

local log, meta, due = unpack(KEYS)
local thread, seconds, token = unpack(ARGV, 1, 3)
if redis.call('EXISTS', log) == 0 then
  return false
end
local held = redis.call('HMGET', meta, 'fence', 'until', 'attempts', 'by')
local fence, attempts = tonumber(held[1] or 0), tonumber(held[3] or 0)
if held[4] ~= token then
  if tonumber(held[2] or 0) > now then
    return false
  end
  fence, attempts = fence + 1, attempts + 1
  redis.call('HSET', meta, 'fence', fence, 'until', after(seconds), 'attempts', attempts, 'by', token)
  redis.call('ZADD', due, after(seconds), thread)
end
local from, marked, events = unread(log, meta, ARGV[4], ARGV[5])
return {stamp, fence, attempts, from, marked, events}
