-- Spreads the load of wrk over the tokens of a file, in no order; prints what happened as one line.
-- Arguments: the file of tokens (one a line), and `close` for a new connection with every request, or
-- a number to walk through the file from there instead.
local tokens = {}
local more = ""
local at = nil

function init(args)
   for line in io.lines(args[1]) do
      tokens[#tokens + 1] = line
   end
   if args[2] == "close" then
      more = "Connection: close\r\n"
   else
      at = tonumber(args[2])
   end
   math.randomseed(42)
end

function request()
   local token
   if at then
      token = tokens[at % #tokens + 1]
      at = at + 1
   else
      token = tokens[math.random(#tokens)]
   end
   return "GET /api/items HTTP/1.1\r\nHost: bench.example\r\nAuthorization: Bearer "
      .. token .. "\r\n" .. more .. "\r\n"
end

function done(summary, latency, _)
   local errors = summary.errors
   io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration,
      errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
