-- Append choices, unless the lease was lost or a person spoke. KEYS: log, meta. ARGV: thread, fence, version, events.

local log, meta = unpack(KEYS)
local thread, fence, version = unpack(ARGV, 1, 3)
if redis.call('HGET', meta, 'fence') ~= fence then
  return {stamp, 'fenced', {}}
end
local tail = redis.call('LRANGE', log, version, -1)
if #ARGV > 3 and holds(tail, ARGV[4]) then
  return {stamp, 'appended', tail}
end
if tonumber(redis.call('HGET', meta, 'spoke') or 0) > tonumber(version) then
  return {stamp, 'overtaken', tail}
end
for i = 4, #ARGV, 3 do
  append(log, meta, ARGV[i], ARGV[i + 1], ARGV[i + 2])
end
redis.call('HDEL', meta, 'attempts')
if #ARGV > 3 then
  changed(thread)
end
return {stamp, 'appended', redis.call('LRANGE', log, version, -1)}
