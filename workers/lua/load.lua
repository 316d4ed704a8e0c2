-- KEYS: log, meta. ARGV: the mark and the version that the caller knows.

if redis.call('EXISTS', KEYS[1]) == 0 then
  return false
end
local from, marked, events = unread(KEYS[1], KEYS[2], ARGV[1], ARGV[2])
return {from, marked, events}
