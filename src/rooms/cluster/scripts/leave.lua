-- Lets a member go: 10 its name, 11 its node and place. One who is somewhere else stays.
if not begin() then
  return {'unknown-room'}
end
local name, where = ARGV[10], ARGV[11]
local there = call('HGET', members, name)
if not there or string.sub(there, 1, 33) ~= where then
  return {'not-entered'}
end
call('HDEL', members, name)
local count = call('HLEN', members)
tell('L', where, count, name)
expire_if_empty()
return {'ok', count}
