-- Let go, unless something was appended. KEYS: log, meta, due. ARGV: thread, fence, version, until.
-- The fence moves on, so that whoever let go cannot write any more, and letting go twice changes nothing.

local log, meta, due = unpack(KEYS)
local thread, fence, version, moment = unpack(ARGV)
if redis.call('HGET', meta, 'fence') ~= fence then
  return false
end
local tail = redis.call('LRANGE', log, version, -1)
if #tail > 0 then
  return {stamp, tail}
end
redis.call('HINCRBY', meta, 'fence', 1)
redis.call('HDEL', meta, 'until', 'attempts', 'by')
if moment == '' then
  redis.call('ZREM', due, thread)
else
  redis.call('ZADD', due, moment, thread)
end
return false
