-- Sends the requests of the file in turn, and from the start when it is through: eight
-- digits of length, then the request, again and again.
local file = io.open(os.getenv("LEDGER_BENCH_REQUESTS"), "rb")

request = function()
  local length = file:read(8)
  if length == nil then
    file:seek("set", 0)
    length = file:read(8)
  end
  return file:read(tonumber(length))
end

done = function(summary, latency)
  io.write(string.format(
    '{"requests": %d, "seconds": %.4f, "p50_ms": %.2f, "p99_ms": %.2f, "refused": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3,
    summary.errors.status + summary.errors.read + summary.errors.timeout))
end
