-- Append outcomes, each once. KEYS: log, meta, the ids recorded so far, addresses that now lead here. ARGV: thread, version, events.

local log, meta, recorded = unpack(KEYS, 1, 3)
local thread, version = unpack(ARGV, 1, 2)
if redis.call('EXISTS', log) == 0 then
  return false
end
local recent = redis.call('LRANGE', log, -64, -1)
for i = 3, #ARGV, 3 do
  if not holds(recent, ARGV[i]) and redis.call('SADD', recorded, string.sub(ARGV[i], 8, -3)) == 1 then
    append(log, meta, ARGV[i], ARGV[i + 1], ARGV[i + 2])
    changed(thread)
  end
end
for i = 4, #KEYS do
  redis.call('SET', KEYS[i], thread)
end
return redis.call('LRANGE', log, version, -1)
