-- Take threads whose time has come, and put each off, which is the claim. KEYS: due, the last claim. ARGV: how many, seconds, token.

local due, claimed = unpack(KEYS)
local limit, seconds, token = unpack(ARGV)
local last = redis.call('LRANGE', claimed, 0, -1)
if table.remove(last, 1) == token then
  return last
end
local ready = redis.call('ZRANGEBYSCORE', due, '-inf', stamp, 'LIMIT', 0, limit)
for _, thread in ipairs(ready) do
  redis.call('ZADD', due, after(seconds), thread)
end
if #ready > 0 then
  redis.call('DEL', claimed)
  redis.call('RPUSH', claimed, token, unpack(ready))
end
return ready
