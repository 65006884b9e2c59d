-- Acts of administration over REST, for sizes.py; prints what happened as one line.
-- Arguments: `create` or `pages`, and the secret of an administrator's token.
local owners, made, cursor = 1000, 0, ""

function init(args)
   creates = args[1] == "create"
   wrk.headers["Authorization"] = "Bearer " .. args[2]
   wrk.headers["Content-Type"] = "application/json"
end

function request()
   if not creates then
      return wrk.format("GET", "/api/v1/tokens?limit=100" .. cursor)
   end
   made = made + 1
   -- As `peers-seed` names its owners.
   local body = string.format(
      '{"name":"made %d","owner":"owner-%04d@example.com","contexts":["stock"],"flags":["view"],"lifetime":"30d"}',
      made, made % owners)
   return wrk.format("POST", "/api/v1/tokens", nil, body)
end

function response(status, _, body)
   if not creates and status == 200 then
      local next = body:match('"next":"([^"]+)"')
      cursor = next and "&cursor=" .. next or ""
   end
end

function done(summary, _, _)
   local errors = summary.errors
   io.write(string.format("RESULT %d %d %d\n", summary.requests, summary.duration,
      errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
