-- For wrk: asks as fast as it is answered, until SIGINT, and prints at the end a line
-- {"asked": N, "failures": {"what": N}}. All but 200 is a failure; of callbacks (a form as the argument) also what was said.
local main

function setup(thread)
  main = thread
end

function init(args)
  failures = ''          -- status and code of each, in a text, since threads hand over nothing else but numbers
  if args[1] then
    wrk.method = 'POST'
    wrk.headers['Content-Type'] = 'application/x-www-form-urlencoded'
    wrk.body = args[1]
    response = function(status, headers, body)
      if status ~= 200 then
        local code = body:match('^{"error":"[^"]+","code":"([a-z_]+)","success":false}$') or 'no JSON'
        failures = failures .. status .. ' ' .. code .. ' ' .. (headers['Retry-After'] or 'no Retry-After') .. '\n'
      end
    end
  end
end

function done(summary)
  local counts = {}
  for what in main:get('failures'):gmatch('[^\n]+') do counts[what] = (counts[what] or 0) + 1 end
  if main:get('failures') == '' then counts['not 200'] = summary.errors.status end
  for _, what in ipairs({'connect', 'read', 'write', 'timeout'}) do counts[what] = summary.errors[what] end
  local list = {}
  for what, count in pairs(counts) do
    if count > 0 then list[#list + 1] = string.format('"%s": %d', what, count) end
  end
  print(string.format('{"asked": %d, "failures": {%s}}', summary.requests, table.concat(list, ', ')))
end
