-- Names of members: 10 at most so many.
if not begin() then
  return {'unknown-room'}
end
local most, names, known, cursor = tonumber(ARGV[10]), {}, {}, '0'
repeat
  local batch = call('HSCAN', members, cursor, 'COUNT', '256')
  cursor = batch[1]
  for at = 1, #batch[2], 2 do
    local name = batch[2][at]
    if #names < most and not known[name] then
      names[#names + 1], known[name] = name, true
    end
  end
until cursor == '0' or #names >= most
return {'ok', call('HLEN', members), names}
