-- Reads the history: 10 to 13 what of it is wanted.
if not begin() then
  return {'unknown-room'}
end
local here, upto, messages = excerpt(10)
return {'ok', epoch, whole(newest), here, upto, messages}
