-- Makes a room: 10 its name, 11 the digest of its key, 12 its number. Doing so again changes nothing; one that was
-- deleted stays so.
local number = call('HGET', facts, 'number')
if call('HEXISTS', facts, 'x') == 1 then
  return {'unknown-room'}
end
if number then
  return {'ok', number}
end
call('DEL', facts, stream, members)
call('HSET', facts, 'e', ARGV[3], 'n', '0', 'r', ARGV[2], 'b', '0', 'c', '0', 'name', ARGV[10], 'key', ARGV[11], 'number', ARGV[12])
expire_if_empty()
return {'ok', ARGV[12]}
