-- For wrk: callbacks about one blob, from pages that do not all begin at the same moment.
-- Arguments: the form, how many milliseconds the first ones are spread over, how many connections there are.
function init(args)
  local form = args[1]
  spread, unstarted = tonumber(args[2]), tonumber(args[3])
  math.randomseed(os.time())
  wrk.method = "POST"
  wrk.body = form
  wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
end

function delay()
  if unstarted == 0 then return 0 end
  unstarted = unstarted - 1
  return math.random(spread)
end
