-- Reads the history: 10 to 13 what of it is wanted.
if not begin() then
  return {'unknown-room'}
end
return {'ok', excerpt(10)}
