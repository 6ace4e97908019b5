-- What wrk sends in test/server/server-load.py: orders; each answer is taken apart, and the numbers
-- of orders must never come twice.
local good, refused, wrong, twice = 0, 0, 0, 0
local seen = {}
local threads = {}

wrk.method = "POST"
wrk.path = "/orders"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"pizza":"margherita","count":2,"customer":"wrk"}'

function setup(thread)
  table.insert(threads, thread)
end

local pattern = '^{"number":(%d+),"pizza":"margherita","count":2,"customer":"wrk",' ..
                '"outcome":"%a+","reason":"[%a ]*",' ..
                '"waited_ms":[%d.]+,"baked_ms":[%d.]+}\n$'

function response(status, headers, body)
  if status == 200 then
    local number = string.match(body, pattern)
    good = good + 1
    if not number then
      wrong = wrong + 1
    elseif seen[number] then
      twice = twice + 1
    else
      seen[number] = true
    end
  elseif status == 503 and string.match(body, '^{"error":"[%a ]+"}\n$') and
    headers["Retry-After"] then
    refused = refused + 1
  else
    wrong = wrong + 1
  end
  figures = string.format("%d %d %d %d", good, refused, wrong, twice)
end

function done(summary)
  local errors = summary.errors
  for _, thread in ipairs(threads) do
    io.write("answers ", thread:get("figures") or "0 0 0 0", "\n")
  end
  io.write(string.format("requests %d errors connect %d read %d write %d timeout %d\n",
                         summary.requests, errors.connect, errors.read, errors.write,
                         errors.timeout))
end
