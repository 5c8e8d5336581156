-- wrk's side of the serving benchmark: one line of a file a request; figures as one line of JSON.
-- A line is a seller's id, or, where it begins with a brace, a whole body for MLflow's server.
local body = '{"seller_ids": ["%s"], "horizon_days": 28}'
local lines, i = {}, 0

function init(arguments)
  for line in io.lines(arguments[1]) do lines[#lines + 1] = line end
end

function request()
  i = i % #lines + 1
  local line = lines[i]
  if line:sub(1, 1) == "{" then return wrk.format("POST", "/invocations", nil, line) end
  return wrk.format("POST", "/v1/score", nil, string.format(body, line))
end

function done(summary, latency, _)
  local errors = summary.errors
  print(string.format(
    'figures {"seconds": %.6f, "requests": %d, "refused": %d, "broken": %d, "p50_ms": %.3f, "p95_ms": %.3f, "p99_ms": %.3f}',
    summary.duration / 1e6, summary.requests, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3))
end
