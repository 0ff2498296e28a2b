-- A node says which members it has: 10 the node, then of each its name, who it is and its place. Who is missing is
-- in again. Names that somebody has elsewhere by now are lost for that node.
if not begin() then
  return {'unknown-room'}
end
local count, lost = call('HLEN', members), {}
for at = 11, #ARGV, 3 do
  local name, where = ARGV[at], ARGV[10] .. ' ' .. ARGV[at + 2]
  local there = call('HGET', members, name)
  if there and string.sub(there, 1, 33) ~= where then
    lost[#lost + 1] = name
  else
    call('HSET', members, name, where .. ' ' .. ARGV[at + 1])
    if not there then
      count = count + 1
      tell('J', where, count, name)
    end
  end
end
if #ARGV > 10 + 3 * #lost then
  note(ARGV[10])
end
if count > 0 then
  persist()
end
return {'ok', lost}
