-- For wrk: signature requests for random names, made before the clock starts, and the outcome as one line of JSON.
-- Arguments: path, container URL as it stands in bloburi, longest random part of a name.
function init(args)
  local path, container, longest = args[1], args[2], tonumber(args[3])
  math.randomseed(os.time())
  requests = {}
  for i = 1, 5000 do
    local letters = {}
    for j = 1, math.random(longest) do letters[j] = string.char(math.random(97, 122)) end
    local query = "?_method=PUT&bloburi=" .. container .. "alice%2F" .. table.concat(letters) .. i .. ".jpg"
    requests[i] = wrk.format("GET", path .. query .. "&qqtimestamp=" .. 1772366400000 + i)
  end
  current = 0
end

function request()
  current = current % #requests + 1
  return requests[current]
end

function done(summary, latency)
  local e = summary.errors
  print(string.format(
    '{"requests":%d,"seconds":%f,"p50":%f,"p99":%f,"max":%f,"refused":%d,"broken":%d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, e.status, e.connect + e.read + e.write + e.timeout))
end
