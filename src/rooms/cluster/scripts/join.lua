-- Lets a member in: 10 its name, 11 its node and place, 12 who it is, 13 to 16 what of the history it wants. One who
-- is in elsewhere moves.
if not begin() then
  return {'unknown-room'}
end
local name, where = ARGV[10], ARGV[11]
local there = call('HGET', members, name)
local before = there and string.sub(there, 1, 33) or ''
if there and before ~= where and string.sub(there, 35) ~= ARGV[12] then
  return {'name-taken'}
end
call('HSET', members, name, where .. ' ' .. ARGV[12])
note(string.sub(where, 1, 16))
persist()
if not there then
  tell('J', where, call('HLEN', members), name)
elseif before ~= where then
  push('V ' .. before .. ' ' .. #name, name)
end
return {'ok', before, excerpt(13)}
