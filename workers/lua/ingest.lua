-- Write down what arrived; answers with the thread, whether it is new, and whether somebody must be woken. KEYS: due, the mailbox's cursor, the address, its dedupe keys, further addresses.
-- The log is found here, in the same step that writes, so its own keys cannot be declared by the caller.

local named, fresh, create, token, position, keys = unpack(ARGV, 1, 6)
local opening, rest, person = unpack(ARGV, 7, 9)
local due, cursor, address = KEYS[1], KEYS[2], KEYS[3]
local last_key = 3 + tonumber(keys)

local function remember_position()
  if position ~= '' then
    redis.call('SET', cursor, position)
  end
end

for i = 4, last_key do
  local seen = redis.call('GET', KEYS[i])
  if seen then
    local thread, by = string.match(seen, '^(%S*) (.*)$')
    remember_position()
    return {thread, by == token and 1 or 0, 1}
  end
end

local thread = named
if named == '' or redis.call('EXISTS', 't:' .. named) == 0 then
  thread = redis.call('GET', address) or (create == '1' and fresh) or ''
end
if thread == '' then
  remember_position()
  return {'', 0, 0}
end

local log, meta = 't:' .. thread, 'm:' .. thread
if not holds(redis.call('LRANGE', log, -16, -1), opening) then
  append(log, meta, opening, rest, person)
  changed(thread)
end
if address ~= 'a:' then
  redis.call('SET', address, thread)
end
for i = last_key + 1, #KEYS do
  redis.call('SET', KEYS[i], thread)
end
local held = tonumber(redis.call('HGET', meta, 'until') or 0) > now -- whoever holds it sees this before letting go
if not held then
  redis.call('ZADD', due, stamp, thread)
end
remember_position()
for i = 4, last_key do
  redis.call('SET', KEYS[i], thread .. ' ' .. token, 'EX', 604800)
end
return {thread, 1, held and 0 or 1}
