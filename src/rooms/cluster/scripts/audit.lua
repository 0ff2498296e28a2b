-- Who is said to be a member of a node: 10 the node. Names and places, one after the other.
if not begin() then
  return {'unknown-room'}
end
local all, found = call('HGETALL', members), {}
for at = 1, #all, 2 do
  if string.sub(all[at + 1], 1, 16) == ARGV[10] then
    found[#found + 1] = all[at]
    found[#found + 1] = string.sub(all[at + 1], 18, 33)
  end
end
return {'ok', found}
