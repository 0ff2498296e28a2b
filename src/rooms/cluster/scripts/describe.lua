-- What is known of a room.
if not begin() then
  return {'unknown-room'}
end
local known = call('HMGET', facts, 'name', 'key', 'number')
return {'ok', known[1], known[2], known[3], call('HLEN', members)}
