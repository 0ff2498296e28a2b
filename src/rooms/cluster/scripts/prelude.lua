-- What stands before every script of a room. A script runs as a whole or not at all.
--
-- KEYS: 1 the facts of the room, 2 its stream of messages, 3 its members; publish: 4 the key of a message; join,
-- declare and sweep: 4 the rooms that the node is in; join and declare: 5 the nodes.
-- ARGV: 1 the room's channel, 2 the process of the engine that the node is connected to, 3 the epoch that begins if
-- one has to, 4 and 5 the newest position that the node knows (or empty), 6 messages, 7 bytes and 8 milliseconds
-- that a history keeps, 9 milliseconds after which an unused room goes (0: never); what follows is the script's own.
local facts, stream, members = KEYS[1], KEYS[2], KEYS[3]
local call = redis.call

-- Of the room, since `begin`.
local epoch, newest, held, changes

-- A number as a whole one: past 2^31 the plain way writes an exponent.
local function whole(number)
  return string.format('%.0f', number)
end

-- Milliseconds since 1970, by the clock of the engine. Asked once: in Redis before 7.2 it goes on within a script.
local moment
local function time()
  if not moment then
    local now = call('TIME')
    moment = now[1] * 1000 + math.floor(now[2] / 1000)
  end
  return moment
end

-- Tells every node. Lengths stand in the header, so that names and texts may hold any bytes.
local function push(header, body)
  call('PUBLISH', ARGV[1], header .. '\n' .. (body or ''))
end

-- Somebody is in (J) or in no more (L). Whoever misses such a push finds that the number of the next one, or of what
-- it reads, is not the next number.
local function tell(kind, where, count, name)
  changes = changes + 1
  call('HSET', facts, 'c', whole(changes))
  push(kind .. ' ' .. where .. ' ' .. count .. ' ' .. whole(changes) .. ' ' .. #name, name)
end

-- Whether there is the room. Another process of the engine than the node's may have lost what was receipted, and so
-- has one that is behind what the node has seen: ids from here on belong to a new epoch then.
local function begin()
  local known = call('HMGET', facts, 'e', 'n', 'r', 'b', 'c')
  if not known[1] then
    return false
  end
  epoch, newest, held, changes = known[1], tonumber(known[2]), tonumber(known[4]), tonumber(known[5] or 0)
  local is_behind = ARGV[4] == epoch and tonumber(ARGV[5]) > newest
  if known[3] == ARGV[2] and not is_behind then
    return true
  end
  local earlier = {}
  for position in string.gmatch(call('HGET', facts, 'a') or '', '%S+') do
    earlier[#earlier + 1] = position
  end
  earlier[#earlier + 1] = epoch .. ':' .. whole(newest)
  local kept = table.concat(earlier, ' ', math.max(1, #earlier - 15))
  epoch = ARGV[3]
  call('HSET', facts, 'e', epoch, 'r', ARGV[2], 'a', kept)
  push('E ' .. epoch .. ' ' .. whole(newest))
  return true
end

-- Whether a position belongs to the order of messages that this room has; and where its epoch ended, if that is an
-- earlier one that is known.
local function is_here(of, id)
  if of == epoch then
    return id <= newest, ''
  end
  for known, upto in string.gmatch(call('HGET', facts, 'a') or '', '(%x+):(%d+)') do
    if known == of then
      return id <= tonumber(upto), upto
    end
  end
  return false, ''
end

-- Bytes that count for a message.
local function weight(sender, text)
  return #sender + #(text or '') + 64
end

-- Forgets messages past the bounds, at most 64 of them, oldest first. The newest one stays whatever its size, unless
-- nothing is to be kept.
local function cut()
  local length = call('XLEN', stream)
  local most, bytes, oldest = tonumber(ARGV[6]), tonumber(ARGV[7]), time() - ARGV[8]
  local from, count, last, removed, is_over = '-', 2, nil, 0, length == 0
  while not is_over do
    local batch = call('XRANGE', stream, from, '+', 'COUNT', count)
    is_over = #batch < count
    for _, entry in ipairs(batch) do
      local fields = entry[2]
      local is_past = length > most
        or (held > bytes and (length > 1 or bytes == 0))
        or tonumber(fields[2]) < oldest
      if removed == 64 or not is_past then
        is_over = true
        break
      end
      held = held - weight(fields[4], fields[6])
      length, removed, last = length - 1, removed + 1, entry[1]
    end
    from, count = '(' .. (last or '0-0'), 16
  end
  if last then
    local id = tonumber(string.match(last, '^%d+'))
    call('XTRIM', stream, 'MINID', whole(id + 1) .. '-0')
    call('HSET', facts, 'b', whole(held))
  end
end

-- What of the history is asked for by four arguments: an epoch and an id or two empty ones, how many messages at
-- most, and whether the first of them behind that position or the newest. The epoch and the newest id; whether the
-- position belongs to this order of messages, where its epoch ended, and the messages, in either direction; how many
-- members there are, and how often that has changed.
local function excerpt(at)
  cut()
  local since, last = ARGV[at], ARGV[at + 2]
  local first, here, upto, is_page = '-', true, '', false
  if since ~= '' then
    local id = tonumber(ARGV[at + 1])
    here, upto = is_here(since, id)
    if here then
      first = whole(id + 1) .. '-0'
      is_page = ARGV[at + 3] == '1'
    end
  end
  local messages = {}
  if last ~= '0' and is_page then
    messages = call('XRANGE', stream, first, '+', 'COUNT', last)
  elseif last ~= '0' then
    messages = call('XREVRANGE', stream, '+', first, 'COUNT', last)
  end
  return epoch, whole(newest), here and 1 or 0, upto, messages, call('HLEN', members), whole(changes)
end

-- A room that nobody is in goes when it was not used for a while.
local function expire_if_empty()
  if ARGV[9] ~= '0' and call('HLEN', members) == 0 then
    call('PEXPIRE', facts, ARGV[9])
    call('PEXPIRE', stream, ARGV[9])
  end
end

-- A node has a member here: whoever sweeps behind it finds the node, and the room. Together with the member, so that
-- none is in without it.
local function note(node)
  call('SADD', KEYS[4], string.match(ARGV[1], '{(.*)}'))
  call('SADD', KEYS[5], node)
end

-- A node has nobody here.
local function forget()
  call('SREM', KEYS[4], string.match(ARGV[1], '{(.*)}'))
end

-- Somebody is in.
local function persist()
  call('PERSIST', facts)
  call('PERSIST', stream)
end

