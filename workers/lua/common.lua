-- What every script begins with: the server's clock, and how events are written and read.
-- Scripts read and check first and write last, because Redis does not roll a script back; sent twice, each answers as it did the first time.
-- An event comes as three arguments: its JSON up to the id, the rest of it, and "1" if a person did it.

local clock = redis.call('TIME')
local stamp = clock[1] .. '.' .. string.format('%06d', clock[2])
local now = tonumber(stamp)

local function after(seconds)
  return string.format('%.6f', now + tonumber(seconds))
end

local function append(log, meta, opening, rest, person)
  if string.sub(rest, 1, 5) ~= '"at":' then
    rest = '"at":' .. string.sub(stamp, 1, -4) .. ',' .. rest  -- in milliseconds
  end
  local version = redis.call('RPUSH', log, opening .. rest)
  if person == '1' then
    redis.call('HSET', meta, 'spoke', version)
  end
end

local function changed(thread)
  redis.call('ZADD', 'threads', stamp, thread)
  redis.call('PUBLISH', 'changes', thread)
end

local function holds(events, opening)
  for _, event in ipairs(events) do
    if string.sub(event, 1, #opening) == opening then
      return true
    end
  end
  return false
end

-- Names the first so many events of a log, whatever they say: it changes when they were rewritten.
local function mark(log, meta, version)
  local last = version > 0 and redis.call('LINDEX', log, version - 1)
  return last and (redis.call('HGET', meta, 'rewritten') or '') .. redis.sha1hex(last) or ''
end

-- The events after those that the caller knows under a mark; all of them if it does not know the log as it is.
local function unread(log, meta, known, version)
  local from = tonumber(version)
  if from > 0 and mark(log, meta, from) ~= known then
    from = 0
  end
  return from, mark(log, meta, redis.call('LLEN', log)), redis.call('LRANGE', log, from, -1)
end
