-- For wrk: the body of a POST where one is asked for, the pause of each connection before its next request (milliseconds,
-- the mean), and what was measured as one line of JSON.
function init(args)
  if args[1] == "POST" then
    wrk.method = "POST"
    wrk.body = '{"name":"Rex","breed":"Affenpinscher"}'
    wrk.headers["Content-Type"] = "application/json"
  end
  local pause_ms = tonumber(args[2])
  if pause_ms > 0 then
    function delay() return math.random(0, 2 * pause_ms) end
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"failed":%d,"p50":%d,"p99":%d,"p999":%d}\n',
    summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
