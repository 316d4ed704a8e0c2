-- Keep the lease. KEYS: meta, due. ARGV: thread, fence, seconds.

if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], 'until', after(ARGV[3]))
redis.call('ZADD', KEYS[2], after(ARGV[3]), ARGV[1])
return 1
