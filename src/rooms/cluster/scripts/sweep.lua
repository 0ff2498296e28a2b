-- Lets members of a node go that is gone itself: 10 the node, 11 at most so many.
if not begin() then
  forget()
  return {'unknown-room'}
end
local most, found, known, has_more, cursor = tonumber(ARGV[11]), {}, {}, false, '0'
repeat
  local batch = call('HSCAN', members, cursor, 'COUNT', '256')
  cursor = batch[1]
  for at = 1, #batch[2], 2 do
    local name, there = batch[2][at], batch[2][at + 1]
    if string.sub(there, 1, 16) == ARGV[10] and not known[name] then
      if #found < most then
        found[#found + 1], known[name] = name, string.sub(there, 1, 33)
      else
        has_more = true
      end
    end
  end
until cursor == '0' or has_more
local count = call('HLEN', members)
for _, name in ipairs(found) do
  call('HDEL', members, name)
  count = count - 1
  tell('L', known[name], count, name)
end
if not has_more then
  forget()
end
expire_if_empty()
return {'ok', has_more and 1 or 0}
