-- Write a whole thread, once. KEYS: log, meta, due, addresses. ARGV: thread, events.

local log, meta, due = unpack(KEYS, 1, 3)
local thread = ARGV[1]
if redis.call('EXISTS', log) == 0 then
  for i = 2, #ARGV, 3 do
    append(log, meta, ARGV[i], ARGV[i + 1], ARGV[i + 2])
  end
  changed(thread)
end
for i = 4, #KEYS do
  redis.call('SET', KEYS[i], thread)
end
redis.call('ZADD', due, stamp, thread)
