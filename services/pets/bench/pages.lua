-- Requests more pages in turn than a service caches, so that every list is built anew.
local after = 0
request = function()
  after = (after + 1) % 800
  return wrk.format("GET", "/dogs/?after=" .. after)
end
