-- Says something, once for each key: 10 m for a member, g for a guest or u for a user, 11 a member's node and place,
-- 12 the sender, 13 whether there is a text, 14 the text.
if not begin() then
  return {'unknown-room'}
end
local kind, sender = ARGV[10], ARGV[12]
local there = kind ~= 'u' and call('HGET', members, sender)
if kind == 'm' and (not there or string.sub(there, 1, 33) ~= ARGV[11]) then
  return {'not-entered'}
end
if kind == 'g' and there then
  return {'name-taken'}
end
local known = call('GET', KEYS[4])
if known then
  local of, id, date = string.match(known, '^(%x+) (%d+) (%d+)$')
  local said = {}
  -- The same id in another order of messages is another message.
  if is_here(of, tonumber(id)) then
    said = call('XRANGE', stream, id .. '-0', id .. '-0')
  end
  return {'ok', of, id, date, said}
end
local text = ARGV[13] == '1' and ARGV[14] or nil
if call('XLEN', stream) == 0 then
  held = 0
end
newest, held = newest + 1, held + weight(sender, text)
local id, date = whole(newest), whole(time())
if text then
  call('XADD', stream, id .. '-0', 'd', date, 'u', sender, 't', text)
else
  call('XADD', stream, id .. '-0', 'd', date, 'u', sender)
end
call('HSET', facts, 'n', id, 'b', whole(held))
call('SET', KEYS[4], epoch .. ' ' .. id .. ' ' .. date, 'PX', '300000')
-- By the key its node knows its own.
local key = string.sub(KEYS[4], -32)
push('M ' .. epoch .. ' ' .. id .. ' ' .. date .. ' ' .. key .. ' ' .. #sender .. ' ' .. (text and #text or '-'), sender .. (text or ''))
cut()
expire_if_empty()
return {'ok', epoch, id, date, {}}
