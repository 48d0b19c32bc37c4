-- Asks for one path of an account at random, each time another.
local accounts = {}
for line in io.lines(os.getenv("LEDGER_BENCH_ACCOUNTS")) do accounts[#accounts + 1] = line end
local what = os.getenv("LEDGER_BENCH_WHAT")
wrk.headers["Authorization"] = "Bearer " .. os.getenv("LEDGER_BENCH_TOKEN")

request = function()
  local account = accounts[math.random(#accounts)]
  return wrk.format("GET", "/v1/accounts/" .. account .. "/" .. what)
end

done = function(summary, latency)
  io.write(string.format(
    '{"requests": %d, "seconds": %.4f, "p50_ms": %.2f, "p99_ms": %.2f, "refused": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3,
    summary.errors.status + summary.errors.read + summary.errors.timeout))
end
