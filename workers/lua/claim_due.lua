-- Take threads whose time has come, and put each off, which is the claim. KEYS: due. ARGV: how many, seconds.
-- If the answer is lost, they come again after those seconds.

local ready = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', stamp, 'LIMIT', 0, ARGV[1])
for _, thread in ipairs(ready) do
  redis.call('ZADD', KEYS[1], after(ARGV[2]), thread)
end
return ready
