-- Another page each time, more of them than a service keeps: every list is built anew.
local after = 0
request = function()
  after = (after + 1) % 800
  return wrk.format("GET", "/dogs/?after=" .. after)
end
