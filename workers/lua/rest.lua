-- Nobody needs to look, unless somebody is at it or something was appended. KEYS: log, meta, due. ARGV: thread, version, until.

local log, meta, due = unpack(KEYS)
local thread, version, moment = unpack(ARGV)
if redis.call('LLEN', log) ~= tonumber(version) or tonumber(redis.call('HGET', meta, 'until') or 0) > now then
  return
end
if moment == '' then
  redis.call('ZREM', due, thread)
else
  redis.call('ZADD', due, moment, thread)
end
