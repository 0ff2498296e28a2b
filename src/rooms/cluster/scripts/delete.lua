-- Deletes a room: 10 the digest of its key.
if not begin() then
  return {'unknown-room'}
end
if call('HGET', facts, 'key') ~= ARGV[10] then
  return {'wrong-key'}
end
call('DEL', facts, stream, members)
-- A node that was away shall not take it for one that was lost, and make it anew.
call('HSET', facts, 'x', '1')
call('PEXPIRE', facts, '3600000')
push('C')
return {'ok'}
