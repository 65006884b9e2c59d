-- Asks with many tokens, each kind as often as its share, paced; prints what was asked and what came as one line.
-- Arguments: the file of tokens (a kind and a token on each line), the mean pause of a connection in milliseconds, and `close`
-- for a new connection with every request. A thread has the counts, since the end is told elsewhere.
local shares = { { "good", 80 }, { "unknown", 5 }, { "expired", 5 }, { "revoked", 5 }, { "poor", 5 } }
local tokens, kinds, more, pause = {}, {}, "", 0
local threads = {}
asked_good, asked_dead, asked_poor, got_good, got_dead, got_poor, got_other = 0, 0, 0, 0, 0, 0, 0

function setup(thread)
   threads[#threads + 1] = thread
end

function init(args)
   for line in io.lines(args[1]) do
      local kind, token = line:match("(%S+) (%S+)")
      tokens[kind] = tokens[kind] or {}
      table.insert(tokens[kind], token)
   end
   for _, share in ipairs(shares) do
      for _ = 1, share[2] do
         kinds[#kinds + 1] = share[1]
      end
   end
   pause = tonumber(args[2])
   if args[3] == "close" then
      more = "Connection: close\r\n"
   end
   math.randomseed(42)
end

function delay()
   return math.random(0, 2 * pause)
end

function request()
   local kind = kinds[math.random(#kinds)]
   if kind == "good" then
      asked_good = asked_good + 1
   elseif kind == "poor" then
      asked_poor = asked_poor + 1
   else
      asked_dead = asked_dead + 1
   end
   local token = tokens[kind][math.random(#tokens[kind])]
   return "GET /fast/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " .. token .. "\r\n" .. more .. "\r\n"
end

function response(status)
   if status == 200 then
      got_good = got_good + 1
   elseif status == 401 then
      got_dead = got_dead + 1
   elseif status == 403 then
      got_poor = got_poor + 1
   else
      got_other = got_other + 1
   end
end

function done(summary)
   local told, errors = "RESULT", summary.errors
   for _, name in ipairs({ "asked_good", "got_good", "asked_dead", "got_dead", "asked_poor", "got_poor", "got_other" }) do
      local sum = 0
      for _, thread in ipairs(threads) do
         sum = sum + thread:get(name)
      end
      told = told .. " " .. sum
   end
   print(told .. " " .. errors.connect + errors.read + errors.write + errors.timeout .. " " .. summary.duration)
end
